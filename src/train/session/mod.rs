//! A training session: the one driver of training, for the command, for programs and for tests.
//!
//! ```text
//! for each epoch
//!     for each slice of its batches          at most 50 ms: Control::stop is asked after each
//!         engine.train
//!     evaluate both splits, where that is due, in slices too
//!     add a record to each history; note which runs diverged; keep the state of the others
//!     save a checkpoint, where that is due
//! ```
//!
//! How an epoch is sliced, where it is stopped and resumed, and which runs stand beside a run change no bit of it.

mod epoch;
mod models;

pub use models::Which;

use std::path::PathBuf;
use std::sync::Arc;

use super::checkpoint::{Checkpoint, Fingerprint};
use super::control::{Control, End};
use super::history::{EpochRecord, EpochSeconds, Fate};
use super::reached::{Reached, Snapshot};
use super::settings::{Run, Settings};
use super::splits::{Held, Prepared, Splits};
use crate::engine::{Engine, EngineInfo, Machine, Problem, Step, Team};
use crate::error::{Error, Result};
use crate::model::{Parameters, Standardization};

/// Trains runs side by side, keeps their histories, and survives whatever ends them early.
pub struct Session<'a> {
    runs: Vec<Run>,
    classes: &'a [String],
    train: Held<'a>,
    validation: Held<'a>,
    standardization: Standardization,
    team: Team,
    engine: Box<dyn Engine>,
    /// The order of the images in this epoch, and the steps of one: buffers that are made once.
    order: Vec<u32>,
    steps: Vec<Step>,
    /// Batches in the next slice.
    slice: usize,
    reached: Reached,
    /// For each run, its state at the last evaluation that found it finite, and at the best one.
    last: Vec<Option<Arc<Snapshot>>>,
    best: Vec<Option<Arc<Snapshot>>>,
    checkpoints: Option<Checkpoints<'a>>,
}

/// Takes a checkpoint.
type Save<'a> = dyn FnMut(&Checkpoint) -> Result<()> + Send + 'a;

/// Where checkpoints go, and how often.
struct Checkpoints<'a> {
    every: usize,
    data: Fingerprint,
    save: Box<Save<'a>>,
}

impl<'a> Session<'a> {
    /// A session at the beginning of the first epoch of `runs`. The training images are standardized by their own mean and
    /// deviation; all runs begin with the same random parameters, drawn from their seed.
    ///
    /// # Errors
    /// A setting that cannot be used with these images, or on this machine.
    ///
    /// # Panics
    /// If there is no run, or no image.
    pub fn new(splits: Splits<'a>, runs: Vec<Run>, machine: &Machine) -> Result<Self> {
        Run::check(&runs, splits.train.len())?;
        Self::on(&Prepared::new(splits, runs[0].settings.epochs, &machine.team)?, runs, machine)
    }

    /// As [`Session::new`], on images that other sessions have too.
    ///
    /// # Errors
    /// As [`Session::new`].
    ///
    /// # Panics
    /// If there is no run.
    pub fn on(images: &Prepared<'a>, runs: Vec<Run>, machine: &Machine) -> Result<Self> {
        Run::check(&runs, images.images())?;
        let initial = &initial(&runs, images.classes(), images.features());
        let (standardization, objective) = (&images.standardization, runs[0].settings.objective);
        let engine = machine.engine(&Problem { initial, standardization, objective })?;
        Ok(Self::assemble(images.clone(), runs, engine, &machine.team))
    }

    /// As [`Session::new`], on an engine that holds the parameters which the runs begin with, and standardizes by
    /// `standardization`. Images are copied, where that pays, by `team`.
    ///
    /// # Errors
    /// A setting that cannot be used with these images.
    ///
    /// # Panics
    /// If there is no run, or no image.
    pub fn with_engine(
        splits: Splits<'a>,
        runs: Vec<Run>,
        engine: Box<dyn Engine>,
        standardization: Standardization,
        team: &Team,
    ) -> Result<Self> {
        Run::check(&runs, splits.train.len())?;
        let images = Prepared::with(splits, runs[0].settings.epochs, standardization, team)?;
        Ok(Self::assemble(images, runs, engine, team))
    }

    fn assemble(images: Prepared<'a>, runs: Vec<Run>, engine: Box<dyn Engine>, team: &Team) -> Self {
        let count = images.images();
        let Prepared { train, validation, classes, standardization } = images;
        let steps: Vec<Step> = runs.iter().map(|run| run.settings.step()).collect();
        Self {
            order: vec![0; count],
            steps: steps.repeat(count.div_ceil(runs[0].settings.batch)),
            slice: 16,
            reached: Reached::nothing(runs.len()),
            last: vec![None; runs.len()],
            best: vec![None; runs.len()],
            checkpoints: None,
            team: team.handle(),
            runs,
            classes,
            train,
            validation,
            standardization,
            engine,
        }
    }

    /// Goes on from `checkpoint`, on the same data and an engine of the same name.
    ///
    /// # Errors
    /// As [`Session::new`], and a checkpoint of another engine, of other data, or that its own settings cannot lead to.
    pub fn resume(splits: Splits<'a>, checkpoint: Checkpoint, machine: &Machine) -> Result<Self> {
        checkpoint.check_data(&splits)?;
        let epochs = checkpoint.runs[0].settings.epochs;
        Run::check(&checkpoint.runs, splits.train.len())?;
        Self::resume_on(&Prepared::new(splits, epochs, &machine.team)?, checkpoint, machine)
    }

