//! The update of the weights, from the gradient in registers: with momentum or without.

use crate::engine::contract::Step;
use crate::engine::fused::isa::vector::{Lanes, Vector};

/// The update of the parameters of a column, given the sum g of their gradients over the B samples of a batch:
///
/// ```text
/// g <- g + penalty / scale weight                             penalty = 2 lambda B
/// velocity <- momentum velocity + g/B                         where there is momentum
/// g <- g + lookahead velocity                                 lookahead = momentum B
/// weight <- weight - rate scale g                             rate = eta / B
/// ```
///
/// Packed weights are multiplied by `1 / (255 std)`, and so are their gradients: hence `scale`, its square. A weight is
/// rounded once, on its own grid: a factor `1 - 2 eta lambda` would be rounded to multiples of 2^-24, which is all of a
/// small penalty. Without momentum the third line adds 0, so that the bits of a run do not depend on its neighbours'
/// momentum.
#[derive(Clone, Copy, Default)]
pub(crate) struct ColumnStep {
    pub(crate) rate: f32,
    pub(crate) penalty: f32,
    momentum: f32,
    lookahead: f32,
    reciprocal: f32,
}

impl ColumnStep {
    /// The update that is `step` on a batch of `samples`.
    pub(crate) fn new(step: Step, samples: usize) -> Self {
        let samples = samples as f32;
        Self {
            rate: step.eta / samples,
            penalty: 2.0 * step.lambda * samples,
            momentum: step.momentum,
            lookahead: step.momentum * samples,
            reciprocal: 1.0 / samples,
        }
    }

    /// The update of a bias, which has no penalty.
    pub(crate) fn bias(&self, gradient: f32, bias: &mut f32, velocity: Option<&mut f32>) {
        let direction = match velocity {
            None => gradient,
            Some(velocity) => {
                *velocity = gradient.mul_add(self.reciprocal, self.momentum * *velocity);
                velocity.mul_add(self.lookahead, gradient)
            }
        };
        *bias = (-self.rate).mul_add(direction, *bias);
    }
}

/// Updates part `part` of the sixteen weights of each column of a group, whose scale and its reciprocal these are.
/// `gradient` gives the sum of the gradients of a column. `velocities` are empty where there is no momentum.
#[inline(always)]
pub(crate) fn update<V: Vector>(
    isa: V::Isa,
    part: usize,
    [scale, reciprocal]: [V; 2],
    steps: &[ColumnStep],
    gradient: impl Fn(usize) -> V,
    weights: &mut [Lanes],
    velocities: &mut [Lanes],
) {
    let constant = |value| V::splat(isa, value);
    let penalized = |column: usize, weight: V| {
        (reciprocal * constant(steps[column].penalty)).mul_add(weight, gradient(column))
    };
    let moved = |column: usize, weight: V, direction: V| {
        direction.mul_add(scale * constant(-steps[column].rate), weight)
    };
    if velocities.is_empty() {
        for (column, weight) in weights.iter_mut().enumerate() {
            let before = V::load(isa, weight, part);
            moved(column, before, penalized(column, before)).store(weight, part);
        }
    } else {
        for (column, (weight, velocity)) in weights.iter_mut().zip(velocities).enumerate() {
            let (before, step) = (V::load(isa, weight, part), &steps[column]);
            let gradient = penalized(column, before);
            let kept = constant(step.momentum) * V::load(isa, velocity, part);
            let faster = gradient.mul_add(constant(step.reciprocal), kept);
            faster.store(velocity, part);
            let direction = faster.mul_add(constant(step.lookahead), gradient);
            moved(column, before, direction).store(weight, part);
        }
    }
}
