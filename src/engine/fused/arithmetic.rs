//! The difference between the engines `simd` and `fixed`: the numbers that the two passes multiply. Master weights,
//! logits, losses and updates are f32 in both.

use super::element::Number;
use super::gathered::Images;
use super::isa::vector::Lanes;
use super::kernels::backward::{Batch, Features};
use super::kernels::forward::Block;
use super::layout::{Blocks, Outlier, Place};

/// A kind of numbers, and the layout that suits it.
pub(crate) trait Arithmetic {
    /// The features of an image.
    type Number: Number;

    /// The weights of a block, as the forward pass multiplies them.
    type Weights: Default;

    /// The dlogits of a batch, as the backward pass multiplies them.
    type Dlogits: Default;

    /// The working memory of the backward pass.
    type Scratch: Default;

    /// The number of groups for this many features.
    fn groups(features: usize) -> usize;

    /// The features of each block that are multiplied apart, given the deviations of all.
    fn outliers(blocks: Blocks, std: &[f32]) -> Vec<Vec<Outlier>>;

    /// Where the values of a feature are.
    fn place(feature: usize) -> Place;
}

/// The two passes in an arithmetic, compiled for an instruction set.
pub(crate) trait Passes<A: Arithmetic>: Send + Sync {
    /// Converts the weights of a block for [`Passes::forward`].
    fn pack(&self, block: Block, weights: &mut A::Weights);

    /// Adds the partial logits of `images` to `logits`, `[groups of 16 images][C]`. Meanwhile it prefetches the same
    /// features of `ahead`. `weights` are those of the block, packed.
    fn forward(
        &self,
        block: Block,
        weights: &A::Weights,
        images: Images<A::Number>,
        ahead: Images<A::Number>,
        logits: &mut [Lanes],
    );

    /// Rounds `dlogits`, `[groups of 16 images][C]`, to the numbers that [`Passes::backward`] multiplies.
    fn quantize(&self, columns: usize, dlogits: &mut [Lanes], quantized: &mut A::Dlogits);

    /// Updates the weights of `features`. `dlogits` are those of the batch, quantized.
    fn backward(
        &self,
        dlogits: &A::Dlogits,
        scratch: &mut A::Scratch,
        batch: Batch<A::Number>,
        features: Features,
    );
}
