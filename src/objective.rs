//! What training minimizes: the loss of one image as a function of its logits, and the loss's gradient; and the
//! class probabilities that the same logits stand for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The loss of an image, given its K logits and its label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Objective {
    /// Cross-entropy of the softmax: `-ln softmax(logits)[label]`.
    #[default]
    Softmax,
}

impl Objective {
    /// Every objective.
    pub const ALL: [Self; 1] = [Self::Softmax];

    /// Its name in settings and model files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
        }
    }

    /// The loss of an image whose K logits are equal: that of guessing.
    pub fn guessing(self, classes: usize) -> f64 {
        match self {
            Self::Softmax => libm::log(classes as f64),
        }
    }

    /// The defining formula, in f64: the loss in nats; `logits` becomes `dlogits`, the loss's gradient.
    ///
    /// For softmax cross-entropy `dlogits = p - y`, with `p = softmax(logits)` and `y` the label's one-hot
    /// vector. The maximum is subtracted first, so logits of any size are safe.
    ///
    /// # Panics
    /// If `label` is not below the number of logits.
    pub fn loss_and_gradient(self, logits: &mut [f64], label: usize) -> f64 {
        match self {
            Self::Softmax => {
                let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let label_logit = logits[label] - max;
                let mut sum = 0.0;
                for logit in logits.iter_mut() {
                    *logit = libm::exp(*logit - max);
                    sum += *logit;
                }
                for p in logits.iter_mut() {
                    *p /= sum;
                }
                logits[label] -= 1.0;
                libm::log(sum) - label_logit
            }
        }
    }

    /// `p [K] <- softmax(logits [K])`, in f64: how probable a model with these logits holds each class to be.
    pub fn probabilities(self, logits: &[f32]) -> Vec<f64> {
        match self {
            Self::Softmax => {
                let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let mut p: Vec<f64> = logits.iter().map(|&logit| f64::from(logit - max).exp()).collect();
                let sum: f64 = p.iter().sum();
                p.iter_mut().for_each(|p| *p /= sum);
                p
            }
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Objective {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|objective| objective.name() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_logits_lose_ln_k() {
        let mut logits = [3.0; 4];
        let loss = Objective::Softmax.loss_and_gradient(&mut logits, 2);
        assert!((loss - 4f64.ln()).abs() < 1e-15);
        assert_eq!(logits, [0.25, 0.25, -0.75, 0.25]);
    }

    #[test]
    fn huge_logits_are_safe() {
        let mut logits = [1e300, -1e300, 0.0];
        assert_eq!(Objective::Softmax.loss_and_gradient(&mut logits, 0), 0.0);
        assert_eq!(logits, [0.0, 0.0, 0.0]);
    }
}
