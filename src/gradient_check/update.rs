//! The update, over steps of realistic size and many of them. One enormous step reads off the gradient, and hides what a
//! small one loses.
//!
//! The images are black and the mean is 0, so inputs are 0: weights only shrink, without momentum to
//! `W_T = (1 - 2 eta lambda)^T W_0`, and biases learn alone. T steps in f32 may be off by:
//!
//! - a weight: u of itself a step, where it is rounded, and a few u of what the step takes;
//! - the weights as a whole: as different weights are rounded independently of one another, `sum w e` of n weights is
//!   off by `6 T u sqrt(sum w^4)`, about `6 / sqrt(n)` of what it would be if all were rounded the same way (Hoeffding's
//!   inequality). This is what tells an update that rounds `1 - 2 eta lambda` beforehand. It holds where a step takes
//!   several units in the last place; what is below half a unit is beyond f32;
//! - a bias: in each step, by eta times the error of a mean of B dlogits, and by one rounding. Descent on a convex cost
//!   does not magnify errors: the norms of those of the steps add up. Biases are left out where the loss has kinks.
//!
//! Momentum m makes `1 / (1 - m)` of a gradient, and of its error, and as much again of the roundings of the velocity.

use super::criteria::{Criterion, Entry};
use super::tolerance::{BESIDE, Precision, UNIT_F32, gamma};
use crate::engine::{Batches, Engine, Step};
use crate::error::Result;
use crate::model::{Parameters, Standardization};
use crate::objective::{Loss, Objective};
use crate::samples::{Element, Rows, Samples};

/// What a step must take of a weight so that roundings of different weights are independent: some units in the last
/// place.
const SEVERAL_UNITS: f64 = 16.0 * UNIT_F32;
/// What may be flushed to zero.
const FLUSHED: f64 = 1e-30;

/// Steps on one batch of black images.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    /// The parameters before the first step.
    pub parameters: &'a Parameters,
    /// What is minimized.
    pub objective: &'a Objective,
    /// What the engine reads features as.
    pub element: Element,
    /// The labels of the batch, each below K.
    pub labels: &'a [u16],
    /// `[T]`
    pub steps: &'a [Step],
}

