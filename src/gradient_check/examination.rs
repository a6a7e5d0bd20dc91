//! The whole examination of the gradient that trains, on one batch of images.

use rand::SeedableRng;
use rand::seq::index;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::criteria::{Criterion, Entry, Options, compare_entries};
use super::{
    LayerCost, Precision, Update, central_difference, engine_gradient, flat, reference_gradient, tolerance,
};
use crate::engine::{Engine, Step};
use crate::error::Result;
use crate::model::{Parameters, Standardization};
use crate::objective::Objective;
use crate::samples::Samples;
use crate::train::{Schedule, When};

/// The parameters whose differences are computed a second time, from the pixels.
const RECOMPUTED: usize = 64;
/// What the two ways of differencing may differ by, for a cost of 1 or less. The cost is rounded, and the step
/// magnifies it.
const RECOMPUTED_THRESHOLD: f64 = 1e-9;
/// The steps of an update, and their learning rate where the penalty is not too large for it.
const STEPS: usize = 1000;
const ETA: f32 = 0.001;

/// A batch, and the parameters at which its gradient is examined.
#[derive(Clone, Copy)]
pub struct Examination<'a> {
    /// The batch.
    pub samples: &'a Samples<'a>,
    /// What the images are standardized by.
    pub standardization: &'a Standardization,
    /// Where the gradient is examined.
    pub parameters: &'a Parameters,
    /// What is minimized.
    pub objective: &'a Objective,
    /// Step, eps and threshold.
    pub options: Options,
    /// The most parameters that are differenced; of more, so many are drawn at random.
    pub most: usize,
}