    /// As [`Session::resume`], on images that other sessions have too: those of the checkpoint.
    ///
    /// # Errors
    /// As [`Session::resume`], other data apart.
    pub fn resume_on(images: &Prepared<'a>, checkpoint: Checkpoint, machine: &Machine) -> Result<Self> {
        let Checkpoint { runs, engine, reached, states, best, path, .. } = checkpoint;
        let mut session = Self::on(images, runs, machine)?;
        if session.engine.info().name != engine {
            let expected = format_args!("{engine}, as in the run that is resumed");
            return Err(Error::setting("engine", expected, session.engine.info().name));
        }
        if !reached.fits(&session.runs, session.order.len()) {
            let expected = "a checkpoint that its own settings lead to";
            return Err(Error::format(&path, expected, format_args!("one of epoch {}", reached.epoch)));
        }
        session.engine.restore(&states).map_err(|expected| {
            let found = "a state of another size";
            Error::format(&path, format_args!("a state of {expected} bytes for each run"), found)
        })?;
        let finite = |(state, fate): (_, &Fate)| {
            let known = reached.epoch > 0 && *fate == Fate::Running;
            known.then(|| Arc::new(Snapshot { epoch: reached.epoch, state }))
        };
        session.last = states.into_iter().zip(&reached.fates).map(finite).collect();
        session.best = best.into_iter().map(|best| best.map(Arc::new)).collect();
        session.runs[0].settings.order().fill(reached.epoch + 1, &mut session.order);
        session.reached = reached;
        Ok(session)
    }

    /// Goes back to the beginning of the first epoch.
    pub fn restart(&mut self) {
        let features = self.standardization.mean.len();
        self.engine.load(&initial(&self.runs, self.classes.len(), features));
        self.reached = Reached::nothing(self.runs.len());
        self.last.fill(None);
        self.best.fill(None);
    }

    /// Gives a checkpoint to `save` after every `every` epochs, after the last one, and when training is stopped:
    /// `|checkpoint| checkpoint.save(path)` writes it to a file.
    ///
    /// # Panics
    /// If `every` is 0.
    pub fn save_checkpoints(
        &mut self,
        every: usize,
        save: impl FnMut(&Checkpoint) -> Result<()> + Send + 'a,
    ) {
        assert!(every > 0, "epochs between checkpoints");
        let data = Fingerprint::of(&self.train.samples(), &self.validation.samples(), self.classes);
        self.checkpoints = Some(Checkpoints { every, data, save: Box::new(save) });
    }

    /// Trains to the last epoch, or until `control` stops it; [`Session::run`] then goes on from there.
    ///
    /// # Errors
    /// What the engine fails with, and a checkpoint that cannot be written. What was reached before is kept.
    pub fn run(&mut self, control: &mut dyn Control) -> Result<End> {
        self.run_to(usize::MAX, control)
    }

    /// As [`Session::run`], but not beyond epoch `last`. Schedules are those of the whole training.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_to(&mut self, last: usize, control: &mut dyn Control) -> Result<End> {
        let team = self.team.handle();
        team.lead(|| {
            while !self.is_finished() && self.reached.epoch < last {
                let end = self.epoch_left(control)?;
                self.save_checkpoint(end)?;
                if end == End::Stopped {
                    return Ok(End::Stopped);
                }
            }
            Ok(End::Finished)
        })?
    }

    /// The runs, in the order in which they were given.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The history of each run.
    pub fn histories(&self) -> &[Vec<EpochRecord>] {
        &self.reached.histories
    }

    /// What became of each run so far.
    pub fn fates(&self) -> &[Fate] {
        &self.reached.fates
    }

    /// The epochs that are finished.
    pub fn epoch(&self) -> usize {
        self.reached.epoch
    }

    /// The seconds spent so far in training and in evaluating the two splits.
    pub fn seconds(&self) -> EpochSeconds {
        self.reached.seconds
    }

    /// What trains.
    pub fn engine(&self) -> EngineInfo {
        self.engine.info()
    }

    /// The fingerprint of the images, where checkpoints are saved.
    pub fn fingerprint(&self) -> Option<&Fingerprint> {
        self.checkpoints.as_ref().map(|checkpoints| &checkpoints.data)
    }

    /// The mean and deviation of the training images.
    pub fn standardization(&self) -> &Standardization {
        &self.standardization
    }

    /// All that it takes to go on later, on the images with the fingerprint `data`. A session that goes on from it saves
    /// checkpoints after every `every` epochs, unless it is told otherwise.
    pub fn checkpoint(&self, every: usize, data: &Fingerprint) -> Checkpoint {
        Checkpoint {
            runs: self.runs.clone(),
            every,
            engine: self.engine.info().name,
            data: data.clone(),
            reached: self.reached.clone(),
            states: self.engine.state(),
            best: self.best.iter().map(|best| best.as_deref().cloned()).collect(),
            path: PathBuf::new(),
        }
    }

    fn settings(&self) -> &Settings {
        &self.runs[0].settings
    }

    fn is_finished(&self) -> bool {
        let diverged = |fate: &Fate| *fate != Fate::Running;
        self.reached.epoch == self.settings().epochs || self.reached.fates.iter().all(diverged)
    }

    fn save_checkpoint(&mut self, end: End) -> Result<()> {
        let Some(Checkpoints { every, data, .. }) = &self.checkpoints else { return Ok(()) };
        if end == End::Finished && !self.reached.epoch.is_multiple_of(*every) && !self.is_finished() {
            return Ok(());
        }
        let checkpoint = self.checkpoint(*every, data);
        self.checkpoints.as_mut().map_or(Ok(()), |checkpoints| (checkpoints.save)(&checkpoint))
    }
}

/// The parameters that the runs begin with.
fn initial(runs: &[Run], classes: usize, features: usize) -> Vec<Parameters> {
    vec![Parameters::random(classes, features, runs[0].settings.seed); runs.len()]
}
