//! How a caller watches training and stops it.

use super::history::EpochRecord;

/// Watches a session and stops it. `()` watches nothing.
pub trait Control: Send {
    /// Sees how many images were trained since it was told before.
    fn trained(&mut self, _images: usize) {}

    /// Sees the newest record of every run after each evaluation of the two splits.
    fn evaluated(&mut self, _records: &[EpochRecord]) {}

    /// Whether to stop here. Asked at the end of each slice of training or of an evaluation, some 40 times a second.
    fn stop(&mut self) -> bool {
        false
    }
}

impl Control for () {}

/// How a stretch of training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// No run has anything left to train.
    Finished,
    /// [`Control::stop`] said so.
    Stopped,
}
