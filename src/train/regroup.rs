//! Runs leave their sessions, and go on in others: the bits of a run do not depend on those beside it.

use std::path::PathBuf;

use super::checkpoint::Checkpoint;
use super::reached::Reached;

impl Checkpoint {
    /// The checkpoint of the runs at these places alone.
    ///
    /// # Panics
    /// As [`Checkpoint::gather`].
    pub fn select(&self, places: &[usize]) -> Self {
        Self::gather(&places.iter().map(|&place| (self, place)).collect::<Vec<_>>())
    }

    /// The checkpoint of the runs that `picks` names, each by a checkpoint and its place there. A session goes on from it
    /// as each of theirs would have.
    ///
    /// # Panics
    /// If there is no pick, a place is none, or the checkpoints are of different moments of training, engines or data.
    pub fn gather(picks: &[(&Self, usize)]) -> Self {
        let first = picks.first().expect("at least one run").0;
        let moment = |checkpoint: &Self| (checkpoint.reached.epoch, checkpoint.reached.images);
        for (checkpoint, _) in picks {
            assert_eq!(moment(checkpoint), moment(first), "checkpoints of one moment");
            assert_eq!(checkpoint.engine, first.engine, "checkpoints of one engine");
            assert_eq!(checkpoint.data, first.data, "checkpoints of the same images");
        }
        Self {
            runs: picks.iter().map(|(from, run)| from.runs[*run].clone()).collect(),
            every: first.every,
            engine: first.engine.clone(),
            data: first.data.clone(),
            notes: first.notes.clone(),
            reached: Reached {
                histories: picks.iter().map(|(from, run)| from.reached.histories[*run].clone()).collect(),
                fates: picks.iter().map(|(from, run)| from.reached.fates[*run]).collect(),
                phases: Vec::new(),
                ..first.reached
            },
            last: picks.iter().map(|(from, run)| from.last[*run].clone()).collect(),
            best: picks.iter().map(|(from, run)| from.best[*run].clone()).collect(),
            descents: picks.iter().filter_map(|(from, run)| from.descents.get(*run).cloned()).collect(),
            states: picks.iter().map(|(from, run)| from.states[*run].clone()).collect(),
            path: PathBuf::new(),
        }
    }
}
