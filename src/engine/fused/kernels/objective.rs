//! The loss of sixteen images at a time and its gradient: lanes run along the images.

use super::exp::exp;
use crate::engine::fused::isa::vector::{LANES, Lanes, Vector};
use crate::objective::Objective;

/// The partial logits of sixteen images and one run.
#[derive(Clone, Copy)]
pub(crate) struct Partials<'a> {
    /// `[K]`
    pub(crate) bias: &'a [f32],
    /// Begins with the first part, `[K]`. Each part is of one feature block or of two, and begins `stride` after the
    /// part before it.
    pub(crate) logits: &'a [Lanes],
    pub(crate) stride: usize,
    /// Whether parts are of one block each and must first be added in pairs: blocks 0 and 1, 2 and 3.
    pub(crate) in_pairs: bool,
}

/// `dlogits [K] <- dloss/dlogits`, of sixteen images, at the logits that are the bias plus the sum of the partial
/// logits, two blocks by two.
#[inline(always)]
pub(crate) fn gradient<V: Vector>(
    isa: V::Isa,
    objective: Objective,
    partials: Partials,
    labels: &[u8; LANES],
    dlogits: &mut [Lanes],
) {
    for part in 0..V::PARTS {
        let labels = V::bytes(isa, labels, part);
        for (class, (logit, &bias)) in dlogits.iter_mut().zip(partials.bias).enumerate() {
            let mut sum = V::splat(isa, bias);
            let mut parts = partials.logits[class..].iter().step_by(partials.stride);
            while let Some(first) = parts.next() {
                let first = V::load(isa, first, part);
                let second = if partials.in_pairs { parts.next() } else { None };
                sum = sum + second.map_or(first, |second| first + V::load(isa, second, part));
            }
            sum.store(logit, part);
        }
        match objective {
            Objective::SoftmaxCrossEntropy => softmax_gradient(isa, labels, dlogits, part),
        }
    }
}

/// `dlogits [K] <- softmax(dlogits) - y`
#[inline(always)]
fn softmax_gradient<V: Vector>(isa: V::Isa, labels: V, dlogits: &mut [Lanes], part: usize) {
    let sum = exponentials::<V>(isa, dlogits, part);
    let one = V::splat(isa, 1.0);
    let scale = one / sum;
    for (class, dlogit) in dlogits.iter_mut().enumerate() {
        let p = V::load(isa, dlogit, part) * scale;
        labels.if_equal(V::splat(isa, class as f32), p - one, p).store(dlogit, part);
    }
}

/// The losses of sixteen images, and their predicted classes.
pub(crate) struct Score {
    /// The sum over the classes of `e^(logit - max)`: 1 to K.
    pub(crate) sum: Lanes,
    /// The logit of the label minus the largest logit. The loss is `ln sum - label`.
    pub(crate) label: Lanes,
    /// The class of the largest logit, the first of several equal ones.
    pub(crate) predicted: Lanes,
}

/// The score of the `logits [K]` of sixteen images. Overwrites the logits.
#[inline(always)]
pub(crate) fn score<V: Vector>(
    isa: V::Isa,
    objective: Objective,
    logits: &mut [Lanes],
    labels: &[u8; LANES],
) -> Score {
    let mut score = Score { sum: Lanes::ZERO, label: Lanes::ZERO, predicted: Lanes::ZERO };
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
        (label - max).store(&mut score.label, part);
        predicted.store(&mut score.predicted, part);
        match objective {
            Objective::SoftmaxCrossEntropy => {
                exponentials::<V>(isa, logits, part).store(&mut score.sum, part);
            }
        }
    }
    score
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
