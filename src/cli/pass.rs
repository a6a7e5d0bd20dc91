//! One training pass, from data on disk to run folders: what `train` and `reproduce` share.

use std::time::Instant;

use super::args::TrainingArgs;
use super::console::{self, Console};
use super::keep::{Keeper, Resumption};
use super::report::Extras;
use super::signals::Signals;
use super::text;
use crate::data::{Dataset, Resident};
use crate::engine::{EngineInfo, Problem};
use crate::error::Result;
use crate::model::{Model, Parameters, Standardization};
use crate::objective::Objective;
use crate::report::RunFolder;
use crate::train::record::{ConfigRecord, DatasetRecord, RunRecord, Seconds, Throughput, weights_sha256};
use crate::train::{Config, EpochRecord, Finished, Metrics, Run, Trainer};

/// What is trained, on what, by what.
pub(super) struct Setting {
    pub(super) config: Config,
    pub(super) dataset: Dataset,
    standardization: Standardization,
    pub(super) engine: EngineInfo,
}

/// A finished pass: its runs, trained side by side.
pub(super) struct Pass {
    pub(super) setting: Setting,
    histories: Vec<Vec<EpochRecord>>,
    finished: Vec<Finished>,
    /// None with `--no-report`.
    extras: Option<Extras>,
    started: Instant,
    /// What came before [`Pass::write`]; what the report measures counts as writing it.
    seconds: Seconds,
}

impl Pass {
    /// Loads the data and trains the runs of `config`, from the beginning or from a checkpoint.
    ///
    /// `folders` are made as soon as the settings are known to be good; they keep the models and histories, also of
    /// training that ends early.
    pub(super) fn run(
        config: Config,
        resumption: Resumption,
        args: &TrainingArgs,
        console: Console,
        folders: impl FnOnce() -> Result<Vec<RunFolder>>,
    ) -> Result<(Self, Vec<RunFolder>)> {
        let started = Instant::now();
        let signals = Signals::watch()?;
        let mut team = args.engine.team()?;
        let dataset = team.install(|| args.data.open())??;
        config.check(dataset.train.len())?;
        let train = dataset.train.samples();
        let standardization = team.install(|| Standardization::measure(&train))?;
        let initial = Parameters::random(dataset.classes.len(), train.features(), config.seed);
        let initial = vec![initial; config.runs.len()];
        let fingerprint = resumption.fingerprint(&dataset);
        signals.note();
        let folders = folders()?;
        let objective = Objective::default();
        let problem = Problem { initial: &initial, standardization: &standardization, objective };
        let mut engine = args.engine.create(&problem, team.handle())?;
        let setting = Setting { engine: engine.info(), config, dataset, standardization };
        let Setting { config, dataset, .. } = &setting;
        let keeper = Keeper::new(&setting, &folders, &resumption, fingerprint, signals)?;
        let (train, validation, test) =
            (dataset.train.samples(), dataset.validation.samples(), dataset.test.samples());
        let copy = |split| (config.epochs >= Resident::READINGS).then(|| Resident::copy(split)).flatten();
        let [train_copy, validation_copy] = team.install(|| [&train, &validation].map(copy))?;
        let train = train_copy.as_ref().map_or(train, Resident::samples);
        let validation = validation_copy.as_ref().map_or(validation, Resident::samples);
        let load = started.elapsed().as_secs_f64();

        console.dataset(dataset)?;
        console.remark(&text::heading(config, &setting.engine))?;
        let mut trainer = Trainer::new(&mut *engine, config, &train, &validation)?;
        keeper.resume(&mut trainer, resumption.from)?;
        let progress = console.progress(config);
        let trained = team.lead(|| keeper.train(&mut trainer, |records| progress.show(records)))?;
        progress.finish();
        trained?;
        let testing = Instant::now();
        let finished = keeper.test(&mut trainer, &test)?;
        let spent = trainer.seconds();
        let evaluate = spent.evaluate + testing.elapsed().as_secs_f64();
        let writing = Instant::now();
        keeper.finish(&trainer, &finished)?;
        let histories = trainer.histories().to_vec();
        let measure =
            || Extras::measure(&mut *engine, &mut team, args, config, dataset, &setting.standardization);
        let extras = (!args.no_report).then(measure).transpose()?;
        let write = writing.elapsed().as_secs_f64();
        let seconds = Seconds { load, train: spent.train, evaluate, write, total: 0.0 };
        drop(keeper);
        Ok((Self { setting, histories, finished, extras, started, seconds }, folders))
    }

    /// Writes the report into `report`, the figures and record of every run into its folder, which is that one or lies
    /// within, and returns the records. `command` makes it all again.
    pub(super) fn write(
        &self,
        folders: &[RunFolder],
        report: &RunFolder,
        command: &str,
    ) -> Result<Vec<RunRecord>> {
        let writing = Instant::now();
        let runs = folders.iter().enumerate();
        let mut records: Vec<RunRecord> = runs.map(|(run, folder)| self.record(run, folder)).collect();
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
        let Setting { config, engine, dataset, .. } = &self.setting;
        let dataset = DatasetRecord::new(dataset);
        let finished = &self.finished[run];
        let features = finished.parameters.features;
        RunRecord {
            name: (config.runs.len() > 1).then(|| config.runs[run].name.clone()),
            config: ConfigRecord::new(config, &config.runs[run]),
            throughput: Throughput::new(config, &dataset, features, self.seconds.train),
            dataset,
            engine: engine.clone(),
            history: self.histories[run].clone(),
            test: finished.metrics,
            seconds: self.seconds,
            weights_sha256: weights_sha256(&finished.parameters),
            out: folder.path().to_path_buf(),
        }
    }
}

impl Setting {
    /// The model of `run` after `epochs` epochs, with its settings, and what it reached on the test split if that is
    /// known, as metadata.
    pub(super) fn model(
        &self,
        run: usize,
        parameters: Parameters,
        epochs: usize,
        test: Option<&Metrics>,
    ) -> Model {
        let Run { eta, lambda, .. } = &self.config.runs[run];
        let settings = [
            ("dataset", self.dataset.name.to_string()),
            ("eta", eta.to_string()),
            ("lambda", lambda.to_string()),
            ("batch", self.config.batch.to_string()),
            ("epochs", epochs.to_string()),
            ("shuffle", self.config.shuffle.to_string()),
            ("seed", self.config.seed.to_string()),
            ("engine", self.engine.name.clone()),
        ];
        let results = test.map(|test| {
            [("test_loss", test.loss), ("test_cost", test.cost), ("test_accuracy", test.accuracy)]
                .map(|(key, value)| (key, value.to_string()))
        });
        let metadata = settings.into_iter().chain(results.into_iter().flatten());
        Model {
            parameters,
            standardization: self.standardization.clone(),
            classes: self.dataset.classes.clone(),
            metadata: metadata.map(|(key, value)| (key.to_string(), value)).collect(),
        }
    }
}
