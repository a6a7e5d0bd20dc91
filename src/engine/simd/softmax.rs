//! Softmax, cross-entropy and accuracy of sixteen images at a time: lanes run along the images.

use super::exp::exp;
use super::vector::{LANES, Lanes, Vector};

/// Softmax cross-entropy's gradient. `logits [K]`, of sixteen images, become `dlogits = p - y`.
#[inline(always)]
pub(super) fn dlogits<V: Vector>(isa: V::Isa, logits: &mut [Lanes], labels: &[u8; LANES]) {
    for part in 0..V::PARTS {
        let labels = V::bytes(isa, labels, part);
        let sum = exponentials::<V>(isa, logits, part);
        let one = V::splat(isa, 1.0);
        let scale = one / sum;
        for (class, logit) in logits.iter_mut().enumerate() {
            let p = V::load(isa, logit, part) * scale;
            let dlogit = labels.if_equal(V::splat(isa, class as f32), p - one, p);
            dlogit.store(logit, part);
        }
    }
}

/// What is left of the logits of sixteen images when they have been judged.
pub(super) struct Judged {
    /// The sum over the classes of `e^(logit - max)`: 1 to K.
    pub(super) sum: Lanes,
    /// The label's logit less the largest one. The loss is `ln sum - label`.
    pub(super) label: Lanes,
    /// The class of the largest logit, the first of several equal ones.
    pub(super) predicted: Lanes,
}

/// Judges the `logits [K]` of sixteen images, which it uses up.
#[inline(always)]
pub(super) fn judge<V: Vector>(isa: V::Isa, logits: &mut [Lanes], labels: &[u8; LANES]) -> Judged {
    let mut judged = Judged { sum: Lanes::ZERO, label: Lanes::ZERO, predicted: Lanes::ZERO };
    for part in 0..V::PARTS {
        let labels = V::bytes(isa, labels, part);
        let mut max = V::splat(isa, f32::NEG_INFINITY);
        let (mut predicted, mut label) = (V::splat(isa, 0.0), V::splat(isa, 0.0));
        for (class, logit) in logits.iter().enumerate() {
            let logit = V::load(isa, logit, part);
            let class = V::splat(isa, class as f32);
            predicted = max.if_less(logit, class, predicted);
            max = max.if_less(logit, logit, max);
            label = labels.if_equal(class, logit, label);
        }
        (label - max).store(&mut judged.label, part);
        predicted.store(&mut judged.predicted, part);
        exponentials::<V>(isa, logits, part).store(&mut judged.sum, part);
    }
    judged
}

/// `logits [K] <- e^(logits - max)`, and their sum.
#[inline(always)]
fn exponentials<V: Vector>(isa: V::Isa, logits: &mut [Lanes], part: usize) -> V {
    let mut max = V::splat(isa, f32::NEG_INFINITY);
    for logit in logits.iter() {
        max = V::load(isa, logit, part).max(max);
    }
    let mut sum = V::splat(isa, 0.0);
    for logit in logits.iter_mut() {
        let exponential = exp(isa, V::load(isa, logit, part) - max);
        exponential.store(logit, part);
        sum = sum + exponential;
    }
    sum
}
