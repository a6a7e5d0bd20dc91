//! What the report of a sweep is made from.

use crate::sweep::{Outcome, SweepRecord};

/// What the report of a sweep is made from.
#[derive(Clone, Copy)]
pub struct SweepContents<'a> {
    /// What `sweep.json` holds.
    pub record: &'a SweepRecord,
    /// What became of each run, the best first, as the record has them.
    pub outcomes: &'a [&'a Outcome],
    /// The command that makes it again.
    pub command: &'a str,
}

/// The figures, as text of SVG files.
pub(super) struct Figures {
    /// Accuracy and loss; none where the runs differ in no setting.
    pub(super) maps: Option<[String; 2]>,
    /// None where no run was evaluated.
    pub(super) curves: Option<String>,
}

/// The settings that the map is drawn over: eta and lambda where these vary, else the first that do.
pub(super) fn axes(varied: &[&'static str]) -> Vec<&'static str> {
    let preferred = ["eta", "lambda"].into_iter().filter(|name| varied.contains(name));
    let others = varied.iter().copied().filter(|name| !["eta", "lambda"].contains(name));
    preferred.chain(others).take(2).collect()
}
