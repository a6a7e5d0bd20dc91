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

mod ended;
mod epoch;
mod iteration;
mod models;

pub use models::Which;

use std::path::PathBuf;
use std::sync::Arc;

use super::augmented::Augmented;
use super::checkpoint::{Checkpoint, Fingerprint, Notes};
use super::control::{Control, End};
use super::history::{EpochRecord, EpochSeconds, Fate};
use super::lbfgs::Descent;
use super::optimizer::Optimizer;
use super::phase::Phase;
use super::reached::{Reached, Snapshot};
use super::settings::{Run, Settings};
use super::splits::{Held, Prepared, Splits};
use crate::data::{Augmentation, Rounding};
use crate::engine::{Engine, EngineInfo, Machine, Problem, Team};
use crate::error::{Error, Result};
use crate::model::{Model, Parameters, Standardization};
use crate::objective::Objective;

/// Trains runs side by side, keeps their histories, and survives whatever ends them early.
pub struct Session<'a> {
    runs: Vec<Run>,
    classes: &'a [String],
    objective: Objective,
    train: Held<'a>,
    validation: Held<'a>,
    standardization: Standardization,
    rounding: Option<Rounding>,
    team: Team,
    engine: Box<dyn Engine>,
    /// Why `auto` chose it, where it did.
    reason: Option<String>,
    /// How pictures are folded, if they are; and memory for those that each epoch changes in another way.
    mirror: Option<Augmentation>,
    augmented: Option<Augmented>,
    /// What the runs begin with, where that is a model.
    warm: Option<Parameters>,
    /// The descent of each run by L-BFGS; none by gradient descent.
    descents: Vec<Descent>,
    /// The order of the images in this epoch: a buffer that is made once.
    order: Vec<u32>,
    /// Batches in the next slice.
    slice: usize,
    reached: Reached,
    /// For each run, its state at the last evaluation that found it finite, and at the best one.
    last: Vec<Option<Arc<Snapshot>>>,
    best: Vec<Option<Arc<Snapshot>>>,
    checkpoints: Option<Checkpoints<'a>>,
}

/// Takes a checkpoint.
type Save<'a> = dyn FnMut(Checkpoint) -> Result<()> + Send + 'a;

/// Where checkpoints go, and how often.
struct Checkpoints<'a> {
    every: usize,
    data: Fingerprint,
    save: Box<Save<'a>>,
}

impl<'a> Session<'a> {
    /// A session at the beginning of the first epoch of `runs`. The training images are standardized by their own mean and
    /// deviation; each run begins with the parameters that its settings draw from its seed.
    ///
    /// # Errors
    /// A setting that cannot be used with these images, or on this machine.
    ///
    /// # Panics
    /// If there is no run, or no image.
    pub fn new(splits: Splits<'a>, runs: Vec<Run>, machine: &Machine) -> Result<Self> {
        let images = Prepared::new(splits, &runs[0].settings, machine)?;
        Self::on(&images, runs, machine)
    }

    /// As [`Session::new`], on images that other sessions have too.
    ///
    /// # Errors
    /// As [`Session::new`], and images that were prepared for other settings.
    ///
    /// # Panics
    /// If there is no run.
    pub fn on(images: &Prepared<'a>, runs: Vec<Run>, machine: &Machine) -> Result<Self> {
        Self::begin(images, runs, None, machine)
    }

    /// As [`Session::new`], but that all runs begin as `model`: with its answers, whatever these images are standardized by.
    /// Where weights are held mirror-symmetric, with the mean of its answers to an image and to its mirror image.
    ///
    /// # Errors
    /// As [`Session::new`], and a model of another shape.
    pub fn from_model(splits: Splits<'a>, runs: Vec<Run>, model: &Model, machine: &Machine) -> Result<Self> {
        check_shape(&splits, model)?;
        let images = Prepared::new(splits, &runs[0].settings, machine)?;
        Self::begin(&images, runs, Some(model), machine)
    }

