//! What a pass over many samples finds: the loss and its gradient.

use super::evaluation::Evaluation;

/// What [`Engine::gradient`](super::Engine::gradient) finds at some parameters: sums over the samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient {
    /// The losses, and what was predicted.
    pub evaluation: Evaluation,
    /// `[K, D]`: the gradient of the sum of the losses, by the weights.
    pub weight: Vec<f64>,
    /// `[K]`: the same by the bias.
    pub bias: Vec<f64>,
}

impl Gradient {
    /// That of no sample at all.
    pub(super) fn empty(classes: usize, features: usize) -> Self {
        let (weight, bias) = (vec![0.0; classes * features], vec![0.0; classes]);
        Self { evaluation: Evaluation::empty(classes), weight, bias }
    }
}
