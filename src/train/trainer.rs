//! The trainer: epoch after epoch, each followed by an evaluation of the training and the validation split.

use std::time::{Duration, Instant};

use super::checkpoint::Reached;
use super::config::Config;
use super::evaluating::Evaluating;
use super::history::{EpochRecord, EpochSeconds, Metrics, penalty};
use crate::engine::{Batches, Engine, Evaluation, RunState, Step};
use crate::error::{Error, Result};
use crate::model::Parameters;
use crate::samples::Samples;

/// Trains the runs of one configuration on one engine, and keeps their histories.
///
/// The trainer outlives a failed epoch, so that what was reached before it is not lost.
pub struct Trainer<'a> {
    engine: &'a mut dyn Engine,
    config: &'a Config,
    train: &'a Samples<'a>,
    validation: &'a Samples<'a>,
    /// The order of the images in this epoch, and the steps of one: buffers that are made once.
    order: Vec<u32>,
    steps: Vec<Step>,
    /// How far training is, but for the engine's state.
    reached: Reached,
    /// Batches in the next slice.
    slice: usize,
    /// The evaluation that is under way, once an epoch is trained.
    evaluating: Splits,
    /// The parameters that are tested, once every epoch is trained, and their evaluation.
    testing: Option<(Vec<Parameters>, Evaluating)>,
    /// The engine's state after the last evaluation that found every cost finite, and the epoch of that.
    finite: Option<(Vec<RunState>, usize)>,
}

/// The longest that a slice shall take: whoever wants training to stop waits no longer than this, and for a slice of
/// an evaluation.
const SLICE: Duration = Duration::from_millis(50);

/// An evaluation of both splits, as far as it is.
#[derive(Default)]
struct Splits {
    train: Evaluating,
    validation: Evaluating,
    spent: Duration,
}

/// What [`Trainer::advance`] did.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// It trained a slice of an epoch, or evaluated one.
    Slice,
    /// It finished an epoch.
    Epoch,
    /// It finished an epoch and evaluated both splits: the newest record of every run.
    Evaluated(Vec<EpochRecord>),
    /// Nothing: every epoch was trained before.
    Done,
}

/// What one run ends with.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The trained parameters, as they are saved.
    pub parameters: Parameters,
    /// Those parameters' metrics on the test split.
    pub metrics: Metrics,
    /// Those parameters' evaluation on the test split.
    pub evaluation: Evaluation,
}

impl<'a> Trainer<'a> {
    /// A trainer at the beginning of the first epoch. `engine` holds the initial parameters of the runs of
    /// `config`.
    ///
    /// # Errors
    /// A setting that cannot be used with these samples.
    pub fn new(
        engine: &'a mut dyn Engine,
        config: &'a Config,
        train: &'a Samples<'a>,
        validation: &'a Samples<'a>,
    ) -> Result<Self> {
        config.check(train.len())?;
        let steps: Vec<Step> = config.runs.iter().map(super::Run::step).collect();
        Ok(Self {
            engine,
            config,
            train,
            validation,
            order: vec![0; train.len()],
            steps: steps.repeat(train.len().div_ceil(config.batch)),
            reached: Reached::nothing(config.runs.len()),
            slice: 16,
            evaluating: Splits::default(),
            testing: None,
            finite: None,
        })
    }

    /// Goes on from where another trainer, of the same configuration on the same samples, was.
    ///
    /// # Errors
    /// A state of another length than that of this engine, as the number of bytes expected.
    ///
    /// # Panics
    /// If `reached` does not fit the configuration or the samples.
    pub fn resume(&mut self, reached: Reached, state: &[u8]) -> Result<(), usize> {
        assert!(reached.fits(self.config, self.train.len()), "what was reached fits what is trained");
        let mut states = self.engine.state();
        let expected: usize = states.iter().map(|run| run.weight.len() + run.bias.len()).sum();
        if state.len() != expected {
            return Err(expected);
        }
        let mut rest = state;
        for plane in states.iter_mut().flat_map(|run| [&mut run.weight, &mut run.bias]) {
            let bytes;
            (bytes, rest) = rest.split_at(plane.len());
            plane.copy_from_slice(bytes);
        }
        self.engine.restore(&states)?;
        self.config.order().fill(reached.epoch + 1, &mut self.order);
        self.finite = (reached.epoch > 0).then_some((states, reached.epoch));
        self.evaluating = Splits::default();
        self.reached = reached;
        Ok(())
    }

