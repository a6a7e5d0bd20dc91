//! How far a session is.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::history::{EpochRecord, EpochSeconds, Fate};
use super::optimizer::Optimizer;
use super::phase::Phase;
use super::settings::{Run, Settings};
use crate::engine::RunState;

/// How far training is, but for the states of the runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    /// The epochs that are finished.
    pub epoch: usize,
    /// The images of the next epoch that were trained already: a whole number of batches, or all of them where they
    /// are yet to be evaluated.
    pub images: usize,
    /// The history of each run.
    pub histories: Vec<Vec<EpochRecord>>,
    /// What became of each run.
    pub fates: Vec<Fate>,
    /// The seconds of training since the last evaluation.
    pub unevaluated_seconds: f64,
    /// The seconds up to the last evaluation.
    pub seconds: EpochSeconds,
    /// The phases before this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
}

impl Reached {
    /// The beginning of the first epoch of `runs` runs.
    pub(super) fn nothing(runs: usize) -> Self {
        let seconds = EpochSeconds { train: 0.0, evaluate: 0.0 };
        let (histories, fates) = (vec![Vec::new(); runs], vec![Fate::Running; runs]);
        let phases = Vec::new();
        Self { epoch: 0, images: 0, histories, fates, unevaluated_seconds: 0.0, seconds, phases }
    }

    /// Whether training `runs`, whose settings can be used, on `images` images comes past this point.
    pub fn fits(&self, runs: &[Run], images: usize) -> bool {
        let Settings { batch, optimizer, evaluate_every, .. } = runs[0].settings;
        let epochs = runs[0].settings.length();
        let batches = match optimizer {
            Optimizer::Sgd => self.images < images && self.images.is_multiple_of(batch),
            Optimizer::Lbfgs => self.images == 0,
        };
        let place = match self.epoch.cmp(&epochs) {
            Ordering::Less => batches || self.images == images,
            Ordering::Equal => self.images == 0,
            Ordering::Greater => false,
        };
        // The last epoch of each phase is evaluated.
        let ends = self.phases.iter().filter(|phase| phase.is_whole()).map(|phase| phase.epoch);
        let lasts: Vec<usize> = ends.chain([epochs]).collect();
        let whole = |(history, fate): (&Vec<EpochRecord>, &Fate)| {
            let end = fate.epoch().unwrap_or(self.epoch);
            // So is the iteration in which L-BFGS ends.
            let own = matches!(fate, Fate::Converged { .. } | Fate::Stuck { .. }).then_some(end);
            let is_last = |epoch: &usize| *epoch <= end && !epoch.is_multiple_of(evaluate_every);
            let lasts: BTreeSet<usize> = lasts.iter().copied().chain(own).filter(is_last).collect();
            let evaluated = |epoch: &usize| epoch.is_multiple_of(evaluate_every) || lasts.contains(epoch);
            let found: Vec<usize> = history.iter().map(|record| record.epoch).collect();
            end <= self.epoch
                && found.len() == end / evaluate_every + lasts.len()
                && found.is_sorted_by(|a, b| a < b)
                && found.iter().all(|epoch| (1..=end).contains(epoch) && evaluated(epoch))
        };
        let phases =
            self.phases.iter().all(|phase| phase.runs.len() == runs.len() && phase.epoch <= self.epoch);
        let lengths = [self.histories.len(), self.fates.len()];
        let histories = self.histories.iter().zip(&self.fates);
        place && phases && lengths == [runs.len(); 2] && histories.into_iter().all(whole)
    }
}

/// The state of a run after an epoch; in JSON the epoch alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Snapshot {
    /// The epoch.
    pub epoch: usize,
    /// The state, as the engine gave it.
    #[serde(skip)]
    pub state: RunState,
}
