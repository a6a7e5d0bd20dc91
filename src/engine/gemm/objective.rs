//! From the logits of one image and one run to the gradient, for training, or the loss, for evaluation. A label that is
//! not below K panics.

use crate::objective::Objective;

/// `dlogits [K] <- scale dloss/dlogits`, in place of `logits`.
pub(super) fn gradient(objective: Objective, logits: &mut [f32], label: usize, scale: f32) {
    match objective {
        Objective::Softmax => {
            let max = maximum(logits);
            let mut sum = 0.0;
            for logit in logits.iter_mut() {
                *logit = (*logit - max).exp();
                sum += *logit;
            }
            let normalize = scale / sum;
            for p in logits.iter_mut() {
                *p *= normalize;
            }
            logits[label] -= scale;
        }
    }
}

/// The loss in nats of an image with these logits.
pub(super) fn loss(objective: Objective, logits: &[f32], label: usize) -> f64 {
    match objective {
        Objective::Softmax => {
            let max = maximum(logits);
            let sum: f32 = logits.iter().map(|logit| (logit - max).exp()).sum();
            f64::from(sum).ln() - f64::from(logits[label] - max)
        }
    }
}

fn maximum(logits: &[f32]) -> f32 {
    logits.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}