    /// How far training is, but for the engine's state.
    pub fn reached(&self) -> &Reached {
        &self.reached
    }

    /// The engine's exact state.
    pub fn state(&self) -> Vec<u8> {
        let runs = self.engine.state().into_iter().map(|run| [run.weight, run.bias].concat());
        runs.collect::<Vec<_>>().concat()
    }

    /// Trains to the last epoch; `observe` sees the newest record of every run after each evaluation.
    ///
    /// # Errors
    /// [`Error::Diverged`] where a cost is no longer finite, or what the engine fails with.
    pub fn run(&mut self, mut observe: impl FnMut(&[EpochRecord])) -> Result<()> {
        loop {
            match self.advance()? {
                Progress::Evaluated(records) => observe(&records),
                Progress::Slice | Progress::Epoch => {}
                Progress::Done => return Ok(()),
            }
        }
    }

    /// Trains a slice of an epoch, which ends where a batch does, or, once that is due, evaluates a slice of the
    /// splits. How epochs are sliced changes no bit of the result.
    ///
    /// # Errors
    /// As [`Trainer::run`].
    pub fn advance(&mut self) -> Result<Progress> {
        let Config { batch, epochs, evaluate_every, .. } = *self.config;
        if self.reached.epoch == epochs {
            return Ok(Progress::Done);
        }
        if self.reached.images < self.order.len() {
            self.train_slice(batch)?;
            if self.reached.images < self.order.len() {
                return Ok(Progress::Slice);
            }
        }
        let epoch = self.reached.epoch + 1;
        if epoch < epochs && !epoch.is_multiple_of(evaluate_every) {
            (self.reached.epoch, self.reached.images) = (epoch, 0);
            return Ok(Progress::Epoch);
        }
        Ok(match self.evaluate_slice()? {
            None => Progress::Slice,
            Some(evaluated) => Progress::Evaluated(self.record(evaluated)?),
        })
    }

    /// Trains a slice of an epoch.
    fn train_slice(&mut self, batch: usize) -> Result<()> {
        let start = Instant::now();
        if self.reached.images == 0 {
            self.config.order().fill(self.reached.epoch + 1, &mut self.order);
        }
        let end = self.slice.saturating_mul(batch).saturating_add(self.reached.images);
        let images = self.reached.images..end.min(self.order.len());
        let steps = images.len().div_ceil(batch) * self.config.runs.len();
        let order = &self.order[images.clone()];
        self.engine.train(self.train, Batches { order, size: batch, steps: &self.steps[..steps] })?;
        let spent = start.elapsed();
        // Half of the longest, at this one's pace: the next one may be slower.
        let pace = images.len().div_ceil(batch) as f64 / spent.as_secs_f64().max(1e-9);
        self.slice = ((pace * SLICE.as_secs_f64() / 2.0) as usize).max(1);
        self.reached.unevaluated_seconds += spent.as_secs_f64();
        self.reached.images = images.end;
        Ok(())
    }

    /// The histories so far, one for each run.
    pub fn histories(&self) -> &[Vec<EpochRecord>] {
        &self.reached.histories
    }

    /// The seconds spent so far in training and in evaluating the two splits.
    pub fn seconds(&self) -> EpochSeconds {
        self.reached.seconds
    }

    /// The parameters as they are now; where they are not finite, or a cost is not, those of the last evaluation
    /// that found every cost finite, if there was one. With them, the whole epochs that they were trained for.
    pub fn last_finite(&mut self) -> Option<(Vec<Parameters>, usize)> {
        let parameters = self.engine.parameters();
        if !self.diverged() && parameters.iter().all(Parameters::is_finite) {
            return Some((parameters, self.reached.epoch));
        }
        let (state, epoch) = self.finite.take()?;
        self.engine.restore(&state).expect("a state of this engine");
        Some((self.engine.parameters(), epoch))
    }

