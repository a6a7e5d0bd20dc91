//! The best run of a sweep: its test, and its folder.

use std::time::SystemTime;

use super::super::console;
use super::super::inputs::Inputs;
use super::super::model_file;
use super::super::report::Test;
use crate::error::Result;
use crate::files::RunFolder;
use crate::machine::MachineRecord;
use crate::report::history_csv;
use crate::sweep::{Outcome, Sweep};
use crate::train::record::{DatasetRecord, Seconds, Status, Throughput, weights_sha256};
use crate::train::{Metrics, RunRecord, evaluate, evaluator};

/// The folder of the best run, within that of the sweep.
const FOLDER: &str = "best";

/// The best run, with its model tested.
pub(super) struct Winner {
    outcome: Outcome,
    test: Test,
}

impl Winner {
    /// Tests the best run of `sweep`, and no other; none where every run diverged.
    pub(super) fn test(sweep: &Sweep, inputs: &Inputs) -> Result<Option<Self>> {
        let Some((outcome, model)) = sweep.winner()? else { return Ok(None) };
        let test = inputs.dataset.test.samples();
        let mut engine = evaluator(std::slice::from_ref(&model), test.element(), &inputs.machine)?;
        let found = evaluate(&mut *engine, &test, &mut ())?;
        let evaluation = found.expect("nothing stops it").swap_remove(0);
        let metrics = Metrics::of_model(&evaluation, &model);
        Ok(Some(Self { outcome: outcome.clone(), test: Test { model, metrics, evaluation } }))
    }

    /// Writes its folder within `folder`, and returns its record.
    pub(super) fn write(mut self, folder: &RunFolder, inputs: &Inputs, sweep: &Sweep) -> Result<RunRecord> {
        let folder = folder.inner(FOLDER)?;
        let Metrics { loss, cost, accuracy } = self.test.metrics;
        let metadata = &mut self.test.model.metadata;
        metadata.insert("dataset".into(), inputs.dataset.name.into());
        metadata.extend(inputs.provenance.clone());
        let figures = [("test_loss", loss), ("test_cost", cost), ("test_accuracy", accuracy)];
        metadata.extend(figures.map(|(key, value)| (key.into(), value.to_string())));
        folder.write(model_file::NAME, self.test.model.to_bytes())?;
        folder.write("history.csv", history_csv(&self.outcome.history))?;
        let record = self.record(inputs, sweep, &folder);
        folder.write("run.json", console::to_json(&record))?;
        Ok(record)
    }

    fn record(&self, inputs: &Inputs, sweep: &Sweep, folder: &RunFolder) -> RunRecord {
        let Self { outcome, test } = self;
        let dataset = DatasetRecord::new(&inputs.dataset);
        let parameters = &test.model.parameters;
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
            test: test.metrics,
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
