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

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::checkpoint::{Checkpoint, Fingerprint, Reached, Snapshot};
use super::control::{Control, End};
use super::evaluate::evaluate;
use super::history::{EpochRecord, EpochSeconds, Fate, Metrics};
use super::settings::{Run, Scope, Settings};
use super::splits::{Held, Splits};
use crate::engine::{Batches, Engine, EngineInfo, Evaluation, Machine, Problem, Step};
use crate::error::{Error, Result};
use crate::model::{Model, Parameters, Standardization};

/// The longest that a slice shall take: who wants training to stop waits no longer than this.
const SLICE: Duration = Duration::from_millis(50);

/// Trains runs side by side, keeps their histories, and survives whatever ends them early.
pub struct Session<'a> {
    runs: Vec<Run>,
    classes: &'a [String],
    train: Held<'a>,
    validation: Held<'a>,
    standardization: Standardization,
    machine: Machine,
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
    checkpoints: Option<Checkpoints>,
}

/// Where checkpoints go, and how often.
struct Checkpoints {
    path: PathBuf,
    every: usize,
    data: Fingerprint,
}

/// Which parameters of a run are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that training has reached; of a run that diverged, those of the last evaluation before.
    Last,
    /// Those of the evaluation with the smallest validation loss.
    Best,
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
        check(&runs, splits.train.len())?;
        let Splits { train, validation, classes } = splits;
        let Settings { epochs, batch, objective, .. } = runs[0].settings;
        let mut team = machine.team.handle();
        let standardization = team.install(|| Standardization::measure(&train))?;
        let initial = &initial(&runs, classes.len(), train.features());
        let engine = machine.engine(&Problem { initial, standardization: &standardization, objective })?;
        let hold = |split| Held::new(split, epochs);
        let [train, validation] = team.install(|| [train, validation].map(hold))?;
        let images = train.samples().len();
        let steps: Vec<Step> = runs.iter().map(|run| run.settings.step()).collect();
        Ok(Self {
            order: vec![0; images],
            steps: steps.repeat(images.div_ceil(batch)),
            slice: 16,
            reached: Reached::nothing(runs.len()),
            last: vec![None; runs.len()],
            best: vec![None; runs.len()],
            checkpoints: None,
            machine: Machine { team, ..*machine },
            runs,
            classes,
            train,
            validation,
            standardization,
            engine,
        })
    }

    /// Goes on from `checkpoint`, on the same data and an engine of the same name.
    ///
    /// # Errors
    /// As [`Session::new`], and a checkpoint of another engine, of other data, or that its own settings cannot lead to.
    pub fn resume(splits: Splits<'a>, checkpoint: Checkpoint, machine: &Machine) -> Result<Self> {
        checkpoint.check_data(&splits)?;
        let Checkpoint { runs, engine, reached, states, best, path, .. } = checkpoint;
        let mut session = Self::new(splits, runs, machine)?;
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
        let finite = |state| Some(Arc::new(Snapshot { epoch: reached.epoch, state }));
        if reached.epoch > 0 {
            session.last = states.into_iter().map(finite).collect();
        }
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

    /// Saves a checkpoint to the file `path` after every `every` epochs, after the last one, and when training is stopped.
    ///
    /// # Panics
    /// If `every` is 0.
    pub fn save_checkpoints(&mut self, path: &Path, every: usize) {
        assert!(every > 0, "epochs between checkpoints");
        let data = Fingerprint::of(&self.train.samples(), &self.validation.samples(), self.classes);
        self.checkpoints = Some(Checkpoints { path: path.to_path_buf(), every, data });
    }

    /// Trains to the last epoch, or until `control` stops it; [`Session::run`] then goes on from there.
    ///
    /// # Errors
    /// What the engine fails with, and a checkpoint that cannot be written. What was reached before is kept.
    pub fn run(&mut self, control: &mut dyn Control) -> Result<End> {
        let team = self.machine.team.handle();
        team.lead(|| {
            while !self.is_finished() {
                let end = self.epoch_left(control)?;
                self.save_checkpoint(end)?;
                if end == End::Stopped {
                    return Ok(End::Stopped);
                }
            }
            Ok(End::Finished)
        })?
    }

    /// The models of the runs, each with its settings as metadata. None where a run has none that is finite: it diverged
    /// before its first evaluation.
    pub fn models(&mut self, which: Which) -> Vec<Option<Model>> {
        let reached = self.engine.parameters();
        let trained = reached.into_iter().enumerate().map(|(run, parameters)| {
            let running = self.reached.fates[run] == Fate::Running;
            if which == Which::Last && running && parameters.is_finite() {
                return Some(self.model(run, parameters, self.reached.epoch));
            }
            let snapshots = if which == Which::Last { &self.last } else { &self.best };
            let snapshot = snapshots[run].clone()?;
            let parameters = self.parameters_of(run, &snapshot);
            parameters.is_finite().then(|| self.model(run, parameters, snapshot.epoch))
        });
        trained.collect()
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

    /// The mean and deviation of the training images.
    pub fn standardization(&self) -> &Standardization {
        &self.standardization
    }

    /// All that it takes to go on later. `every` is what [`Session::save_checkpoints`] was told.
    fn checkpoint(&self, Checkpoints { path, every, data }: &Checkpoints) -> Checkpoint {
        Checkpoint {
            runs: self.runs.clone(),
            every: *every,
            engine: self.engine.info().name,
            data: data.clone(),
            reached: self.reached.clone(),
            states: self.engine.state(),
            best: self.best.iter().map(|best| best.as_deref().cloned()).collect(),
            path: path.clone(),
        }
    }

    fn settings(&self) -> &Settings {
        &self.runs[0].settings
    }

    fn is_finished(&self) -> bool {
        let diverged = |fate: &Fate| *fate != Fate::Running;
        self.reached.epoch == self.settings().epochs || self.reached.fates.iter().all(diverged)
    }

    /// Trains what is left of an epoch, and evaluates it where that is due.
    fn epoch_left(&mut self, control: &mut dyn Control) -> Result<End> {
        let Settings { epochs, evaluate_every, .. } = *self.settings();
        while self.reached.images < self.order.len() {
            self.train_slice()?;
            if control.stop() {
                return Ok(End::Stopped);
            }
        }
        let epoch = self.reached.epoch + 1;
        if epoch == epochs || epoch.is_multiple_of(evaluate_every) {
            let start = Instant::now();
            let Some(found) = self.evaluate_splits(control)? else { return Ok(End::Stopped) };
            let records = self.record(found, start);
            control.evaluated(&records);
        } else {
            (self.reached.epoch, self.reached.images) = (epoch, 0);
            for (fate, finite) in self.reached.fates.iter_mut().zip(self.engine.are_finite()) {
                fate.note(epoch, finite);
            }
        }
        Ok(End::Finished)
    }

    /// Trains a slice of an epoch, which ends where a batch does.
    fn train_slice(&mut self) -> Result<()> {
        let start = Instant::now();
        let Settings { batch, .. } = *self.settings();
        if self.reached.images == 0 {
            self.runs[0].settings.order().fill(self.reached.epoch + 1, &mut self.order);
        }
        let end = self.slice.saturating_mul(batch).saturating_add(self.reached.images);
        let images = self.reached.images..end.min(self.order.len());
        let count = images.len().div_ceil(batch);
        let steps = &self.steps[..count * self.runs.len()];
        let batches = Batches { order: &self.order[images.clone()], size: batch, steps };
        self.engine.train(&self.train.samples(), batches)?;
        let spent = start.elapsed().as_secs_f64();
        // Half of the longest, at this one's pace: the next one may be slower.
        let pace = count as f64 / spent.max(1e-9);
        self.slice = ((pace * SLICE.as_secs_f64() / 2.0) as usize).max(1);
        self.reached.unevaluated_seconds += spent;
        self.reached.images = images.end;
        Ok(())
    }

    /// What every run reaches on the training and the validation split; none if `control` stopped it.
    fn evaluate_splits(&mut self, control: &mut dyn Control) -> Result<Option<[Vec<Evaluation>; 2]>> {
        let Some(train) = evaluate(&mut *self.engine, &self.train.samples(), control)? else {
            return Ok(None);
        };
        let validation = evaluate(&mut *self.engine, &self.validation.samples(), control)?;
        Ok(validation.map(|validation| [train, validation]))
    }

    /// Ends the epoch: adds what was found to the histories, and keeps the states of the runs that are finite. The newest
    /// record of every run.
    fn record(&mut self, [train, validation]: [Vec<Evaluation>; 2], start: Instant) -> Vec<EpochRecord> {
        let penalties = self.penalties();
        let states = self.engine.state();
        let Reached { epoch, images, histories, fates, unevaluated_seconds, seconds } = &mut self.reached;
        (*epoch, *images) = (*epoch + 1, 0);
        let spent = EpochSeconds {
            train: std::mem::take(unevaluated_seconds),
            evaluate: start.elapsed().as_secs_f64(),
        };
        seconds.train += spent.train;
        seconds.evaluate += spent.evaluate;

        for (run, state) in states.into_iter().enumerate() {
            if fates[run] != Fate::Running {
                continue;
            }
            let record = EpochRecord {
                epoch: *epoch,
                train: Metrics::new(&train[run], penalties[run]),
                validation: Metrics::new(&validation[run], penalties[run]),
                seconds: spent,
            };
            let best =
                histories[run].iter().map(|record| record.validation.loss).fold(f64::INFINITY, f64::min);
            histories[run].push(record);
            fates[run].note(*epoch, record.train.cost.is_finite());
            if fates[run] == Fate::Running {
                let snapshot = Arc::new(Snapshot { epoch: *epoch, state });
                if record.validation.loss < best {
                    self.best[run] = Some(Arc::clone(&snapshot));
                }
                self.last[run] = Some(snapshot);
            }
        }
        histories.iter().filter_map(|history| history.last().copied()).collect()
    }

    /// `lambda ||W||^2` of each run; 0 for lambda 0, whatever the weights.
    fn penalties(&self) -> Vec<f64> {
        let lambdas = self.runs.iter().map(|run| run.settings.lambda);
        if lambdas.clone().all(|lambda| lambda == 0.0) {
            return vec![0.0; self.runs.len()];
        }
        let penalty = |(lambda, norm)| if lambda == 0.0 { 0.0 } else { lambda * norm };
        lambdas.zip(self.engine.squared_norms()).map(penalty).collect()
    }

    fn save_checkpoint(&self, end: End) -> Result<()> {
        let Some(checkpoints) = &self.checkpoints else { return Ok(()) };
        if end == End::Stopped || self.reached.epoch.is_multiple_of(checkpoints.every) || self.is_finished() {
            self.checkpoint(checkpoints).save(&checkpoints.path)?;
        }
        Ok(())
    }

    /// The parameters of `run` at an earlier state.
    fn parameters_of(&mut self, run: usize, snapshot: &Snapshot) -> Parameters {
        let now = self.engine.state();
        let mut then = now.clone();
        then[run] = snapshot.state.clone();
        self.engine.restore(&then).expect("states of this engine");
        let parameters = self.engine.parameters().swap_remove(run);
        self.engine.restore(&now).expect("states of this engine");
        parameters
    }

    /// The model of `run` with these parameters, which are those after `epoch` epochs.
    fn model(&self, run: usize, parameters: Parameters, epoch: usize) -> Model {
        let settings = &self.runs[run].settings;
        let setting = |name: &'static str| (name, settings.get(name));
        // The model has its objective as a field.
        let metadata =
            Settings::TABLE.iter().filter(|row| row.name != "objective").map(|row| setting(row.name));
        let facts = [("engine", self.engine.info().name), ("epoch", epoch.to_string())];
        Model {
            parameters,
            standardization: self.standardization.clone(),
            objective: settings.objective,
            classes: self.classes.to_vec(),
            metadata: metadata.chain(facts).map(|(name, value)| (name.to_string(), value)).collect(),
        }
    }
}

/// The parameters that the runs begin with.
fn initial(runs: &[Run], classes: usize, features: usize) -> Vec<Parameters> {
    vec![Parameters::random(classes, features, runs[0].settings.seed); runs.len()]
}

/// Checks the settings of runs that are to be trained side by side on `images` images.
fn check(runs: &[Run], images: usize) -> Result<()> {
    let (first, others) = runs.split_first().expect("a run to train");
    first.settings.check(images)?;
    for run in others {
        run.settings.check(images)?;
        for row in Settings::TABLE.iter().filter(|row| row.scope == Scope::Common) {
            let [expected, found] = [first, run].map(|run| run.settings.get(row.name));
            if expected != found {
                return Err(Error::setting(
                    row.name,
                    format_args!("{expected}, as in the run beside it"),
                    found,
                ));
            }
        }
    }
    Ok(())
}