    /// Whether the last evaluation found a cost that is not finite.
    fn diverged(&self) -> bool {
        let mut last = self.reached.histories.iter().filter_map(|history| history.last());
        last.any(|record| !record.train.cost.is_finite())
    }

    /// The parameters as they are now, and what they reach on `test`. What is evaluated is what is returned, as
    /// a file would hold it, not the engine's own more exact state.
    ///
    /// # Errors
    /// What the engine fails with.
    pub fn finish(&mut self, test: &Samples) -> Result<Vec<Finished>> {
        loop {
            if let Some(finished) = self.finish_slice(test)? {
                return Ok(finished);
            }
        }
    }

    /// As [`Trainer::finish`], but only a slice of the evaluation of `test`, which must be the same in every call. None
    /// where that was not the last one.
    ///
    /// # Errors
    /// What the engine fails with.
    pub fn finish_slice(&mut self, test: &Samples) -> Result<Option<Vec<Finished>>> {
        // Taken and loaded once, not in every slice.
        let (parameters, mut evaluating) = self.testing.take().unwrap_or_else(|| {
            let parameters = self.engine.parameters();
            self.engine.load(&parameters);
            (parameters, Evaluating::default())
        });
        if !evaluating.go_on(self.engine, test, Instant::now() + SLICE / 2)? {
            self.testing = Some((parameters, evaluating));
            return Ok(None);
        }
        let finish = |((parameters, evaluation), run): ((Parameters, Evaluation), &super::Run)| {
            let metrics = Metrics::of_model(&evaluation, run.lambda, &parameters);
            Finished { parameters, metrics, evaluation }
        };
        Ok(Some(parameters.into_iter().zip(evaluating.found).zip(&self.config.runs).map(finish).collect()))
    }

    /// Evaluates slices of the training split, then of the validation split, for as long as a slice may take. What
    /// was found, where that was the end.
    fn evaluate_slice(&mut self) -> Result<Option<Splits>> {
        let start = Instant::now();
        let deadline = start + SLICE / 2;
        let Splits { train, validation, spent } = &mut self.evaluating;
        let done = train.go_on(self.engine, self.train, deadline)?
            && validation.go_on(self.engine, self.validation, deadline)?;
        *spent += start.elapsed();
        Ok(done.then(|| std::mem::take(&mut self.evaluating)))
    }

    /// Ends the epoch: adds a record of what was found to each history.
    fn record(&mut self, evaluated: Splits) -> Result<Vec<EpochRecord>> {
        let start = Instant::now();
        let penalties = self.penalties();
        (self.reached.epoch, self.reached.images) = (self.reached.epoch + 1, 0);
        let Reached { epoch, histories, unevaluated_seconds, seconds: total, .. } = &mut self.reached;
        let train = std::mem::take(unevaluated_seconds);
        let seconds = EpochSeconds { train, evaluate: (evaluated.spent + start.elapsed()).as_secs_f64() };
        total.train += seconds.train;
        total.evaluate += seconds.evaluate;

        let mut records = Vec::with_capacity(histories.len());
        for (run, history) in histories.iter_mut().enumerate() {
            let train = Metrics::new(&evaluated.train.found[run], penalties[run]);
            let validation = Metrics::new(&evaluated.validation.found[run], penalties[run]);
            records.push(EpochRecord { epoch: *epoch, train, validation, seconds });
            history.push(records[run]);
        }
        for (record, run) in records.iter().zip(&self.config.runs) {
            if !record.train.cost.is_finite() {
                return Err(Error::Diverged { run: run.name.clone(), epoch: record.epoch, eta: run.eta });
            }
        }
        self.finite = Some((self.engine.state(), self.reached.epoch));
        Ok(records)
    }

    /// `lambda ||W||^2` of each run.
    fn penalties(&self) -> Vec<f64> {
        let runs = &self.config.runs;
        if runs.iter().all(|run| run.lambda == 0.0) {
            return vec![0.0; runs.len()];
        }
        let parameters = self.engine.parameters();
        runs.iter().zip(&parameters).map(|(run, parameters)| penalty(run.lambda, parameters)).collect()
    }
}
