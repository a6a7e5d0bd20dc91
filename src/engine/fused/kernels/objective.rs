//! The loss of sixteen samples at a time and its gradient: lanes run along the samples.

use super::exp::exp;
use super::ln::ln_1p;
use crate::engine::fused::isa::vector::{LANES, Lanes, Vector};
use crate::objective::{Loss, Objective};

/// A loss, and the targets of a class in f32.
#[derive(Clone, Copy)]
pub(crate) struct Aim {
    loss: Loss,
    /// The target of the label.
    hit: f32,
    /// The target of every other class.
    miss: f32,
}

impl Aim {
    pub(crate) fn new(objective: &Objective, classes: usize) -> Self {
        let [hit, miss] = objective.targets(classes).map(|target| target as f32);
        Self { loss: objective.loss, hit, miss }
    }
}

/// The labels of sixteen samples, and what their losses are multiplied by.
#[derive(Clone, Copy)]
pub(crate) struct Labels {
    pub(crate) classes: Lanes,
    pub(crate) weights: Lanes,
}

impl Labels {
    /// Those of up to sixteen samples. The other lanes have label 0 and weight 0.
    #[inline]
    pub(crate) fn new(samples: impl IntoIterator<Item = (u16, f32)>) -> Self {
        let mut labels = Self { classes: Lanes::ZERO, weights: Lanes::ZERO };
        for (lane, (label, weight)) in samples.into_iter().take(LANES).enumerate() {
            (labels.classes.0[lane], labels.weights.0[lane]) = (label.into(), weight);
        }
        labels
    }
}

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

/// `dlogits [K] <- weight dloss/dlogits`, of sixteen samples, at the logits that are the bias plus the sum of the partial
/// logits, two blocks by two.
#[inline(always)]
pub(crate) fn gradient<V: Vector>(
    isa: V::Isa,
    aim: Aim,
    partials: Partials,
    labels: &Labels,
    dlogits: &mut [Lanes],
) {
    for part in 0..V::PARTS {
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
        let [labels, weights] = [labels.classes, labels.weights].map(|lanes| V::load(isa, &lanes, part));
        match aim.loss {
            Loss::Softmax => softmax_gradient(isa, aim, [labels, weights], dlogits, part),
            Loss::Hinge => hinge_gradient(isa, [labels, weights], dlogits, part),
            Loss::Sigmoid => sigmoid_gradient(isa, [labels, weights], dlogits, part),
        }
    }
}

/// `dlogits [K] <- weight (softmax(dlogits) - t)`
#[inline(always)]
fn softmax_gradient<V: Vector>(
    isa: V::Isa,
    aim: Aim,
    [labels, weights]: [V; 2],
    dlogits: &mut [Lanes],
    part: usize,
) {
    let sum = exponentials::<V>(isa, dlogits, part);
    let [one, hit, miss] = [1.0, aim.hit, aim.miss].map(|value| V::splat(isa, value));
    let scale = one / sum;
    for (class, dlogit) in dlogits.iter_mut().enumerate() {
        let p = V::load(isa, dlogit, part) * scale;
        let difference = labels.if_equal(V::splat(isa, class as f32), p - hit, p - miss);
        (weights * difference).store(dlogit, part);
    }
}

/// `dlogits [K] <- weight` where a class other than the label has a margin above 0, else 0; the label's is minus their sum.
#[inline(always)]
fn hinge_gradient<V: Vector>(isa: V::Isa, [labels, weights]: [V; 2], dlogits: &mut [Lanes], part: usize) {
    let [zero, one] = [0.0, 1.0].map(|value| V::splat(isa, value));
    let bound = logit_of(isa, labels, dlogits, part) - one;
    let mut count = zero;
    for (class, dlogit) in dlogits.iter_mut().enumerate() {
        let inside = bound.if_less(V::load(isa, dlogit, part), one, zero);
        let inside = labels.if_equal(V::splat(isa, class as f32), zero, inside);
        count = count + inside;
        inside.store(dlogit, part);
    }
    for (class, dlogit) in dlogits.iter_mut().enumerate() {
        let inside = V::load(isa, dlogit, part);
        let dlogit_or_count = labels.if_equal(V::splat(isa, class as f32), zero - count, inside);
        (weights * dlogit_or_count).store(dlogit, part);
    }
}

/// `dlogits [K] <- weight (sigmoid(dlogits) - y) / K`
#[inline(always)]
fn sigmoid_gradient<V: Vector>(isa: V::Isa, [labels, weights]: [V; 2], dlogits: &mut [Lanes], part: usize) {
    let [zero, one] = [0.0, 1.0].map(|value| V::splat(isa, value));
    let scale = weights * V::splat(isa, 1.0 / dlogits.len() as f32);
    for (class, dlogit) in dlogits.iter_mut().enumerate() {
        let logit = V::load(isa, dlogit, part);
        let e = exp(isa, zero - magnitude(isa, logit));
        let p = logit.if_less(zero, e, one) / (one + e);
        let difference = labels.if_equal(V::splat(isa, class as f32), p - one, p);
        (scale * difference).store(dlogit, part);
    }
}