impl Examination<'_> {
    /// The reference engine's gradient against central differences in every parameter, or in [`Examination::most`]
    /// of them: the criteria of [`Report`](super::Report), and the differences against full recomputation for a
    /// sample of these parameters. It works on the threads of the rayon pool it is called in.
    ///
    /// # Errors
    /// What the engine fails with.
    pub fn reference(&self, lambda: f32) -> Result<Vec<Criterion>> {
        let point = flat(self.parameters);
        let cost = self.cost().with_lambda(lambda);
        let indices = sample(point.len(), self.most);
        let numerical = cost.differences(&point, self.options.step, &indices);
        let kinks = cost.kinks(&point, self.options.step, &indices);
        let exact = self.exact(lambda)?;
        let entries = indices.iter().zip(&numerical).zip(&kinks);
        let entries = entries.map(|((&index, &numerical), kink)| {
            // What a kink within the step explains is no error.
            let off = numerical - exact[index];
            (index, exact[index], exact[index] + off.signum() * (off.abs() - kink).max(0.0))
        });
        let report = compare_entries(entries, &self.options);
        let recomputed = self.recompute(&cost, &point, &indices, &numerical);
        let criteria = report.criteria().into_iter().cloned().chain([recomputed]);
        Ok(criteria.map(|criterion| of("reference f64", criterion, lambda)).collect())
    }

    /// The gradient of an engine that does not compute in f64, at most as far from the reference's as rounding can
    /// explain in arithmetic of this precision: the error is in units of [`tolerance`].
    ///
    /// # Errors
    /// What the engine fails with.
    pub fn engine(&self, engine: &mut dyn Engine, precision: Precision, lambda: f32) -> Result<Criterion> {
        let Self { samples, standardization, parameters, objective, .. } = *self;
        let exact = self.exact(lambda)?;
        let gradients = engine_gradient(engine, std::slice::from_ref(parameters), samples, &[lambda])?;
        let tolerance = tolerance(samples, standardization, objective, parameters, lambda, precision);
        let mut criterion = Criterion::new("error in units of its tolerance", 1.0);
        let entries = gradients[0].iter().zip(&exact).zip(&tolerance).enumerate();
        for (index, ((&analytic, &numerical), tolerance)) in entries {
            let error = (analytic - numerical).abs() / tolerance;
            criterion.count(Entry { index, analytic, numerical, error });
        }
        Ok(of(&numbers(engine, precision), criterion, lambda))
    }

    /// The update of an engine, over steps of the lab's size: see [`Update`]. It must have been built with
    /// [`Update::standardization`]. With momentum, learning rates go straight down to 0.
    ///
    /// # Errors
    /// What the engine fails with.
    pub fn update(
        &self,
        engine: &mut dyn Engine,
        precision: Precision,
        lambda: f32,
        momentum: f32,
    ) -> Result<Criterion> {
        let labels: Vec<u16> = (0..self.samples.len()).map(|index| self.samples.label(index)).collect();
        // A step takes at most a fifth of a weight.
        let eta = f64::from(ETA.min(0.1 / lambda));
        let schedule = if momentum > 0.0 { Schedule::Linear } else { Schedule::Constant };
        let step = |step| {
            let eta = schedule.rate(eta, When { step, steps: STEPS, epoch: STEPS }) as f32;
            Step { eta: eta * (1.0 - momentum), lambda, momentum }
        };
        let steps: Vec<Step> = (0..STEPS).map(step).collect();
        let Self { parameters, objective, .. } = *self;
        let element = self.samples.element();
        let update = Update { parameters, objective, element, labels: &labels, steps: &steps };
        let mut criterion = update.criterion(&update.take(engine)?, precision);
        if momentum > 0.0 {
            criterion.name = format!("{} (momentum {momentum}, linear)", criterion.name);
        }
        Ok(of(&numbers(engine, precision), criterion, lambda))
    }

    /// The cost of the batch, without penalty.
    pub fn cost(&self) -> LayerCost {
        LayerCost::new(self.samples, self.standardization, self.parameters.classes, self.objective)
    }

    /// The f64 gradient.
    ///
    /// # Errors
    /// What the engine fails with.
    pub fn exact(&self, lambda: f32) -> Result<Vec<f64>> {
        reference_gradient(self.parameters, self.standardization, self.objective, self.samples, lambda)
    }

    /// `numerical`, the differences in the parameters of `indices`, against differences of the whole cost, for some of
    /// them.
    fn recompute(&self, cost: &LayerCost, point: &[f64], indices: &[usize], numerical: &[f64]) -> Criterion {
        let threshold = RECOMPUTED_THRESHOLD * cost.cost(point).max(1.0);
        let mut criterion = Criterion::new("differences against full recomputation", threshold);
        let recompute = |point: &mut Vec<f64>, position: usize| {
            let (index, numerical) = (indices[position], numerical[position]);
            let full = central_difference(|p| cost.cost(p), point, index, self.options.step);
            Entry { index, analytic: full, numerical, error: (full - numerical).abs() }
        };
        let positions = sample(indices.len(), RECOMPUTED).into_par_iter();
        let entries: Vec<Entry> = positions.map_init(|| point.to_vec(), recompute).collect();
        entries.into_iter().for_each(|entry| criterion.count(entry));
        criterion
    }
}

/// The numbers below `count`; where these are more than `most`, so many of them, drawn at random.
fn sample(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    index::sample(&mut Xoshiro256PlusPlus::seed_from_u64(0), count, most).into_vec()
}

/// An engine, and the numbers that it multiplies.
fn numbers(engine: &dyn Engine, precision: Precision) -> String {
    format!("{} {}", engine.info().name, if precision == Precision::FIXED { "16-bit" } else { "f32" })
}

/// The criterion under a name that says what was examined, and at which penalty.
fn of(what: &str, criterion: Criterion, lambda: f32) -> Criterion {
    Criterion { name: format!("{what} {}, lambda {lambda}", criterion.name), ..criterion }
}

#[cfg(test)]
mod tests {
    use super::sample;

    #[test]
    fn a_sample_is_of_different_numbers_below_the_count() {
        assert_eq!(sample(3, 5), [0, 1, 2]);
        let mut drawn = sample(1000, 100);
        drawn.sort_unstable();
        drawn.dedup();
        assert!(drawn.len() == 100 && drawn[99] < 1000 && drawn != sample(100, 100));
    }
}
