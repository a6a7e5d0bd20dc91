//! From the logits of one sample and one run to the gradient, for training, or the loss, for evaluation. A label that is
//! not below K panics.

use crate::objective::{Loss, Objective};

/// `dlogits [K] <- scale dloss/dlogits`, in place of `logits`. The class's weight is part of the gradient.
pub(super) fn gradient(objective: &Objective, logits: &mut [f32], label: usize, scale: f32) {
    assert!(label < logits.len(), "a label that is no class");
    let scale = scale * objective.class_weight(label);
    match objective.loss {
        Loss::Softmax => {
            let [hit, miss] = objective.targets(logits.len()).map(|target| scale * target as f32);
            let max = maximum(logits);
            let mut sum = 0.0;
            for logit in logits.iter_mut() {
                *logit = (*logit - max).exp();
                sum += *logit;
            }
            let normalize = scale / sum;
            for (class, p) in logits.iter_mut().enumerate() {
                *p = *p * normalize - if class == label { hit } else { miss };
            }
        }
        Loss::Hinge => {
            let bound = logits[label] - 1.0;
            let mut count = 0.0;
            for (class, logit) in logits.iter_mut().enumerate() {
                let counts = class != label && *logit > bound;
                *logit = if counts { scale } else { 0.0 };
                count += f32::from(u8::from(counts));
            }
            logits[label] = -count * scale;
        }
        Loss::Sigmoid => {
            let scale = scale / logits.len() as f32;
            for (class, logit) in logits.iter_mut().enumerate() {
                let e = (-logit.abs()).exp();
                let p = if *logit < 0.0 { e } else { 1.0 } / (1.0 + e);
                *logit = scale * if class == label { p - 1.0 } else { p };
            }
        }
    }
}

/// The loss of a sample with these logits. The class's weight is part of it.
pub(super) fn loss(objective: &Objective, logits: &[f32], label: usize) -> f64 {
    let loss = match objective.loss {
        Loss::Softmax => {
            let [hit, miss] = objective.targets(logits.len());
            let max = maximum(logits);
            let sum: f32 = logits.iter().map(|logit| (logit - max).exp()).sum();
            let of_label = f64::from(logits[label] - max);
            let aim = match miss {
                0.0 => of_label,
                _ => {
                    let all: f64 = logits.iter().map(|logit| f64::from(logit - max)).sum();
                    hit * of_label + miss * (all - of_label)
                }
            };
            f64::from(sum).ln() - aim
        }
        Loss::Hinge => {
            let bound = logits[label] - 1.0;
            let margin = |(class, &logit)| if class == label { 0.0 } else { above_zero(logit - bound) };
            logits.iter().enumerate().map(margin).map(f64::from).sum()
        }
        Loss::Sigmoid => {
            let soft = |&logit: &f32| f64::from(above_zero(logit)) + f64::from((-logit.abs()).exp()).ln_1p();
            (logits.iter().map(soft).sum::<f64>() - f64::from(logits[label])) / logits.len() as f64
        }
    };
    f64::from(objective.class_weight(label)) * loss
}

/// `max(0, x)`; NaN for NaN.
fn above_zero(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

fn maximum(logits: &[f32]) -> f32 {
    logits.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}
