//! What the numbers of the two passes are: all in which the fused engine and its fixed-point sister differ.

use super::backward::{Batch, Features};
use super::forward::Block;
use super::images::Images;
use super::isa::Isa;
use super::kernels::Kernels;
use super::layout::Place;
use super::vector::{LANES, Lanes};

pub(super) use super::fixed::{Dlogits, Scratch, Weights};

/// The numbers that the passes multiply. Master weights, logits, softmax and steps are f32 in either.
pub(super) trait Arithmetic: Send + Sync {
    /// What people call an engine that computes so.
    fn name(&self) -> &'static str;

    /// The instruction set.
    fn isa(&self) -> Isa;

    /// The kernels for all that is f32 in either.
    fn kernels(&self) -> &dyn Kernels;

    /// The groups in which this many features lie.
    fn groups(&self, features: usize) -> usize;

    /// Where the values of a feature lie.
    fn place(&self, feature: usize) -> Place;

    /// Makes of a block's weights what [`Arithmetic::forward`] takes beside them.
    fn prepare(&self, block: Block, weights: &mut Weights);

    /// Adds the block's share of the logits of `images` to `logits`, `[groups of 16 images][C]`. Of each of `ahead`
    /// it prefetches the same features.
    fn forward(&self, block: Block, weights: &Weights, images: Images, ahead: Images, logits: &mut [Lanes]);

    /// Rounds `dlogits`, `[groups of 16 images][C]`, to the numbers that [`Arithmetic::backward`] multiplies.
    fn round(&self, columns: usize, dlogits: &mut [Lanes], rounded: &mut Dlogits);

    /// One step of gradient descent for the weights of `features`. `scratch` holds what
    /// [`Arithmetic::round`] made of the batch.
    fn backward(&self, scratch: &mut Scratch, batch: Batch, features: Features);
}

/// Products of f32: pixels become f32, and nothing else changes its form.
pub(super) struct F32 {
    pub(super) isa: Isa,
    pub(super) kernels: Box<dyn Kernels>,
}

impl Arithmetic for F32 {
    fn name(&self) -> &'static str {
        "simd"
    }

    fn isa(&self) -> Isa {
        self.isa
    }

    fn kernels(&self) -> &dyn Kernels {
        &*self.kernels
    }

    fn groups(&self, features: usize) -> usize {
        features.div_ceil(LANES)
    }

    fn place(&self, feature: usize) -> Place {
        Place { group: feature / LANES, lane: feature % LANES }
    }

    fn prepare(&self, _: Block, _: &mut Weights) {}

    fn forward(&self, block: Block, _: &Weights, images: Images, ahead: Images, logits: &mut [Lanes]) {
        self.kernels.forward(block, images, ahead, logits);
    }

    fn round(&self, _: usize, _: &mut [Lanes], _: &mut Dlogits) {}

    fn backward(&self, _: &mut Scratch, batch: Batch, features: Features) {
        self.kernels.backward(batch, features);
    }
}
