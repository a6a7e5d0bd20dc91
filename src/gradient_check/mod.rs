#![doc = include_str!("../../docs/gradients.md")]

mod criteria;
mod examination;
mod given;
mod layer;
mod one_step;
mod sweep;
mod tolerance;
mod update;

pub use criteria::{Criterion, Entry, Options, Report, compare};
pub use examination::Examination;
pub use given::Given;
pub use layer::LayerCost;
pub use one_step::{engine_gradient, flat, reference_gradient};
pub use sweep::{StepSweep, SweepRow, step_sweep};
pub use tolerance::{Precision, UNIT_F32, UNIT_F64, logit_tolerance, tolerance};
pub use update::Update;

/// Compares `analytic`, the gradient of `cost` at `parameters`, with central differences in every parameter.
///
/// # Panics
/// If `analytic` and `parameters` differ in length.
pub fn check(
    cost: impl Fn(&[f64]) -> f64,
    parameters: &[f64],
    analytic: &[f64],
    options: &Options,
) -> Report {
    let mut point = parameters.to_vec();
    let numerical: Vec<f64> = (0..parameters.len())
        .map(|index| central_difference(&cost, &mut point, index, options.step))
        .collect();
    compare(analytic, &numerical, options)
}

/// `(cost(p + h) - cost(p - h)) / 2h`, `h` added to parameter `index` alone; `point` is left as it was.
///
/// What is divided by is the distance of the two points as they are rounded, not twice the `step` asked for.
///
/// # Panics
/// If `index` is not below the number of parameters.
pub fn central_difference(cost: impl Fn(&[f64]) -> f64, point: &mut [f64], index: usize, step: f64) -> f64 {
    let value = point[index];
    let (up, down) = (value + step, value - step);
    point[index] = up;
    let cost_up = cost(point);
    point[index] = down;
    let cost_down = cost(point);
    point[index] = value;
    (cost_up - cost_down) / (up - down)
}