impl Update<'_> {
    /// The standardization that an engine must have: this one with a mean of 0.
    pub fn standardization(of: &Standardization) -> Standardization {
        Standardization { mean: vec![0.0; of.mean.len()], std: of.std.clone() }
    }

    /// The parameters after the steps, by an engine of one run with such a standardization.
    ///
    /// # Errors
    /// What the engine fails with.
    pub fn take(&self, engine: &mut dyn Engine) -> Result<Parameters> {
        let (images, features) = (self.labels.len(), self.parameters.features);
        let (black, zeros) = match self.element {
            Element::U8 => (vec![0; images * features], Vec::new()),
            Element::F32 => (Vec::new(), vec![0.0; images * features]),
        };
        let rows = match self.element {
            Element::U8 => Rows::contiguous(&black, features),
            Element::F32 => Rows::floats(&zeros, features),
        };
        let labels: Vec<[u8; 2]> = self.labels.iter().map(|label| label.to_le_bytes()).collect();
        let labels = Rows::contiguous(labels.as_flattened(), size_of::<u16>());
        let samples = Samples::new(rows, labels);
        let order: Vec<u32> = (0..images as u32).collect();
        engine.load(std::slice::from_ref(self.parameters));
        let order = order.repeat(self.steps.len());
        engine.train(&samples, Batches { order: &order, size: images, steps: self.steps })?;
        Ok(engine.parameters().swap_remove(0))
    }

    /// `found`, the parameters after the steps, in units of what rounding may do: the weights one by one and, as one more
    /// entry, as a whole; and the biases. An entry is of the change of a parameter.
    pub fn criterion(&self, found: &Parameters, precision: Precision) -> Criterion {
        let mut criterion = Criterion::new("update in units of its tolerance", 1.0);
        let Parameters { weight, bias, .. } = self.parameters;
        let mut count = |index, before: f64, exact: f64, found: f64, tolerance: f64| {
            let (analytic, numerical) = (found - before, exact - before);
            criterion.count(Entry { index, analytic, numerical, error: (found - exact).abs() / tolerance });
        };
        let steps = self.steps.len() as f64;
        let (mut left, mut velocity, mut taken, mut least) = (1.0, 0.0, 0.0, f64::INFINITY);
        for step in self.steps {
            let [eta, lambda, momentum] = [step.eta, step.lambda, step.momentum].map(f64::from);
            let shrinks = 2.0 * lambda * left;
            velocity = momentum * velocity + shrinks;
            left -= eta * (shrinks + momentum * velocity);
            taken += 2.0 * eta * lambda * amplification(step).powi(2);
            least = least.min(2.0 * eta * lambda);
        }
        // Of what a step takes, and of a weight that the engine scales and hands back.
        let beside = BESIDE as f64 * UNIT_F32 * (taken + 1.0);
        let (mut projected, mut squares, mut fourths) = (0.0, 0.0, 0.0);
        for (index, (&before, &found)) in weight.iter().zip(&found.weight).enumerate() {
            let (before, found) = (f64::from(before), f64::from(found));
            let exact = left * before;
            count(index, before, exact, found, (steps * UNIT_F32 + beside) * exact.abs() + FLUSHED);
            projected += before * found;
            squares += before.powi(2);
            fourths += before.powi(4);
        }
        if least >= SEVERAL_UNITS && squares > 0.0 {
            let independent = 6.0 * steps * UNIT_F32 * f64::sqrt(fourths) / squares;
            count(0, 1.0, left, projected / squares, (independent + beside) * left.abs() + FLUSHED);
        }
        if self.objective.loss == Loss::Hinge {
            return criterion;
        }
        let (exact, tolerance) = self.biases(precision);
        for (class, (exact, (&before, &found))) in exact.iter().zip(bias.iter().zip(&found.bias)).enumerate()
        {
            count(weight.len() + class, before.into(), *exact, found.into(), tolerance);
        }
        criterion
    }

    /// The biases after the steps in f64, and what each may be off by.
    fn biases(&self, precision: Precision) -> (Vec<f64>, f64) {
        let mut bias: Vec<f64> = self.parameters.bias.iter().map(|&b| b.into()).collect();
        let (classes, images) = (bias.len(), self.labels.len());
        let mut counts = vec![0.0; classes];
        self.labels.iter().for_each(|&label| counts[usize::from(label)] += 1.0 / images as f64);
        let heaviest = (0..classes).map(|class| self.objective.class_weight(class)).fold(0.0, f32::max);
        let roundings = gamma(classes + BESIDE, UNIT_F32) + gamma(images + BESIDE, UNIT_F32);
        let mut velocity = vec![0.0; classes];
        let mut tolerance = FLUSHED;
        for step in self.steps {
            let (low, high) =
                bias.iter().fold((f64::MAX, f64::MIN), |(low, high), &b| (low.min(b), high.max(b)));
            let of_dlogits = roundings + UNIT_F32 * (high - low) + precision.quantum;
            let (eta, momentum) = (f64::from(step.eta), f64::from(step.momentum));
            let of_gradient = eta * f64::from(heaviest) * of_dlogits * amplification(step).powi(2);
            let of_step = of_gradient + UNIT_F32 * low.abs().max(high.abs());
            tolerance += f64::sqrt(classes as f64) * of_step;
            let mut mean = vec![0.0; classes];
            for (label, share) in counts.iter().enumerate().filter(|(_, share)| **share > 0.0) {
                let mut dlogits = bias.clone();
                self.objective.loss_and_gradient(&mut dlogits, label);
                mean.iter_mut().zip(dlogits).for_each(|(mean, dlogit)| *mean += share * dlogit);
            }
            for ((b, velocity), g) in bias.iter_mut().zip(&mut velocity).zip(mean) {
                *velocity = momentum * *velocity + g;
                *b -= eta * (g + momentum * *velocity);
            }
        }
        (bias, tolerance)
    }
}

/// What momentum makes of an error of one gradient, over all later steps.
fn amplification(step: &Step) -> f64 {
    1.0 / (1.0 - f64::from(step.momentum))
}
