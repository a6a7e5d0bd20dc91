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
    /// A step of -1 along the sum of the gradients: from a weight of 0, that sum.
    pub(crate) const UPWARD: Self =
        Self { rate: -1.0, penalty: 0.0, momentum: 0.0, lookahead: 0.0, reciprocal: 0.0 };

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

/// Updates part `part` of the sixteen weights of a column in a group with this scale and its reciprocal, given the sum of
/// their gradients. No closure has a part in it: what is not inlined into a compiled kernel loses its instructions.
#[inline(always)]
pub(crate) fn update<V: Vector>(
    isa: V::Isa,
    part: usize,
    step: &ColumnStep,
    [scale, reciprocal]: [V; 2],
    gradient: V,
    weight: &mut Lanes,
    velocity: Option<&mut Lanes>,
) {
    let before = V::load(isa, weight, part);
    let gradient = (reciprocal * V::splat(isa, step.penalty)).mul_add(before, gradient);
    let direction = match velocity {
        None => gradient,
        Some(velocity) => {
            let kept = V::splat(isa, step.momentum) * V::load(isa, velocity, part);
            let moved = gradient.mul_add(V::splat(isa, step.reciprocal), kept);
            moved.store(velocity, part);
            moved.mul_add(V::splat(isa, step.lookahead), gradient)
        }
    };
    direction.mul_add(scale * V::splat(isa, -step.rate), before).store(weight, part);
}
