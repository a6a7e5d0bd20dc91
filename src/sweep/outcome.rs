//! What became of a run, and which run is best.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::train::record::Ended;
use crate::train::{EpochRecord, Metrics, Settings};

/// A run that is trained no further.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What the run is called: see [`id()`](super::id()).
    pub id: String,
    /// How it ended.
    pub status: Ending,
    /// The epochs that it was trained; of one that diverged, the epoch in which it did.
    pub epoch: usize,
    /// Every setting that its result depends on.
    pub config: Settings,
    /// SHA-256 of its parameters, as in `run.json`; empty where it has no model to its name.
    pub weights_sha256: String,
    /// What it reached, epoch by epoch.
    pub history: Vec<EpochRecord>,
    /// Why its training ended; none of one that diverged or was dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// How a run of a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// It was trained to its last epoch.
    Done,
    /// Its cost or its parameters were no longer finite.
    Diverged,
    /// It stopped early, as its settings say.
    Stopped,
    /// Better runs went on, and it did not.
    Dropped,
}

impl Ending {
    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Diverged => "diverged",
            Self::Stopped => "stopped",
            Self::Dropped => "dropped",
        }
    }
}

impl Outcome {
    /// What the run's model reaches: the record of its last evaluation, or of the best one, as its settings say.
    pub fn kept(&self) -> Option<&EpochRecord> {
        kept(&self.config, &self.history)
    }

    /// What the run's model reaches on the validation split.
    pub fn validation(&self) -> Metrics {
        self.kept().map_or(Metrics::NONE, |record| record.validation)
    }

    /// Whether it has a model.
    pub fn has_model(&self) -> bool {
        matches!(self.status, Ending::Done | Ending::Stopped)
    }

    /// Which of two runs stands first in a table: one that has a model, then the better one.
    pub fn compare(&self, other: &Self) -> Ordering {
        let rank = |outcome: &Self| match outcome.status {
            Ending::Done | Ending::Stopped => 0,
            Ending::Dropped => 1,
            Ending::Diverged => 2,
        };
        let later = |outcome: &Self| if outcome.has_model() { 0 } else { outcome.epoch };
        let better = || better((self.kept(), &self.id), (other.kept(), &other.id));
        rank(self).cmp(&rank(other)).then(later(other).cmp(&later(self))).then_with(better)
    }
}

/// The record of the model that a run with these settings and this history has.
pub(super) fn kept<'h>(settings: &Settings, history: &'h [EpochRecord]) -> Option<&'h EpochRecord> {
    let finite = history.iter().filter(|record| record.validation.loss.is_finite());
    // Of several equal losses the first, as in a session.
    let best = || finite.min_by(|one, other| one.validation.loss.total_cmp(&other.validation.loss));
    if settings.best { best().or(history.last()) } else { history.last() }
}

/// Less where the first run is better: it has the higher validation accuracy, or the same and a smaller validation loss, or
/// the same and a smaller id. So which run is best depends on nothing but what the runs reached.
pub(super) fn better(one: (Option<&EpochRecord>, &str), other: (Option<&EpochRecord>, &str)) -> Ordering {
    let finite = |value: f64, least: f64| if value.is_finite() { value } else { least };
    let accuracy =
        |record: Option<&EpochRecord>| record.map_or(-1.0, |it| finite(it.validation.accuracy, -1.0));
    let loss = |record: Option<&EpochRecord>| {
        record.map_or(f64::INFINITY, |it| finite(it.validation.loss, f64::INFINITY))
    };
    let accuracies = accuracy(other.0).total_cmp(&accuracy(one.0));
    accuracies.then(loss(one.0).total_cmp(&loss(other.0))).then(one.1.cmp(other.1))
}
