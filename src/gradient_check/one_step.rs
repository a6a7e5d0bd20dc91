//! An engine's gradient, read off one real step: what is checked is the code that trains.
//!
//! With a learning rate of 2^20 the parameters that a step leaves are all but the gradient: `w - eta g`
//! divided by the power of two `-eta` is `g`, within a rounding of `g` and 2^-20 times one of `w`.

use crate::engine::{Batches, Engine, Problem, Reference, Step};
use crate::error::Result;
use crate::model::{Parameters, Standardization};
use crate::objective::Objective;
use crate::samples::Samples;

/// The learning rate of the step.
pub(super) const ETA: f32 = (1u32 << 20) as f32;

/// The gradient of each run at `parameters`, over all of `samples` as one batch: `K D + K` entries a run, as
/// [`flat`] orders them. `lambda` holds one penalty weight a run.
///
/// # Errors
/// What the engine fails with.
///
/// # Panics
/// If there are no samples, or a shape does not fit.
pub fn engine_gradient(
    engine: &mut dyn Engine,
    parameters: &[Parameters],
    samples: &Samples,
    lambda: &[f32],
) -> Result<Vec<Vec<f64>>> {
    engine.load(parameters);
    take_step(engine, samples, lambda)?;
    let before = parameters.iter().map(flat);
    Ok(before.zip(&engine.parameters()).map(|(before, after)| difference(&before, &flat(after))).collect())
}

/// The gradient by the f64 [`Reference`] engine, not rounded to f32 on the way.
///
/// # Errors
/// None: the reference engine has no threads that could fail.
///
/// # Panics
/// If there are no samples, or a shape does not fit.
pub fn reference_gradient(
    parameters: &Parameters,
    standardization: &Standardization,
    objective: &Objective,
    samples: &Samples,
    lambda: f32,
) -> Result<Vec<f64>> {
    let initial = std::slice::from_ref(parameters);
    let mut engine =
        Reference::new(&Problem { initial, standardization, objective, element: samples.element() });
    take_step(&mut engine, samples, &[lambda])?;
    Ok(difference(&flat(parameters), &engine.exact_parameters()))
}

/// Weights `[K, D]`, row-major, then biases `[K]`, in f64.
pub fn flat(parameters: &Parameters) -> Vec<f64> {
    parameters.weight.iter().chain(&parameters.bias).map(|&value| value.into()).collect()
}

fn take_step(engine: &mut dyn Engine, samples: &Samples, lambda: &[f32]) -> Result<()> {
    let order: Vec<u32> = (0..samples.len() as u32).collect();
    let steps: Vec<Step> =
        lambda.iter().map(|&lambda| Step { eta: ETA, lambda, ..Step::default() }).collect();
    engine.train(samples, Batches { order: &order, size: order.len(), steps: &steps })
}

fn difference(before: &[f64], after: &[f64]) -> Vec<f64> {
    before.iter().zip(after).map(|(before, after)| (before - after) / f64::from(ETA)).collect()
}
