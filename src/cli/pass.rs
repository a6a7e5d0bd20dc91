//! One training pass, from data on disk to run folders: what `train` and `reproduce` share.

use std::time::{Instant, SystemTime};

use super::args::TrainingArgs;
use super::console::{self, Console, Progress};
use super::inputs::Inputs;
use super::model_file;
use super::report::{Extras, Test};
use super::signals::Signals;
use super::text;
use crate::error::{Error, Result};
use crate::files::RunFolder;
use crate::machine::MachineRecord;
use crate::model::Model;
use crate::report::history_csv;
use crate::train::record::{DatasetRecord, RunRecord, Seconds, Status, Throughput, weights_sha256};
use crate::train::{
    Checkpoint, Control, Earlier, End, EpochRecord, Fate, Metrics, Notes, Session, WarmStart, Which,
    checkpoint, evaluate, evaluator, top5,
};

/// Training with a person at the console, which fills run folders.
pub(super) struct Pass<'a> {
    inputs: &'a Inputs,
    session: Session<'a>,
    /// One for each run.
    folders: &'a [RunFolder],
    tests: Vec<Option<Test>>,
    seconds: Seconds,
    notes: Notes,
    /// None without a report.
    extras: Option<Extras>,
}

impl<'a> Pass<'a> {
    /// A pass of `session`, whose images and machine are those of `inputs`.
    pub(super) fn new(inputs: &'a Inputs, session: Session<'a>, folders: &'a [RunFolder]) -> Self {
        let seconds = Seconds { load: inputs.started.elapsed().as_secs_f64(), ..Seconds::default() };
        Self { inputs, session, folders, tests: Vec::new(), seconds, notes: Notes::default(), extras: None }
    }

    /// Notes how it came to what it trains, for records and checkpoints.
    pub(super) fn note(&mut self, notes: Notes) {
        self.notes = notes;
    }

    /// Saves checkpoints, as [`Session::save_checkpoints`] does.
    pub(super) fn save_checkpoints(&mut self, every: usize) {
        let (folder, notes) = (&self.folders[0], self.notes.clone());
        self.session.save_checkpoints(every, move |checkpoint| {
            let checkpoint = Checkpoint { notes: notes.clone(), ..checkpoint };
            folder.write_durably(checkpoint::FILE, checkpoint.to_bytes())
        });
    }

    /// Trains, tests and saves the models and histories. Whatever ends it early, what was reached is saved.
    pub(super) fn run(&mut self, args: &TrainingArgs, console: Console) -> Result<()> {
        console.dataset(&self.inputs.dataset)?;
        let (session, settings) = (&self.session, &self.session.runs()[0].settings);
        console.say(&text::features(settings, session.standardization(), session.rounding()))?;
        console.remark(&text::before(&self.record(0)))?;
        console.remark(&text::heading(self.session.runs(), &self.session.engine()))?;
        let images = self.inputs.dataset.train.len();
        let progress =
            console.progress(self.session.runs()[0].settings.length(), images, self.session.epoch());
        let mut watch = Watch { signals: &self.inputs.signals, progress: &progress };
        let trained = self.session.run(&mut watch);
        let writing = match trained.and_then(|end| self.test(end, &mut watch)) {
            Ok(End::Finished) => Instant::now(),
            Ok(End::Stopped) => {
                self.leave(true)?;
                return Err(self.stopped(self.inputs.signals.received().unwrap_or_default()));
            }
            Err(error) => {
                // After a panic the engine cannot tell its parameters. What cannot be saved now is the smaller trouble.
                let _ = self.leave(!matches!(error, Error::Panicked { .. }));
                return Err(error);
            }
        };
        self.leave(true)?;
        self.seconds.write = writing.elapsed().as_secs_f64();
        if self.tests.iter().all(Option::is_none) {
            return self.diverged();
        }
        if let Some(signal) = self.inputs.signals.release() {
            return Err(self.stopped(signal));
        }
        let measure = || {
            let engine = self.session.engine().kind();
            Extras::measure(&self.tests, engine, self.inputs, self.session.runs(), &mut |text| {
                progress.stage(text)
            })
        };
        self.extras = (!args.no_report).then(measure).transpose()?;
        self.seconds.write = writing.elapsed().as_secs_f64();
        Ok(())
    }

    /// Writes the report into `report`, the figures and record of every run into its folder, which is that one or lies
    /// within, and returns the records. `command` makes it all again.
    pub(super) fn write(&self, report: &RunFolder, command: &str) -> Result<Vec<RunRecord>> {
        let writing = Instant::now();
        let mut records: Vec<RunRecord> = (0..self.folders.len()).map(|run| self.record(run)).collect();
        if let Some(extras) = &self.extras {
            extras.write(report, &records, &self.tests, command)?;
        }
        for (record, folder) in records.iter_mut().zip(self.folders) {
            record.seconds.write += writing.elapsed().as_secs_f64();
            record.seconds.total = self.elapsed();
            folder.write("run.json", console::to_json(record))?;
        }
        Ok(records)
    }

