//! Softmax, cross-entropy and accuracy of sixteen images at a time: lanes run along the images.

use super::exp::exp;
use super::vector::{LANES, Lanes, Vector};

/// Logits in parts, of sixteen images and one run.
#[derive(Clone, Copy)]
pub(super) struct Partials<'a> {
    /// `[K]`
    pub(super) bias: &'a [f32],
    /// The logits' first part, `[K]`; each further one, of one feature block or of two, lies `stride` behind the one
    /// before.
    pub(super) logits: &'a [Lanes],
    pub(super) stride: usize,
    /// Whether parts are first added two by two: blocks 0 and 1, 2 and 3. If not, each part is of two blocks already.
    pub(super) in_pairs: bool,
}

/// `dlogits [K] <- softmax(bias + partial logits, two blocks by two) - y`: softmax cross-entropy's gradient, of sixteen
/// images.
#[inline(always)]
pub(super) fn softmax_cross_entropy<V: Vector>(
    isa: V::Isa,
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
        let sum = exponentials::<V>(isa, dlogits, part);
        let one = V::splat(isa, 1.0);
        let scale = one / sum;
        for (class, dlogit) in dlogits.iter_mut().enumerate() {
            let p = V::load(isa, dlogit, part) * scale;
            labels.if_equal(V::splat(isa, class as f32), p - one, p).store(dlogit, part);
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
pub(super) fn judge_softmax<V: Vector>(isa: V::Isa, logits: &mut [Lanes], labels: &[u8; LANES]) -> Judged {
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
