//! What training reached, epoch by epoch.

use serde::{Deserialize, Serialize};

use crate::engine::Evaluation;
use crate::model::Model;

/// How good a model is on a split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// The mean cross-entropy, in nats.
    #[serde(deserialize_with = "null_is_nan")]
    pub loss: f64,
    /// The loss plus `lambda ||W||^2`: what training minimizes.
    #[serde(deserialize_with = "null_is_nan")]
    pub cost: f64,
    /// The fraction of images whose most probable class is the true one.
    #[serde(deserialize_with = "null_is_nan")]
    pub accuracy: f64,
    /// The fraction of images whose true class is among the five most probable ones; of few classes nobody asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top5: Option<f64>,
}

impl Metrics {
    /// The metrics of an evaluation; `penalty` is `lambda ||W||^2`.
    pub fn new(evaluation: &Evaluation, penalty: f64) -> Self {
        let images = evaluation.images() as f64;
        let loss = evaluation.loss_sum / images;
        Self { loss, cost: loss + penalty, accuracy: evaluation.correct() as f64 / images, top5: None }
    }

    /// The metrics of an evaluation of `model`, whose cost has the penalty that it was trained with.
    pub fn of_model(evaluation: &Evaluation, model: &Model) -> Self {
        Self::new(evaluation, model.lambda() * model.parameters.squared_norm())
    }

    /// Those of a model that there is not.
    pub const NONE: Self = Self { loss: f64::NAN, cost: f64::NAN, accuracy: f64::NAN, top5: None };
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It trains, or has trained to its last epoch.
    Running,
    /// Its cost or its parameters are no longer finite, or its cost ended above ten times the loss of guessing.
    Diverged {
        /// The epoch in which that was found, counted from 1.
        epoch: usize,
    },
    /// Its validation loss had no new minimum for as many evaluations as [`Settings::early_stop`] says.
    ///
    /// [`Settings::early_stop`]: super::Settings::early_stop
    Early {
        /// The epoch after which it stopped.
        epoch: usize,
    },
    /// L-BFGS came to where no entry of the gradient is larger than [`Settings::tol`].
    ///
    /// [`Settings::tol`]: super::Settings::tol
    Converged {
        /// The iteration after which it did.
        epoch: usize,
    },
    /// L-BFGS found no step to a lower cost: what is left to gain is below what rounding hides.
    Stuck {
        /// The iteration in which it found none.
        epoch: usize,
    },
}

impl Fate {
    /// Whether it diverged.
    pub fn is_diverged(self) -> bool {
        matches!(self, Self::Diverged { .. })
    }

    /// The epoch in which it ended, if it has before the last one.
    pub fn epoch(self) -> Option<usize> {
        match self {
            Self::Running => None,
            Self::Diverged { epoch }
            | Self::Early { epoch }
            | Self::Converged { epoch }
            | Self::Stuck { epoch } => Some(epoch),
        }
    }

    /// Notes whether the run, if it still trains, is finite after `epoch`.
    pub(super) fn note(&mut self, epoch: usize, finite: bool) {
        if *self == Self::Running && !finite {
            *self = Self::Diverged { epoch };
        }
    }
}

/// The seconds that an epoch took. Runs trained side by side share them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochSeconds {
    /// Training: all epochs since the last evaluation.
    pub train: f64,
    /// Evaluating both splits.
    pub evaluate: f64,
}

/// One line of a run's history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch after which the splits were evaluated, counted from 1.
    pub epoch: usize,
    /// On the whole training split.
    pub train: Metrics,
    /// On the whole validation split.
    pub validation: Metrics,
    /// What it took.
    pub seconds: EpochSeconds,
}

/// JSON has no number for what is not finite; it is written as null.
pub(crate) fn null_is_nan<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}