/// The losses of sixteen samples, and their predicted classes. A loss is `ln(sum) - aim`; the weight is not part of it.
pub(crate) struct Score {
    /// 1 to K: for softmax the sum over the classes of `e^(logit - max)`, else 1.
    pub(crate) sum: Lanes,
    /// For softmax `sum_k t_k (logit_k - max)`, else minus the loss.
    pub(crate) aim: Lanes,
    /// The class of the largest logit, the first of several equal ones.
    pub(crate) predicted: Lanes,
}

/// The score of the `logits [K]` of sixteen samples. Overwrites the logits.
#[inline(always)]
pub(crate) fn score<V: Vector>(isa: V::Isa, aim: Aim, logits: &mut [Lanes], labels: &Lanes) -> Score {
    let mut score = Score { sum: Lanes([1.0; LANES]), aim: Lanes::ZERO, predicted: Lanes::ZERO };
    for part in 0..V::PARTS {
        let labels = V::load(isa, labels, part);
        let mut max = V::splat(isa, f32::NEG_INFINITY);
        let mut predicted = V::splat(isa, 0.0);
        for (class, logit) in logits.iter().enumerate() {
            let logit = V::load(isa, logit, part);
            predicted = max.if_less(logit, V::splat(isa, class as f32), predicted);
            max = max.if_less(logit, logit, max);
        }
        predicted.store(&mut score.predicted, part);
        let of_label = logit_of(isa, labels, logits, part);
        let of_sample = match aim.loss {
            Loss::Softmax => {
                let of_sample = softmax_aim(isa, aim, [labels, of_label, max], logits, part);
                exponentials::<V>(isa, logits, part).store(&mut score.sum, part);
                of_sample
            }
            Loss::Hinge => hinge_aim(isa, [labels, of_label], logits, part),
            Loss::Sigmoid => sigmoid_aim(isa, of_label, logits, part),
        };
        of_sample.store(&mut score.aim, part);
    }
    score
}

/// `sum_k t_k (logit_k - max)`
#[inline(always)]
fn softmax_aim<V: Vector>(
    isa: V::Isa,
    aim: Aim,
    [labels, of_label, max]: [V; 3],
    logits: &[Lanes],
    part: usize,
) -> V {
    let of_label = of_label - max;
    if aim.miss == 0.0 {
        return of_label;
    }
    let [zero, hit, miss] = [0.0, aim.hit, aim.miss].map(|value| V::splat(isa, value));
    let mut others = zero;
    for (class, logit) in logits.iter().enumerate() {
        let other = V::load(isa, logit, part) - max;
        others = others + labels.if_equal(V::splat(isa, class as f32), zero, other);
    }
    hit.mul_add(of_label, miss * others)
}

/// `-sum max(0, logit - logit_of_label + 1)`, over the classes other than the label.
#[inline(always)]
fn hinge_aim<V: Vector>(isa: V::Isa, [labels, of_label]: [V; 2], logits: &[Lanes], part: usize) -> V {
    let [zero, one] = [0.0, 1.0].map(|value| V::splat(isa, value));
    let (bound, mut sum) = (of_label - one, zero);
    for (class, logit) in logits.iter().enumerate() {
        // In this order, what is no number is not taken for 0.
        let margin = zero.max(V::load(isa, logit, part) - bound);
        sum = sum + labels.if_equal(V::splat(isa, class as f32), zero, margin);
    }
    zero - sum
}

/// `-(1/K) (sum_k ln(1 + e^logit) - logit_of_label)`
#[inline(always)]
fn sigmoid_aim<V: Vector>(isa: V::Isa, of_label: V, logits: &[Lanes], part: usize) -> V {
    let (zero, mut sum) = (V::splat(isa, 0.0), V::splat(isa, 0.0));
    for logit in logits {
        let logit = V::load(isa, logit, part);
        let e = exp(isa, zero - magnitude(isa, logit));
        sum = sum + (zero.max(logit) + ln_1p(isa, e));
    }
    (of_label - sum) * V::splat(isa, 1.0 / logits.len() as f32)
}

/// The logits of the labels.
#[inline(always)]
fn logit_of<V: Vector>(isa: V::Isa, labels: V, logits: &[Lanes], part: usize) -> V {
    let mut of_label = V::splat(isa, 0.0);
    for (class, logit) in logits.iter().enumerate() {
        of_label = labels.if_equal(V::splat(isa, class as f32), V::load(isa, logit, part), of_label);
    }
    of_label
}

/// `|x|`; NaN for NaN.
#[inline(always)]
fn magnitude<V: Vector>(isa: V::Isa, x: V) -> V {
    x.max(V::splat(isa, 0.0) - x)
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