    /// As [`Session::from_model`], but that the images are standardized as those of `model` were, so that its parameters are
    /// what training begins with: how samples are learned that come portion by portion. Where weights are held
    /// mirror-symmetric, it is [`Session::from_model`].
    ///
    /// # Errors
    /// As [`Session::from_model`].
    pub fn continuing(splits: Splits<'a>, runs: Vec<Run>, model: &Model, machine: &Machine) -> Result<Self> {
        check_shape(&splits, model)?;
        let settings = &runs[0].settings;
        let images = match settings.mirror {
            true => Prepared::new(splits, settings, machine)?,
            false => Prepared::standardized(splits, settings, model.standardization.clone(), machine)?,
        };
        Self::begin(&images, runs, Some(model), machine)
    }

    /// As [`Session::from_model`], on images that other sessions have too.
    ///
    /// # Errors
    /// As [`Session::on`].
    pub(crate) fn from_model_on(
        images: &Prepared<'a>,
        runs: Vec<Run>,
        model: &Model,
        machine: &Machine,
    ) -> Result<Self> {
        Self::begin(images, runs, Some(model), machine)
    }

    fn begin(
        images: &Prepared<'a>,
        runs: Vec<Run>,
        model: Option<&Model>,
        machine: &Machine,
    ) -> Result<Self> {
        images.check(&runs)?;
        let warm = model.map(|model| images.folded(model));
        let initial = &initial(&runs, images.classes(), images.features(), warm.as_ref());
        let objective = &images.objective(&runs);
        let element = images.element();
        let problem = Problem { initial, standardization: &images.of_engine(), objective, element };
        let Settings { optimizer, batch, .. } = runs[0].settings;
        let in_batches = optimizer == Optimizer::Sgd && batch < images.images();
        let (engine, reason) = machine.trainer(&problem, in_batches)?;
        Ok(Self { warm, reason, ..Self::assemble(images.clone(), runs, engine, &machine.team) })
    }

