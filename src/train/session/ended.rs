//! Why the runs of a session ended.

use super::Session;
use crate::train::history::Fate;
use crate::train::lbfgs::Descent;
use crate::train::optimizer::Optimizer;
use crate::train::record::{Ended, Reason};

impl Session<'_> {
    /// Why a run ended, and after how many epochs; none of one that trains on, or that diverged.
    ///
    /// # Panics
    /// If there is no such run.
    pub fn ended(&self, run: usize) -> Option<Ended> {
        let (settings, fate) = (&self.runs[run].settings, self.reached.fates[run]);
        let reason = match (fate, settings.optimizer) {
            (Fate::Running, _) if self.reached.epoch < settings.length() => return None,
            (Fate::Running, Optimizer::Sgd) => Reason::Epochs,
            (Fate::Running, Optimizer::Lbfgs) => Reason::Iterations,
            (Fate::Early { .. }, _) => Reason::EarlyStop,
            (Fate::Converged { .. }, _) => Reason::Tol,
            (Fate::Stuck { .. }, _) => Reason::Rounding,
            (Fate::Diverged { .. }, _) => return None,
        };
        let descent = self.descents.get(run);
        Some(Ended {
            reason,
            epoch: fate.epoch().unwrap_or(self.reached.epoch),
            gradient: descent.map(Descent::steepness),
            evaluations: descent.map(Descent::evaluations),
        })
    }

    /// How often the training images were passed through the model of a run.
    ///
    /// # Panics
    /// If there is no such run.
    pub fn passes(&self, run: usize) -> usize {
        self.descents.get(run).map_or(self.reached.epoch, Descent::evaluations)
    }
}
