//! One training pass, from data on disk to run folders: what `train` and `reproduce` share.

use std::time::Instant;

use super::args::TrainingArgs;
use super::console::{self, Console};
use super::report::Extras;
use super::text;
use crate::data::{Dataset, Resident, Standardization};
use crate::engine::EngineInfo;
use crate::error::Result;
use crate::model::{Model, Parameters};
use crate::objective::Objective;
use crate::report::{RunFolder, history_csv};
use crate::train::record::{ConfigRecord, DatasetRecord, RunRecord, Seconds, Throughput, weights_sha256};
use crate::train::{Config, EpochRecord, Finished, Run, Trainer};

/// A finished pass: its runs, trained side by side.
pub(super) struct Pass {
    pub(super) config: Config,
    pub(super) dataset: Dataset,
    standardization: Standardization,
    pub(super) engine: EngineInfo,
    histories: Vec<Vec<EpochRecord>>,
    finished: Vec<Finished>,
    /// None with `--no-report`.
    extras: Option<Extras>,
    started: Instant,
    /// What came before writing; what the report measures counts as writing it.
    seconds: Seconds,
}

impl Pass {
    /// Loads the data and trains the runs of `config`.
    ///
    /// `folders` are made as soon as the settings are known to be good; where training diverges they keep the
    /// histories up to there.
    pub(super) fn run(
        config: Config,
        args: &TrainingArgs,
        console: Console,
        folders: impl FnOnce() -> Result<Vec<RunFolder>>,
    ) -> Result<(Self, Vec<RunFolder>)> {
        let started = Instant::now();
        let mut team = args.engine.team()?;
        let dataset = team.install(|| args.data.open())??;
        let (train, validation, test) =
            (dataset.train.samples(), dataset.validation.samples(), dataset.test.samples());
        config.check(train.len())?;
        let standardization = team.install(|| Standardization::measure(&train))?;
        let initial = Parameters::random(dataset.classes.len(), train.features(), config.seed);
        let initial = vec![initial; config.runs.len()];
        let folders = folders()?;
        let mut engine =
            args.engine.create(&initial, &standardization, Objective::default(), team.handle())?;
        let info = engine.info();
        let copy = |split| (config.epochs >= Resident::READINGS).then(|| Resident::copy(split)).flatten();
        let [train_copy, validation_copy] = team.install(|| [&train, &validation].map(copy))?;
        let train = train_copy.as_ref().map_or(train, Resident::samples);
        let validation = validation_copy.as_ref().map_or(validation, Resident::samples);
        let load = started.elapsed().as_secs_f64();

        console.dataset(&dataset)?;
        console.remark(&text::heading(&config, &info))?;
        let mut trainer = Trainer::new(&mut *engine, &config, &train, &validation)?;
        let progress = console.progress(&config);
        let trained = team.lead(|| trainer.run(|records| progress.show(records)))?;
        progress.finish();
        if let Err(error) = trained {
            for (folder, history) in folders.iter().zip(trainer.histories()) {
                folder.write("history.csv", history_csv(history))?;
            }
            return Err(error);
        }
        let testing = Instant::now();
        let finished = trainer.finish(&test)?;
        let spent = trainer.seconds();
        let evaluate = spent.evaluate + testing.elapsed().as_secs_f64();
        let histories = trainer.histories().to_vec();

        let reporting = Instant::now();
        let measure = || Extras::measure(&mut *engine, &mut team, args, &config, &dataset, &standardization);
        let extras = (!args.no_report).then(measure).transpose()?;
        let write = reporting.elapsed().as_secs_f64();
        let seconds = Seconds { load, train: spent.train, evaluate, write, total: 0.0 };
        let engine = info;
        let pass =
            Self { engine, standardization, histories, finished, extras, started, seconds, config, dataset };
        Ok((pass, folders))
    }

    /// Writes the files of every run into its folder and the report into `report`, which is that folder or
    /// the one around it, and returns the runs' records. `command` makes it all again.
    pub(super) fn write(
        &self,
        folders: &[RunFolder],
        report: &RunFolder,
        command: &str,
    ) -> Result<Vec<RunRecord>> {
        let writing = Instant::now();
        let mut records = Vec::with_capacity(folders.len());
        for (run, folder) in folders.iter().enumerate() {
            folder.write("model.safetensors", self.model(run).to_bytes())?;
            folder.write("history.csv", history_csv(&self.histories[run]))?;
            records.push(self.record(run, folder));
        }
        if let Some(extras) = &self.extras {
            extras.write(report, &records, &self.finished, command)?;
        }
        for (record, folder) in records.iter_mut().zip(folders) {
            record.seconds.write += writing.elapsed().as_secs_f64();
            record.seconds.total = self.started.elapsed().as_secs_f64();
            folder.write("run.json", console::to_json(record))?;
        }
        Ok(records)
    }

    /// The seconds since the beginning.
    pub(super) fn elapsed(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn record(&self, run: usize, folder: &RunFolder) -> RunRecord {
        let dataset = DatasetRecord::new(&self.dataset);
        let finished = &self.finished[run];
        let features = finished.parameters.features;
        RunRecord {
            name: (self.config.runs.len() > 1).then(|| self.config.runs[run].name.clone()),
            config: ConfigRecord::new(&self.config, &self.config.runs[run]),
            throughput: Throughput::new(&self.config, &dataset, features, self.seconds.train),
            dataset,
            engine: self.engine.clone(),
            history: self.histories[run].clone(),
            test: finished.metrics,
            seconds: self.seconds,
            weights_sha256: weights_sha256(&finished.parameters),
            out: folder.path().to_path_buf(),
        }
    }

    /// The model of `run`, with its settings and what it reached as metadata.
    fn model(&self, run: usize) -> Model {
        let Run { eta, lambda, .. } = &self.config.runs[run];
        let test = &self.finished[run].metrics;
        let metadata = [
            ("dataset", self.dataset.name.to_string()),
            ("eta", eta.to_string()),
            ("lambda", lambda.to_string()),
            ("batch", self.config.batch.to_string()),
            ("epochs", self.config.epochs.to_string()),
            ("shuffle", self.config.shuffle.to_string()),
            ("seed", self.config.seed.to_string()),
            ("engine", self.engine.name.clone()),
            ("test_loss", test.loss.to_string()),
            ("test_cost", test.cost.to_string()),
            ("test_accuracy", test.accuracy.to_string()),
        ];
        Model {
            parameters: self.finished[run].parameters.clone(),
            standardization: self.standardization.clone(),
            classes: self.dataset.classes.clone(),
            metadata: metadata.map(|(key, value)| (key.to_string(), value)).into(),
        }
    }
}
