//! Numerical gradients of every step size, in f64 and in f32: why a gradient check can look unstable.

use std::ops::{Add, Div, Mul, Sub};

use rand::SeedableRng;
use rand::seq::index;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::Serialize;

use super::LayerCost;

/// The largest error of each kind of difference, step by step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepSweep {
    /// The images of the batch.
    pub images: usize,
    /// The parameters that were moved, drawn at random.
    pub parameters: usize,
    /// A row for each step, from 1e-1 to 1e-12.
    pub rows: Vec<SweepRow>,
}

/// The largest absolute errors over the parameters, for one step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SweepRow {
    /// h
    pub step: f64,
    /// `(J(w + h) - J(w)) / h` in f64.
    pub forward_f64: f64,
    /// `(J(w + h) - J(w - h)) / 2h` in f64.
    pub central_f64: f64,
    /// The forward difference in f32.
    pub forward_f32: f64,
    /// The central difference in f32.
    pub central_f32: f64,
}

/// Differences the loss of `cost` by the textbook's formulas, mean loss minus mean loss, for steps from 1e-1 to
/// 1e-12, two a decade, at up to `parameters` entries, and compares with `analytic`.
///
/// # Panics
/// If `analytic` and `point` are not the gradient and parameters of `cost`.
pub fn step_sweep(cost: &LayerCost, point: &[f64], analytic: &[f64], parameters: usize) -> StepSweep {
    assert_eq!(analytic.len(), point.len(), "entries of gradient and parameters");
    let mut random = Xoshiro256PlusPlus::seed_from_u64(0);
    let sample = index::sample(&mut random, point.len(), parameters.min(point.len())).into_vec();
    let in_f64 = Layer::<f64>::new(cost, point);
    let in_f32 = Layer::<f32>::new(cost, point);
    let row = |half_decade: i32| {
        let step = 10f64.powf(-f64::from(half_decade) / 2.0);
        let (forward_f64, central_f64) = in_f64.largest_errors(&sample, analytic, step);
        let (forward_f32, central_f32) = in_f32.largest_errors(&sample, analytic, step);
        SweepRow { step, forward_f64, central_f64, forward_f32, central_f32 }
    };
    let rows = (2..=24).into_par_iter().map(row).collect();
    StepSweep { images: cost.labels.len(), parameters: sample.len(), rows }
}

/// A floating-point type.
trait Real:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Into<f64>
    + Sync
{
    fn new(value: f64) -> Self;
    fn exp(self) -> Self;
    fn ln(self) -> Self;
}

macro_rules! real {
    ($type:ty, $exp:path, $ln:path) => {
        impl Real for $type {
            fn new(value: f64) -> Self {
                value as Self
            }
            fn exp(self) -> Self {
                $exp(self)
            }
            fn ln(self) -> Self {
                $ln(self)
            }
        }
    };
}

real!(f64, libm::exp, libm::log);
real!(f32, libm::expf, libm::logf);

/// The layer, with every number rounded to `T`.
struct Layer<'a, T> {
    cost: &'a LayerCost,
    point: &'a [f64],
    /// `[B, K]`
    logits: Vec<T>,
}

impl<'a, T: Real> Layer<'a, T> {
    fn new(cost: &'a LayerCost, point: &'a [f64]) -> Self {
        let logits = cost.logits(point).into_iter().map(T::new).collect();
        Self { cost, point, logits }
    }

    /// The largest errors of forward and central differences.
    fn largest_errors(&self, sample: &[usize], analytic: &[f64], step: f64) -> (f64, f64) {
        let (mut forward, mut central) = (0.0f64, 0.0f64);
        let here = self.mean_loss(0, T::new(0.0));
        for &index in sample {
            let (value, h) = (T::new(self.point[index]), T::new(step));
            let up = self.mean_loss(index, (value + h) - value);
            let down = self.mean_loss(index, (value - h) - value);
            let error = |numerical: T| (numerical.into() - analytic[index]).abs();
            forward = forward.max(error((up - here) / h));
            central = central.max(error((up - down) / (h + h)));
        }
        (forward, central)
    }

    /// The mean cross-entropy where parameter `index` is moved by `change`.
    fn mean_loss(&self, index: usize, change: T) -> T {
        let classes = self.cost.classes;
        let mut sum = T::new(0.0);
        for (image, &label) in self.cost.labels.iter().enumerate() {
            let logits = &self.logits[image * classes..][..classes];
            let (moved, input) = self.cost.feeds(index, image);
            let logit = |class: usize| {
                if class == moved { logits[class] + change * T::new(input) } else { logits[class] }
            };
            let max = (1..classes).map(logit).fold(logit(0), |a, b| if b > a { b } else { a });
            let exponentials = (0..classes).map(|class| (logit(class) - max).exp());
            let total = exponentials.fold(T::new(0.0), Add::add);
            sum = sum + (total.ln() - (logit(label) - max));
        }
        sum / T::new(self.cost.labels.len() as f64)
    }
}
