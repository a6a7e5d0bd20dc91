//! The trainer: epoch after epoch, each followed by an evaluation of the training and the validation split.

use std::time::Instant;

use super::config::Config;
use super::history::{EpochRecord, EpochSeconds, Metrics, penalty};
use crate::engine::{Engine, Evaluation, Step};
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
    epoch: usize,
    histories: Vec<Vec<EpochRecord>>,
    seconds: EpochSeconds,
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
            epoch: 0,
            histories: vec![Vec::new(); config.runs.len()],
            seconds: EpochSeconds { train: 0.0, evaluate: 0.0 },
        })
    }

    /// Trains to the last epoch; `observe` sees the newest record of every run after each evaluation.
    ///
    /// # Errors
    /// [`Error::Diverged`] where a cost is no longer finite, or what the engine fails with.
    pub fn run(&mut self, mut observe: impl FnMut(&[EpochRecord])) -> Result<()> {
        while self.epoch < self.config.epochs {
            let before = self.epoch;
            let start = Instant::now();
            while self.epoch < self.config.epochs
                && (self.epoch == before || !self.epoch.is_multiple_of(self.config.evaluate_every))
            {
                self.epoch += 1;
                self.config.order().fill(self.epoch, &mut self.order);
                self.engine.train(self.train, &self.order, self.config.batch, &self.steps)?;
            }
            observe(&self.evaluate(start.elapsed().as_secs_f64())?);
        }
        Ok(())
    }

    /// The histories so far, one for each run.
    pub fn histories(&self) -> &[Vec<EpochRecord>] {
        &self.histories
    }

    /// The seconds spent so far in training and in evaluating the two splits.
    pub fn seconds(&self) -> EpochSeconds {
        self.seconds
    }

    /// The parameters as they are now, and what they reach on `test`. What is evaluated is what is returned, as
    /// a file would hold it, not the engine's own more exact state.
    ///
    /// # Errors
    /// What the engine fails with.
    pub fn finish(&mut self, test: &Samples) -> Result<Vec<Finished>> {
        let parameters = self.engine.parameters();
        self.engine.load(&parameters);
        let evaluations = self.engine.evaluate(test)?;
        let finish = |((parameters, evaluation), run): ((Parameters, Evaluation), &super::Run)| {
            let metrics = Metrics::of_model(&evaluation, run.lambda, &parameters);
            Finished { parameters, metrics, evaluation }
        };
        Ok(parameters.into_iter().zip(evaluations).zip(&self.config.runs).map(finish).collect())
    }

    /// Evaluates both splits and adds a record to each history.
    fn evaluate(&mut self, train_seconds: f64) -> Result<Vec<EpochRecord>> {
        let start = Instant::now();
        let on_train = self.engine.evaluate(self.train)?;
        let on_validation = self.engine.evaluate(self.validation)?;
        let penalties = self.penalties();
        let seconds = EpochSeconds { train: train_seconds, evaluate: start.elapsed().as_secs_f64() };
        self.seconds.train += seconds.train;
        self.seconds.evaluate += seconds.evaluate;

        let mut records = Vec::with_capacity(self.histories.len());
        for (run, history) in self.histories.iter_mut().enumerate() {
            let train = Metrics::new(&on_train[run], penalties[run]);
            let validation = Metrics::new(&on_validation[run], penalties[run]);
            records.push(EpochRecord { epoch: self.epoch, train, validation, seconds });
            history.push(records[run]);
        }
        for (record, run) in records.iter().zip(&self.config.runs) {
            if !record.train.cost.is_finite() {
                return Err(Error::Diverged { run: run.name.clone(), epoch: record.epoch, eta: run.eta });
            }
        }
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
