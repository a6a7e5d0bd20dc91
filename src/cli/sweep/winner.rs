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

/// The best run, with its model: tested, or that of a shard.
pub(super) enum Winner {
    Tested(Outcome, Test),
    Untested(Outcome, Model),
}

impl Winner {
    /// The best run of `sweep`, tested, and no other is; that of a shard is not, as it may not be the best of all. None where
    /// every run diverged.
    pub(super) fn of(sweep: &Sweep, inputs: &Inputs) -> Result<Option<Self>> {
        let Some((outcome, mut model)) = sweep.winner()? else { return Ok(None) };
        model_file::note_data(&mut model, inputs);
        if sweep.header().shard.is_some() {
            return Ok(Some(Self::Untested(outcome.clone(), model)));
        }
        let samples = inputs.dataset.test.samples();
        let mut engine = evaluator(std::slice::from_ref(&model), samples.element(), &inputs.machine)?;
        let found = evaluate(&mut *engine, &samples, &mut ())?;
        let evaluation = found.expect("nothing stops it").swap_remove(0);
        let metrics = Metrics::of_model(&evaluation, &model);
        model_file::note_test(&mut model, &metrics);
        Ok(Some(Self::Tested(outcome.clone(), Test { model, metrics, evaluation })))
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
        let (Self::Tested(outcome, Test { model, .. }) | Self::Untested(outcome, model)) = &self;
        folder.write(model_file::NAME, model.to_bytes())?;
        folder.write("history.csv", history_csv(&outcome.history))?;
        let record = self.record(inputs, sweep, &folder);
        folder.write("run.json", console::to_json(&record))?;
        if let (Self::Tested(_, test), Some(command)) = (self, command) {
            let (runs, tests) = (Run::single(record.config.clone()), [Some(test)]);
            let extras = Extras::measure(&tests, inputs.machine.engine, inputs, &runs, &mut |_| {})?;
            extras.write(&folder, std::slice::from_ref(&record), &tests, &command(&runs))?;
        }
        Ok(record)
    }

    fn record(&self, inputs: &Inputs, sweep: &Sweep, folder: &RunFolder) -> RunRecord {
        let (outcome, model, test) = match self {
            Self::Tested(outcome, test) => (outcome, &test.model, test.metrics),
            Self::Untested(outcome, model) => (outcome, model, Metrics::NONE),
        };
        let dataset = DatasetRecord::new(&inputs.dataset);
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
            test,
            seconds: Seconds { train, evaluate, total, ..Seconds::default() },
            weights_sha256: weights_sha256(parameters),
            out: folder.path().to_path_buf(),
        }
    }
}
