//! An iteration of L-BFGS in a session: passes over all images, until every run has ended its line search.

use std::time::Instant;

use rayon::prelude::*;

use super::Session;
use crate::error::Result;
use crate::model::Parameters;
use crate::train::control::{Control, End};
use crate::train::history::{Fate, Metrics};
use crate::train::lbfgs::Descent;
use crate::train::settings::Settings;

impl Session<'_> {
    /// What is left of an iteration of every run that has not ended, and the evaluation where that is due. Where `control`
    /// stops it in a pass, all runs are where the iteration began.
    pub(super) fn iteration_left(&mut self, control: &mut dyn Control) -> Result<End> {
        if self.reached.images == 0 {
            let start = Instant::now();
            if self.descend(control)? == End::Stopped {
                self.descents.iter_mut().for_each(Descent::abandon);
                return Ok(End::Stopped);
            }
            let reached: Vec<Parameters> =
                self.descents.iter().map(|descent| descent.parameters().clone()).collect();
            self.engine.load(&reached);
            self.reached.images = self.order.len();
            self.reached.unevaluated_seconds += start.elapsed().as_secs_f64();
            control.trained(self.order.len());
        }
        let Settings { iterations, evaluate_every, .. } = *self.settings();
        let epoch = self.reached.epoch + 1;
        let all = epoch == iterations || epoch.is_multiple_of(evaluate_every);
        let found: Vec<Fate> = (0..self.runs.len()).map(|run| self.fate(run, epoch)).collect();
        let ends = found.iter().map(|fate| !matches!(fate, Fate::Running | Fate::Diverged { .. }));
        let due: Vec<bool> = ends
            .zip(&self.reached.fates)
            .map(|(ends, fate)| *fate == Fate::Running && (all || ends))
            .collect();
        if due.contains(&true) {
            let start = Instant::now();
            let Some(validation) = self.evaluate_validation(control)? else { return Ok(End::Stopped) };
            let train: Vec<Metrics> = self.descents.iter().map(Descent::metrics).collect();
            let validation = self.metrics(&validation);
            let records = self.record(&due, [&train, &validation], f64::INFINITY, start);
            control.evaluated(&records);
        } else {
            (self.reached.epoch, self.reached.images) = (epoch, 0);
        }
        for (fate, found) in self.reached.fates.iter_mut().zip(found) {
            if *fate == Fate::Running {
                *fate = found;
            }
        }
        Ok(End::Finished)
    }

    /// An iteration of every run that has not ended.
    fn descend(&mut self, control: &mut dyn Control) -> Result<End> {
        // Nothing is known where a run begins.
        if self.pass(control)? == End::Stopped {
            return Ok(End::Stopped);
        }
        let goes_on = |run| self.reached.fates[run] == Fate::Running && self.fate(run, 0) == Fate::Running;
        let goes_on: Vec<bool> = (0..self.runs.len()).map(goes_on).collect();
        let descents = self.descents.par_iter_mut().zip(goes_on);
        self.team.handle().install(|| {
            descents.filter(|(_, goes_on)| *goes_on).for_each(|(descent, _)| descent.begin());
        })?;
        while self.descents.iter().any(|descent| descent.asks().is_some()) {
            if self.pass(control)? == End::Stopped {
                return Ok(End::Stopped);
            }
        }
        self.team.handle().install(|| self.descents.par_iter_mut().for_each(Descent::end))?;
        Ok(End::Finished)
    }

    /// Tells every run that asks what it asks for, from one pass over the images.
    fn pass(&mut self, control: &mut dyn Control) -> Result<End> {
        let at: Vec<Parameters> = self.descents.iter().filter_map(Descent::asks).cloned().collect();
        if at.is_empty() {
            return Ok(End::Finished);
        }
        let samples = self.train.samples();
        let Some(found) = self.engine.gradient(&samples, &at, &mut || control.stop())? else {
            return Ok(End::Stopped);
        };
        let asking: Vec<&mut Descent> =
            self.descents.iter_mut().filter(|descent| descent.asks().is_some()).collect();
        self.team.handle().install(|| {
            asking
                .into_par_iter()
                .zip(&found)
                .for_each(|(descent, found)| descent.tell(found, samples.len()));
        })?;
        Ok(End::Finished)
    }

    /// What becomes of a run in iteration `epoch`.
    fn fate(&self, run: usize, epoch: usize) -> Fate {
        let descent = &self.descents[run];
        let steepness = descent.steepness();
        match () {
            () if !(descent.metrics().cost.is_finite() && steepness.is_finite()) => Fate::Diverged { epoch },
            () if steepness <= self.runs[run].settings.tol => Fate::Converged { epoch },
            () if descent.is_stuck() => Fate::Stuck { epoch },
            () => Fate::Running,
        }
    }
}
