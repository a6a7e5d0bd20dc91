//! The best run of a sweep: its test, and its folder.

use std::time::SystemTime;

use super::super::console;
use super::super::inputs::Inputs;
use super::super::model_file;
use super::super::report::{Extras, Test};
use crate::error::Result;
use crate::files::RunFolder;
use crate::machine::MachineRecord;
use crate::model::Model;
use crate::report::history_csv;
use crate::sweep::{Outcome, Sweep};
use crate::train::record::{DatasetRecord, Seconds, Status, Throughput, weights_sha256};
use crate::train::{Metrics, Run, RunRecord, evaluate, evaluator};

/// The folder of the best run, within that of the sweep.
const FOLDER: &str = "best";

/// The best run, with its model.
pub(super) struct Winner {
    outcome: Outcome,
    /// Whether it was trained again, on the images that validated as well.
    refit: bool,
    trained: Trained,
}

/// A model: tested, or that of a shard.
enum Trained {
    Tested(Test),
    Untested(Model),
}

impl Winner {
    /// The best run of `sweep`, tested, and no other is; that of a shard is not, as it may not be the best of all. None where
    /// every run diverged. With `refit` it is trained again before, on the images that validated as well.
    pub(super) fn of(sweep: &Sweep, inputs: &Inputs, refit: bool) -> Result<Option<Self>> {
        let Some((outcome, mut model)) = sweep.winner()? else { return Ok(None) };
        let mut outcome = outcome.clone();
        match refit.then(|| sweep.refit(&outcome, &mut ())).transpose()?.flatten() {
            Some(again) => {
                (outcome.history, model) = again;
                model_file::note_all_data(&mut model, inputs);
            }
            None => model_file::note_data(&mut model, inputs),
        }
        if sweep.header().shard.is_some() {
            return Ok(Some(Self { outcome, refit, trained: Trained::Untested(model) }));
        }
        let samples = inputs.dataset.test.samples();
        let mut engine = evaluator(std::slice::from_ref(&model), samples.element(), &inputs.machine)?;
        let found = evaluate(&mut *engine, &samples, &mut ())?;
        let evaluation = found.expect("nothing stops it").swap_remove(0);
        let metrics = Metrics::of_model(&evaluation, &model);
        model_file::note_test(&mut model, &metrics);
        Ok(Some(Self { outcome, refit, trained: Trained::Tested(Test { model, metrics, evaluation }) }))
    }

    /// Writes its folder within `folder`, with a report that has the command which trains it alone, and returns its record.
    pub(super) fn write(
        self,
        folder: &RunFolder,
        inputs: &Inputs,
        sweep: &Sweep,
        command: Option<impl FnOnce(&[Run]) -> String>,
    ) -> Result<RunRecord> {
        let folder = folder.inner(FOLDER)?;
        let (Trained::Tested(Test { model, .. }) | Trained::Untested(model)) = &self.trained;
        folder.write(model_file::NAME, model.to_bytes())?;
        folder.write("history.csv", history_csv(&self.outcome.history))?;
        let record = self.record(inputs, sweep, &folder);
        folder.write("run.json", console::to_json(&record))?;
        if let (Trained::Tested(test), Some(command)) = (self.trained, command) {
            let (runs, tests) = (Run::single(record.config.clone()), [Some(test)]);
            let extras = Extras::measure(&tests, sweep.engine().kind(), inputs, &runs, &mut |_| {})?;
            extras.write(&folder, std::slice::from_ref(&record), &tests, &command(&runs))?;
        }
        Ok(record)
    }

    fn record(&self, inputs: &Inputs, sweep: &Sweep, folder: &RunFolder) -> RunRecord {
        let (outcome, mut dataset) = (&self.outcome, DatasetRecord::new(&inputs.dataset));
        let (model, test) = match &self.trained {
            Trained::Tested(test) => (&test.model, test.metrics),
            Trained::Untested(model) => (model, Metrics::NONE),
        };
        if self.refit {
            dataset.train += dataset.validation;
        }
        let parameters = &model.parameters;
        let train = outcome.history.iter().map(|record| record.seconds.train).sum();
        let evaluate = outcome.history.iter().map(|record| record.seconds.evaluate).sum();
        let (images, total) = (dataset.train * outcome.epoch, inputs.started.elapsed().as_secs_f64());
        RunRecord {
            name: Some(outcome.id.clone()),
            status: Status::Done,
            version: env!("CARGO_PKG_VERSION").into(),
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            machine: MachineRecord::here().name,
            config: outcome.config.clone(),
            earlier: Vec::new(),
            from: None,
            throughput: Throughput::new(images, parameters.features, parameters.classes, train),
            dataset,
            fingerprint: Some(sweep.header().data.clone()),
            engine: sweep.engine().clone(),
            history: outcome.history.clone(),
            ended: outcome.ended,
            test,
            seconds: Seconds { train, evaluate, total, ..Seconds::default() },
            weights_sha256: weights_sha256(parameters),
            out: folder.path().to_path_buf(),
        }
    }
}
