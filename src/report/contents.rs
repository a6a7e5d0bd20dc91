//! What a report is made from.

use super::{Confusion, TrueClassProbabilities};
use crate::engine::Counts;
use crate::gradient_check::Criterion;
use crate::model::Parameters;
use crate::train::RunRecord;

/// One or more finished runs on the same data.
#[derive(Clone, Copy)]
pub struct Contents<'a> {
    /// The runs, in the order of the tables.
    pub runs: &'a [RunDetails<'a>],
    /// The gradient check, its absolute criterion first; empty where the gradient was not checked.
    pub gradients: &'a [Criterion],
    /// The machine: processor and cores.
    pub machine: &'a str,
    /// The command that makes these runs again.
    pub command: &'a str,
}

/// A run, with what its record does not hold.
#[derive(Clone, Copy)]
pub struct RunDetails<'a> {
    /// What `run.json` holds.
    pub record: &'a RunRecord,
    /// The trained parameters.
    pub parameters: &'a Parameters,
    /// What it predicts of the test split.
    pub counts: &'a Counts,
    /// The probabilities given to the true classes of the test split; none where scores are no probabilities.
    pub probabilities: Option<&'a TrueClassProbabilities>,
    /// The folder of the run's figures, relative to the report: empty, or it ends with a slash.
    pub folder: &'a str,
}

impl<'a> RunDetails<'a> {
    /// The confusion matrix with the names of its classes.
    pub fn confusion(&self) -> Confusion<'a> {
        Confusion::new(&self.record.dataset.classes, self.counts)
    }
}