    /// As [`Session::new`], on an engine that holds the parameters which the runs begin with, and standardizes by
    /// `standardization`: those of folded images, where weights are mirror-symmetric. Images are copied, where that pays,
    /// by `team`.
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
        let images = Prepared::with(splits, &runs[0].settings, Some(standardization), team)?;
        images.check(&runs)?;
        Ok(Self::assemble(images, runs, engine, team))
    }

    fn assemble(images: Prepared<'a>, runs: Vec<Run>, engine: Box<dyn Engine>, team: &Team) -> Self {
        let (objective, augmentation) = (images.objective(&runs), images.augmentation(&runs));
        let descents = descents(&runs, &*engine);
        let rounding = images.rounding();
        let Prepared { train, validation, classes, standardization, mirror, .. } = images;
        Self {
            descents,
            mirror,
            augmented: augmentation.map(Augmented::new),
            order: vec![0; train.given().len()],
            objective,
            slice: 16,
            reached: Reached::nothing(runs.len()),
            last: vec![None; runs.len()],
            best: vec![None; runs.len()],
            checkpoints: None,
            warm: None,
            reason: None,
            team: team.handle(),
            runs,
            classes,
            train,
            validation,
            standardization,
            rounding,
            engine,
        }
    }

    /// Goes on from `checkpoint`, on the same data and an engine of the same name.
    ///
    /// # Errors
    /// As [`Session::new`], and a checkpoint of another engine, of other data, or that its own settings cannot lead to.
    pub fn resume(splits: Splits<'a>, checkpoint: Checkpoint, machine: &Machine) -> Result<Self> {
        checkpoint.check_data(&splits)?;
        let images = Prepared::new(splits, &checkpoint.runs[0].settings, machine)?;
        Self::resume_on(&images, checkpoint, machine)
    }

    /// As [`Session::resume`], on images that other sessions have too: those of the checkpoint.
    ///
    /// # Errors
    /// As [`Session::resume`], other data apart.
    pub fn resume_on(images: &Prepared<'a>, checkpoint: Checkpoint, machine: &Machine) -> Result<Self> {
        let Checkpoint { runs, engine, reached, states, last, best, descents, path, .. } = checkpoint;
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
        // Of a descent that knows nothing yet, the engine's state tells where it begins.
        session.descents = self::descents(&session.runs, &*session.engine);
        let whole = descents.len() == session.descents.len();
        let mut restored = session.descents.iter_mut().zip(&descents);
        if !whole || !restored.all(|(descent, saved)| descent.restore(saved).is_some()) {
            let expected = "a descent of each run of lbfgs, and no others";
            return Err(Error::format(&path, expected, "descents that do not fit"));
        }
        let shared =
            |of_runs: Vec<Option<Snapshot>>| of_runs.into_iter().map(|one| one.map(Arc::new)).collect();
        (session.last, session.best) = (shared(last), shared(best));
        let order = session.settings().order(session.train.given());
        order.fill(reached.epoch + 1, &mut session.order);
        session.reached = reached;
        Ok(session)
    }

    /// Goes back to the beginning of the first epoch; where it was resumed, to random parameters.
    pub fn restart(&mut self) {
        let features = self.standardization.mean.len();
        self.engine.load(&initial(&self.runs, self.classes.len(), features, self.warm.as_ref()));
        self.descents = descents(&self.runs, &*self.engine);
        self.reached = Reached::nothing(self.runs.len());
        self.last.fill(None);
        self.best.fill(None);
    }

    /// Gives a checkpoint to `save` after every `every` epochs, after the last one, and when training is stopped:
    /// `|checkpoint| checkpoint.save(path)` writes it to a file.
    ///
    /// # Panics
    /// If `every` is 0.
    pub fn save_checkpoints(&mut self, every: usize, save: impl FnMut(Checkpoint) -> Result<()> + Send + 'a) {
        assert!(every > 0, "epochs between checkpoints");
        let data = Fingerprint::of(self.train.given(), self.validation.given(), self.classes);
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
                let end = match self.settings().optimizer {
                    Optimizer::Sgd => self.epoch_left(control)?,
                    Optimizer::Lbfgs => self.iteration_left(control)?,
                };
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

    /// The phases before this one: what the settings were until the runs were resumed with others.
    pub fn phases(&self) -> &[Phase] {
        &self.reached.phases
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
        EngineInfo { reason: self.reason.clone(), ..self.engine.info() }
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
            last: cloned(&self.last),
            best: cloned(&self.best),
            descents: self.descents.iter().map(Descent::save).collect(),
            notes: Notes::default(),
            path: PathBuf::new(),
        }
    }

    /// How far features that are trained on as bytes are from what they are, if they are.
    pub fn rounding(&self) -> Option<Rounding> {
        self.rounding
    }

    fn settings(&self) -> &Settings {
        &self.runs[0].settings
    }

    fn is_finished(&self) -> bool {
        let ended = |fate: &Fate| *fate != Fate::Running;
        self.reached.epoch == self.settings().length() || self.reached.fates.iter().all(ended)
    }

    fn save_checkpoint(&mut self, end: End) -> Result<()> {
        let Some(Checkpoints { every, data, .. }) = &self.checkpoints else { return Ok(()) };
        if end == End::Finished && !self.reached.epoch.is_multiple_of(*every) && !self.is_finished() {
            return Ok(());
        }
        let checkpoint = self.checkpoint(*every, data);
        self.checkpoints.as_mut().map_or(Ok(()), |checkpoints| (checkpoints.save)(checkpoint))
    }
}

fn cloned(of_runs: &[Option<Arc<Snapshot>>]) -> Vec<Option<Snapshot>> {
    of_runs.iter().map(|one| one.as_deref().cloned()).collect()
}

/// Checks that `model` is one for these samples.
fn check_shape(splits: &Splits, model: &Model) -> Result<()> {
    let shape = |features, classes| format!("a model of {features} features and {classes} classes");
    let expected = shape(splits.train.features(), splits.classes.len());
    let found = shape(model.parameters.features, model.parameters.classes);
    if expected != found {
        return Err(Error::setting("from", expected + ", as the data has", found));
    }
    Ok(())
}

/// The parameters that the runs begin with.
fn initial(runs: &[Run], classes: usize, features: usize, warm: Option<&Parameters>) -> Vec<Parameters> {
    let drawn = |run: &Run| run.settings.initial(classes, features);
    runs.iter().map(|run| warm.cloned().unwrap_or_else(|| drawn(run))).collect()
}

/// Where L-BFGS begins, for each run of it.
fn descents(runs: &[Run], engine: &dyn Engine) -> Vec<Descent> {
    match runs[0].settings.optimizer {
        Optimizer::Sgd => Vec::new(),
        Optimizer::Lbfgs => {
            let begun = engine.parameters().into_iter().zip(runs);
            begun.map(|(parameters, run)| Descent::new(parameters, run.settings.lambda)).collect()
        }
    }
}