    /// What trains.
    pub(super) fn session(&self) -> &Session<'a> {
        &self.session
    }

    /// The seconds since the beginning.
    pub(super) fn elapsed(&self) -> f64 {
        self.inputs.started.elapsed().as_secs_f64()
    }

    /// The error of the first run that diverged, if one did.
    pub(super) fn diverged(&self) -> Result<()> {
        let runs = self.session.runs().iter().zip(self.session.fates());
        let first = runs.filter_map(|(run, fate)| match *fate {
            Fate::Diverged { epoch } => Some((run, epoch)),
            _ => None,
        });
        first.take(1).try_for_each(|(run, epoch)| {
            let (run, eta, lambda) = (run.name.clone(), run.settings.eta, run.settings.lambda);
            Err(Error::Diverged { run, epoch, eta, lambda })
        })
    }

    fn stopped(&self, signal: u8) -> Error {
        let (out, epoch) = (self.folders[0].path().to_path_buf(), self.session.epoch());
        // There is a fingerprint where there are checkpoints.
        let resumable = self.session.fingerprint().is_some();
        Error::Stopped { out, signal, epoch, resumable }
    }

    /// Evaluates the models of the runs that did not diverge on the test split.
    fn test(&mut self, trained: End, control: &mut dyn Control) -> Result<End> {
        self.seconds.train = self.session.seconds().train;
        self.seconds.evaluate = self.session.seconds().evaluate;
        let start = Instant::now();
        if trained == End::Stopped {
            return Ok(End::Stopped);
        }
        let sound: Vec<bool> = self.session.fates().iter().map(|fate| !fate.is_diverged()).collect();
        let models = self.session.models(Which::Wanted).into_iter().zip(&sound);
        let models: Vec<Model> = models.filter_map(|(model, sound)| model.filter(|_| *sound)).collect();
        let mut tests = Vec::new();
        if !models.is_empty() {
            let mut engine =
                evaluator(&models, self.inputs.dataset.test.samples().element(), &self.inputs.machine)?;
            let Some(found) = evaluate(&mut *engine, &self.inputs.dataset.test.samples(), control)? else {
                return Ok(End::Stopped);
            };
            let top5 = top5(&mut *engine, &models, &self.inputs.dataset.test.samples())?;
            tests.extend(models.into_iter().zip(found).zip(top5).map(|((model, evaluation), top5)| {
                let metrics = Metrics { top5, ..Metrics::of_model(&evaluation, &model) };
                Test { model, metrics, evaluation }
            }));
        }
        let mut tests = tests.into_iter();
        self.tests = sound.into_iter().map(|sound| if sound { tests.next() } else { None }).collect();
        self.seconds.evaluate += start.elapsed().as_secs_f64();
        Ok(End::Finished)
    }

    /// Writes what there is of each run: its history, its record, and its model where the engine can still tell it.
    fn leave(&mut self, models: bool) -> Result<()> {
        let models = if models { self.session.models(Which::Wanted) } else { Vec::new() };
        let mut models = models.into_iter();
        for (run, folder) in self.folders.iter().enumerate() {
            if let Some(mut model) = models.next().flatten() {
                model_file::note_data(&mut model, self.inputs);
                if let Some(WarmStart { model: from, weights_sha256 }) = &self.notes.from {
                    model.metadata.insert("from".into(), from.display().to_string());
                    model.metadata.insert("from_weights_sha256".into(), weights_sha256.clone());
                }
                if let Some(Some(Test { metrics, .. })) = self.tests.get(run) {
                    model_file::note_test(&mut model, metrics);
                }
                folder.write(model_file::NAME, model.to_bytes())?;
            }
            folder.write("history.csv", history_csv(&self.session.histories()[run]))?;
            folder.write("run.json", console::to_json(&self.record(run)))?;
        }
        Ok(())
    }

    fn record(&self, run: usize) -> RunRecord {
        let (session, dataset) = (&self.session, DatasetRecord::new(&self.inputs.dataset));
        let runs = session.runs();
        let test = self.tests.get(run).and_then(Option::as_ref);
        let features = session.standardization().mean.len();
        // Runs side by side pass the images together.
        let passes = (0..runs.len()).map(|run| session.passes(run)).max().unwrap_or(0);
        let (images, columns) = (dataset.train * passes, dataset.classes.len() * runs.len());
        RunRecord {
            name: (runs.len() > 1).then(|| runs[run].name.clone()),
            status: match session.fates()[run] {
                Fate::Diverged { .. } => Status::Diverged,
                _ if test.is_some() => Status::Done,
                _ => Status::Stopped,
            },
            version: env!("CARGO_PKG_VERSION").into(),
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            machine: MachineRecord::here().name,
            config: runs[run].settings.clone(),
            earlier: Earlier::of(session.phases(), run),
            from: self.notes.from.clone(),
            throughput: Throughput::new(images, features, columns, self.seconds.train),
            dataset,
            fingerprint: session.fingerprint().cloned(),
            engine: session.engine(),
            history: session.histories()[run].clone(),
            ended: session.ended(run),
            test: test.map_or(Metrics::NONE, |test| test.metrics),
            seconds: Seconds { total: self.elapsed(), ..self.seconds },
            weights_sha256: test.map_or(String::new(), |test| weights_sha256(&test.model.parameters)),
            out: self.folders[run].path().to_path_buf(),
        }
    }
}

/// Shows the progress of training, and stops it when a signal comes.
struct Watch<'a> {
    signals: &'a Signals,
    progress: &'a Progress<'a>,
}

impl Control for Watch<'_> {
    fn trained(&mut self, images: usize) {
        self.progress.count(images);
    }

    fn evaluated(&mut self, records: &[EpochRecord]) {
        self.progress.show(records);
    }

    fn stop(&mut self) -> bool {
        self.signals.received().is_some()
    }
}
