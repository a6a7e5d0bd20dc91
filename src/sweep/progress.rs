//! How a caller watches a sweep and stops it.

use super::halving::Rung;
use crate::train::EpochRecord;

/// Watches a sweep and stops it. `()` watches nothing.
pub trait Watch: Send {
    /// Sees how far the sweep is, after each slice of training and each evaluation.
    fn progress(&mut self, _progress: &Progress) {}

    /// Whether to stop here. Asked some 40 times a second by each thread.
    fn stop(&mut self) -> bool {
        false
    }
}

impl Watch for () {}

/// How a stretch of a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All runs have ended.
    Finished,
    /// [`Watch::stop`] said so.
    Stopped,
    /// The runs of a shard have come to a rung, after which it takes all shards to decide which of them go on.
    Waiting(Rung),
}

/// How far a sweep is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// The images that were trained so far, those of each run counted; runs that ended early count as a whole.
    pub images: u64,
    /// All of them, if no run diverges.
    pub all: u64,
    /// The runs that still go on.
    pub alive: usize,
    /// The runs that ended.
    pub ended: usize,
    /// The last epoch that some run reached.
    pub epoch: usize,
    /// The highest validation accuracy of any run so far, and the loss that came with it.
    pub best: Option<(f64, f64)>,
}

impl Progress {
    /// Notes what a run reached.
    pub(super) fn note(&mut self, record: &EpochRecord) {
        self.epoch = self.epoch.max(record.epoch);
        let (accuracy, loss) = (record.validation.accuracy, record.validation.loss);
        if self.best.is_none_or(|(best, _)| accuracy > best) {
            self.best = Some((accuracy, loss));
        }
    }
}
