//! What stays the same while a layer is trained.

use super::f32::Kernels;
use super::isa::vector::{LANES, Lanes};
use super::kernels::objective::{Aim, Labels};
use super::layout::{Blocks, Outlier};
use crate::engine::problem::Shape;
use crate::objective::Objective;

/// A layer without its weights and bias.
pub(super) struct Layer {
    pub(super) shape: Shape,
    pub(super) objective: Objective,
    /// The same, for the kernels.
    pub(super) aim: Aim,
    /// The kernels for everything that is f32.
    pub(super) kernels: Box<dyn Kernels>,
    /// The feature blocks.
    pub(super) blocks: Blocks,
    /// `[groups]`: the mean pixel of each feature.
    pub(super) mean: Vec<Lanes>,
    /// `[groups]`: `1 / (255 std)`, the scale of the weights, its square, and the reciprocal of that. All are 0 in the
    /// padding.
    pub(super) scale: Vec<Lanes>,
    pub(super) squared_scale: Vec<Lanes>,
    pub(super) reciprocal: Vec<Lanes>,
    /// `[blocks]`: the features that are multiplied apart.
    pub(super) outliers: Vec<Vec<Outlier>>,
}

impl Layer {
    /// The labels of sixteen samples of `batch`, the `group`-th sixteen, each with the weight of its class and its own.
    pub(super) fn labels(&self, batch: &[(u16, f32)], group: usize) -> Labels {
        let samples = batch[LANES * group..].iter();
        Labels::new(
            samples.map(|&(label, weight)| (label, weight * self.objective.class_weight(label.into()))),
        )
    }
}
