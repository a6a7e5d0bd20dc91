//! The cost of a batch as a function of the layer's parameters, in f64, and its central differences.
//!
//! A parameter feeds one logit of each image. So moving one of the `K D + K` parameters costs `B K` operations
//! instead of `B K D`, and all 30,730 of CIFAR's are differenced in a fraction of a second: the logit is
//! moved, and the image's loss is computed anew from its K logits.

use rayon::prelude::*;

use crate::model::Standardization;
use crate::objective::{Loss, Objective};
use crate::samples::Samples;

/// `J = mean loss + lambda ||W||^2` of a batch, as a function of `[K, D]` weights followed by `[K]` biases.
#[derive(Clone, Debug)]
pub struct LayerCost {
    pub(super) objective: Objective,
    pub(super) classes: usize,
    features: usize,
    lambda: f64,
    /// `[B, D]`, standardized.
    images: Vec<f64>,
    /// `[B]`
    pub(super) labels: Vec<usize>,
    /// `[B]`: what the loss of each image is multiplied by.
    weights: Vec<f64>,
}

impl LayerCost {
    /// The cost, without penalty, of `samples`, each with a label below `classes`.
    pub fn new(
        samples: &Samples,
        standardization: &Standardization,
        classes: usize,
        objective: &Objective,
    ) -> Self {
        let Standardization { mean, std } = standardization;
        let standardized = |((x, &mean), &std)| (x - f64::from(mean)) / f64::from(std);
        let image = |index| samples.image(index).exact().zip(mean).zip(std).map(standardized);
        Self {
            objective: objective.clone(),
            classes,
            features: samples.features(),
            lambda: 0.0,
            images: (0..samples.len()).flat_map(image).collect(),
            labels: (0..samples.len()).map(|index| samples.label(index).into()).collect(),
            weights: (0..samples.len()).map(|index| samples.sample(index).weight.into()).collect(),
        }
    }

    /// The same with the penalty `lambda ||W||^2`. The type is that of [`Step::lambda`](crate::engine::Step), so
    /// that engines have the very same number.
    pub fn with_lambda(self, lambda: f32) -> Self {
        Self { lambda: lambda.into(), ..self }
    }

    /// The cost, computed from scratch.
    ///
    /// # Panics
    /// If there are not `K D + K` parameters.
    pub fn cost(&self, parameters: &[f64]) -> f64 {
        let losses = self
            .logits(parameters)
            .chunks_mut(self.classes)
            .zip(self.labels.iter().zip(&self.weights))
            .map(|(logits, (&label, weight))| weight * self.objective.loss_and_gradient(logits, label))
            .sum::<f64>();
        let squared_norm: f64 = self.weight(parameters).iter().map(|w| w * w).sum();
        losses / self.labels.len() as f64 + self.lambda * squared_norm
    }

    /// The cost's central differences in the parameters of these `indices`, on the threads of the rayon pool it is
    /// called in.
    ///
    /// Nothing analytic enters but the penalty, a polynomial: `lambda ((w + h)^2 - (w - h)^2)` is
    /// `lambda 2h 2w`. The images' losses are differenced one by one before they are summed, so that little
    /// cancels.
    ///
    /// # Panics
    /// If there are not `K D + K` parameters, or an index is not one of theirs.
    pub fn differences(&self, parameters: &[f64], step: f64, indices: &[usize]) -> Vec<f64> {
        let logits = self.logits(parameters);
        let difference = |moved: &mut Vec<f64>, &index: &usize| {
            let value = parameters[index];
            let (up, down) = (value + step, value - step);
            let mut losses = 0.0;
            for image in 0..self.labels.len() {
                let logits = &logits[image * self.classes..][..self.classes];
                let mut loss = |change: f64| {
                    moved.clear();
                    moved.extend_from_slice(logits);
                    let (class, input) = self.feeds(index, image);
                    moved[class] += change * input;
                    self.objective.loss_and_gradient(moved, self.labels[image])
                };
                losses += self.weights[image] * (loss(up - value) - loss(down - value));
            }
            let penalty = if self.is_weight(index) { self.lambda * (up + down) } else { 0.0 };
            losses / self.labels.len() as f64 / (up - down) + penalty
        };
        indices.par_iter().map_init(Vec::new, difference).collect()
    }

    /// For each parameter of `indices`, what a difference over a step h up and down may be off by because a kink of the loss
    /// lies within it: 0 but for hinge.
    ///
    /// The loss of an image is linear in a parameter except where a margin is 0. If moving the parameter by up to h can move
    /// a margin across 0, the difference has some part of that margin's slope, and the gradient has all of it or nothing:
    /// they differ by at most the slope, `|x^|` times the weights of image and class, over B.
    ///
    /// # Panics
    /// As [`LayerCost::differences`].
    pub fn kinks(&self, parameters: &[f64], step: f64, indices: &[usize]) -> Vec<f64> {
        if self.objective.loss != Loss::Hinge {
            return vec![0.0; indices.len()];
        }
        let logits = self.logits(parameters);
        let of_image = |index: usize, image: usize| {
            let (class, input) = self.feeds(index, image);
            let (label, logits) = (self.labels[image], &logits[image * self.classes..][..self.classes]);
            // The label's own logit moves every margin, that of another class its own.
            let moved = (0..self.classes).filter(|&k| k != label && (k == class || class == label));
            let reach = step * input.abs() * (1.0 + 1e-9);
            let crossed = moved.filter(|&k| (logits[k] - logits[label] + 1.0).abs() <= reach).count();
            let weight = self.weights[image] * f64::from(self.objective.class_weight(label));
            crossed as f64 * weight * input.abs()
        };
        let sum = |&index: &usize| (0..self.labels.len()).map(|image| of_image(index, image)).sum::<f64>();
        indices.par_iter().map(|index| sum(index) / self.labels.len() as f64).collect()
    }

    /// `logits [B, K] <- x^ [B, D] . weight^T + bias`
    pub(super) fn logits(&self, parameters: &[f64]) -> Vec<f64> {
        let weight = self.weight(parameters);
        let bias = &parameters[weight.len()..];
        assert_eq!(bias.len(), self.classes, "weights [K, D], then biases [K]");
        let dot = |w: &[f64], x: &[f64]| w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        let image = |x| weight.chunks(self.features).zip(bias).map(move |(w, b)| dot(w, x) + b);
        self.images.chunks(self.features).flat_map(image).collect()
    }

    /// The class whose logit parameter `index` feeds, and what `image` multiplies it by.
    pub(super) fn feeds(&self, index: usize, image: usize) -> (usize, f64) {
        if self.is_weight(index) {
            (index / self.features, self.images[image * self.features + index % self.features])
        } else {
            (index - self.classes * self.features, 1.0)
        }
    }

    fn is_weight(&self, index: usize) -> bool {
        index < self.classes * self.features
    }

    fn weight<'a>(&self, parameters: &'a [f64]) -> &'a [f64] {
        &parameters[..self.classes * self.features]
    }
}
