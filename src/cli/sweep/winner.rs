//! The best run of a sweep: its test, and its folder.

use std::time::SystemTime;

use super::super::console;
use super::super::inputs::Inputs;
use super::super::model_file;
use crate::error::Result;
use crate::files::RunFolder;
use crate::machine::MachineRecord;
use crate::model::Model;
use crate::report::history_csv;
use crate::sweep::{Outcome, Sweep};
use crate::train::record::{DatasetRecord, Seconds, Status, Throughput, weights_sha256};
use crate::train::{Metrics, RunRecord, evaluate, evaluator};

/// The folder of the best run, within that of the sweep.
const FOLDER: &str = "best";

/// The best run, with its model.
pub(super) struct Winner {
    outcome: Outcome,
    model: Model,
    /// What the model reaches on the test split; nothing in a shard.
    test: Metrics,
}

impl Winner {
    /// The best run of `sweep`, tested, and no other is; that of a shard is not, as it may not be the best of all. None where
    /// every run diverged.
    pub(super) fn of(sweep: &Sweep, inputs: &Inputs) -> Result<Option<Self>> {
        let Some((outcome, model)) = sweep.winner()? else { return Ok(None) };
        let test = || {
            let samples = inputs.dataset.test.samples();
            let mut engine = evaluator(std::slice::from_ref(&model), samples.element(), &inputs.machine)?;
            let found = evaluate(&mut *engine, &samples, &mut ())?;
            let evaluation = found.expect("nothing stops it").swap_remove(0);
            Ok(Metrics::of_model(&evaluation, &model))
        };
        let test = if sweep.header().shard.is_none() { test()? } else { Metrics::NONE };
        Ok(Some(Self { outcome: outcome.clone(), model, test }))
    }

    /// Writes its folder within `folder`, and returns its record.
    pub(super) fn write(mut self, folder: &RunFolder, inputs: &Inputs, sweep: &Sweep) -> Result<RunRecord> {
        let folder = folder.inner(FOLDER)?;
        let metadata = &mut self.model.metadata;
        metadata.insert("dataset".into(), inputs.dataset.name.into());
        metadata.extend(inputs.provenance.clone());
        if sweep.header().shard.is_none() {
            let Metrics { loss, cost, accuracy } = self.test;
            let figures = [("test_loss", loss), ("test_cost", cost), ("test_accuracy", accuracy)];
            metadata.extend(figures.map(|(key, value)| (key.into(), value.to_string())));
        }
        folder.write(model_file::NAME, self.model.to_bytes())?;
        folder.write("history.csv", history_csv(&self.outcome.history))?;
        let record = self.record(inputs, sweep, &folder);
        folder.write("run.json", console::to_json(&record))?;
        Ok(record)
    }

    fn record(&self, inputs: &Inputs, sweep: &Sweep, folder: &RunFolder) -> RunRecord {
        let Self { outcome, model, test } = self;
        let dataset = DatasetRecord::new(&inputs.dataset);
        let parameters = &model.parameters;
        let train = outcome.history.iter().map(|record| record.seconds.train).sum();
        let evaluate = outcome.history.iter().map(|record| record.seconds.evaluate).sum();
        RunRecord {
            name: Some(outcome.id.clone()),
            status: Status::Done,
            version: env!("CARGO_PKG_VERSION").into(),
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            machine: MachineRecord::here().name,
            config: outcome.config.clone(),
            earlier: Vec::new(),
            from: None,
            throughput: Throughput::new(
                dataset.train * outcome.epoch,
                parameters.features,
                parameters.classes,
                train,
            ),
            dataset,
            fingerprint: Some(sweep.header().data.clone()),
            engine: sweep.engine().clone(),
            history: outcome.history.clone(),
            test: *test,
            seconds: Seconds {
                train,
                evaluate,
                total: inputs.started.elapsed().as_secs_f64(),
                ..Seconds::default()
            },
            weights_sha256: weights_sha256(parameters),
            out: folder.path().to_path_buf(),
        }
    }
}
