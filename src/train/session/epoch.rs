//! An epoch of a session: slices of training, then the evaluation of both splits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Session;
use crate::engine::{Batches, Evaluation, Step};
use crate::error::Result;
use crate::train::augmented::Augmented;
use crate::train::control::{Control, End};
use crate::train::evaluate::evaluate;
use crate::train::history::{EpochRecord, EpochSeconds, Fate, Metrics};
use crate::train::reached::{Reached, Snapshot};
use crate::train::schedule::When;
use crate::train::settings::{Run, Settings};

/// The longest that a slice shall take: who wants training to stop waits no longer than this.
const SLICE: Duration = Duration::from_millis(50);

/// A run diverged if its training cost ends above this many times the loss of guessing. The lab's first run, whose
/// learning rate is too large, ends at about twice that loss.
const WORSE: f64 = 10.0;

impl Session<'_> {
    /// Trains what is left of an epoch, and evaluates it where that is due.
    pub(super) fn epoch_left(&mut self, control: &mut dyn Control) -> Result<End> {
        let Settings { epochs, evaluate_every, .. } = *self.settings();
        while self.reached.images < self.order.len() {
            let before = self.reached.images;
            self.train_slice()?;
            control.trained(self.reached.images - before);
            if control.stop() {
                return Ok(End::Stopped);
            }
        }
        let epoch = self.reached.epoch + 1;
        if epoch == epochs || epoch.is_multiple_of(evaluate_every) {
            let start = Instant::now();
            let Some(found) = self.evaluate_splits(control)? else { return Ok(End::Stopped) };
            let [train, validation] = found.map(|found| self.metrics(&found));
            let due: Vec<bool> = self.reached.fates.iter().map(|fate| *fate == Fate::Running).collect();
            let last = epoch == epochs;
            let limit =
                if last { WORSE * self.objective.guessing(self.classes.len()) } else { f64::INFINITY };
            let records = self.record(&due, [&train, &validation], limit, start);
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
        let how = self.settings().order(self.train.given());
        if self.reached.images == 0 {
            how.fill(self.reached.epoch + 1, &mut self.order);
        }
        let slice = match self.augmented {
            None => self.slice,
            Some(_) => self.slice.min((Augmented::SLICE / batch).max(1)),
        };
        let end = slice.saturating_mul(batch).saturating_add(self.reached.images);
        let images = self.reached.images..end.min(self.order.len());
        how.read_ahead(images.clone(), &self.order, &self.train.samples());
        let count = images.len().div_ceil(batch);
        let steps = &self.steps(images.start / batch, count);
        let (epoch, order) = (self.reached.epoch + 1, &self.order[images.clone()]);
        match &mut self.augmented {
            None => self.engine.train(&self.train.samples(), Batches { order, size: batch, steps })?,
            Some(augmented) => {
                let mut team = self.team.handle();
                let (samples, order) = team.install(|| augmented.make(epoch, order, self.train.given()))?;
                self.engine.train(&samples, Batches { order, size: batch, steps })?;
            }
        }
        let spent = start.elapsed().as_secs_f64();
        // Half of the longest, at this one's pace: the next one may be slower.
        let pace = count as f64 / spent.max(1e-9);
        self.slice = ((pace * SLICE.as_secs_f64() / 2.0) as usize).max(1);
        self.reached.unevaluated_seconds += spent;
        self.reached.images = images.end;
        Ok(())
    }

    /// `[batches, R]`: the steps of this epoch's batches from `first` on. A run that has ended takes steps of 0, which leave
    /// it as it is.
    fn steps(&self, first: usize, batches: usize) -> Vec<Step> {
        let Settings { batch, epochs, .. } = *self.settings();
        let epoch = self.order.len().div_ceil(batch);
        let step_of = |step: usize, (run, fate): (&Run, &Fate)| match fate {
            Fate::Running => run.settings.step(When { step, steps: epochs * epoch, epoch }),
            _ => Step::default(),
        };
        let begun = self.reached.epoch * epoch + first;
        let runs = || self.runs.iter().zip(&self.reached.fates);
        (begun..begun + batches).flat_map(|step| runs().map(move |run| step_of(step, run))).collect()
    }

    /// What every run reaches on the training and the validation split; none if `control` stopped it.
    fn evaluate_splits(&mut self, control: &mut dyn Control) -> Result<Option<[Vec<Evaluation>; 2]>> {
        let Some(train) = evaluate(&mut *self.engine, &self.train.samples(), control)? else {
            return Ok(None);
        };
        Ok(self.evaluate_validation(control)?.map(|validation| [train, validation]))
    }

    /// What every run reaches on the validation split, of which there may be no image; none if `control` stopped it.
    pub(super) fn evaluate_validation(
        &mut self,
        control: &mut dyn Control,
    ) -> Result<Option<Vec<Evaluation>>> {
        match self.validation.given().is_empty() {
            true => Ok(Some(vec![Evaluation::empty(self.classes.len()); self.runs.len()])),
            false => evaluate(&mut *self.engine, &self.validation.samples(), control),
        }
    }

    /// What evaluations, one of each run, say of a split.
    pub(super) fn metrics(&self, found: &[Evaluation]) -> Vec<Metrics> {
        found.iter().zip(self.penalties()).map(|(found, penalty)| Metrics::new(found, penalty)).collect()
    }

    /// Ends the epoch: adds what was found on training and validation images to the histories of the runs where that is due,
    /// and keeps the states of those that are finite. A run whose cost is above `limit` has diverged. The newest record of
    /// every run.
    pub(super) fn record(
        &mut self,
        due: &[bool],
        [train, validation]: [&[Metrics]; 2],
        limit: f64,
        start: Instant,
    ) -> Vec<EpochRecord> {
        let states = self.engine.state();
        let Reached { epoch, images, histories, fates, unevaluated_seconds, seconds, .. } = &mut self.reached;
        (*epoch, *images) = (*epoch + 1, 0);
        let spent = EpochSeconds {
            train: std::mem::take(unevaluated_seconds),
            evaluate: start.elapsed().as_secs_f64(),
        };
        seconds.train += spent.train;
        seconds.evaluate += spent.evaluate;

        for (run, state) in states.into_iter().enumerate() {
            if !due[run] {
                continue;
            }
            let record =
                EpochRecord { epoch: *epoch, train: train[run], validation: validation[run], seconds: spent };
            let best =
                histories[run].iter().map(|record| record.validation.loss).fold(f64::INFINITY, f64::min);
            histories[run].push(record);
            fates[run].note(*epoch, record.train.cost.is_finite() && record.train.cost <= limit);
            if fates[run] == Fate::Running {
                let snapshot = Arc::new(Snapshot { epoch: *epoch, state });
                if record.validation.loss < best {
                    self.best[run] = Some(Arc::clone(&snapshot));
                }
                self.last[run] = Some(snapshot);
                let patience = self.runs[run].settings.early_stop;
                if patience > 0 && since_best(&histories[run]) >= patience {
                    fates[run] = Fate::Early { epoch: *epoch };
                }
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
}

/// The evaluations after that with the smallest validation loss, the first of several.
fn since_best(history: &[EpochRecord]) -> usize {
    let loss = |index: usize| history[index].validation.loss;
    let best = (1..history.len()).fold(0, |best, index| if loss(index) < loss(best) { index } else { best });
    history.len() - 1 - best
}
