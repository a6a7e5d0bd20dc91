//! The difference between the engines `simd` and `fixed`: the numbers that the two passes multiply.

use super::gathered::Images;
use super::isa::vector::Lanes;
use super::kernels::Kernels;
use super::kernels::backward::{Batch, Features};
use super::kernels::forward::Block;
use super::layout::Place;

/// The numbers that the two passes multiply. Master weights, logits, losses and updates are f32 in every arithmetic.
pub(crate) trait Arithmetic: Sync {
    /// The weights of a block, as the forward pass multiplies them.
    type Weights: Default;

    /// The dlogits of a batch, as the backward pass multiplies them.
    type Dlogits: Default;

    /// The working memory of the backward pass.
    type Scratch: Default;

    /// The kernels for everything that is f32.
    fn kernels(&self) -> &dyn Kernels;

    /// The number of groups for this many features.
    fn groups(&self, features: usize) -> usize;

    /// Where the values of a feature are.
    fn place(&self, feature: usize) -> Place;

    /// Converts the weights of a block for [`Arithmetic::forward`].
    fn pack(&self, block: Block, weights: &mut Self::Weights);

    /// Adds the partial logits of `images` to `logits`, `[groups of 16 images][C]`. Meanwhile it prefetches the same
    /// features of `ahead`. `weights` are those of the block, packed.
    fn forward(
        &self,
        block: Block,
        weights: &Self::Weights,
        images: Images,
        ahead: Images,
        logits: &mut [Lanes],
    );

    /// Rounds `dlogits`, `[groups of 16 images][C]`, to the numbers that [`Arithmetic::backward`] multiplies.
    fn quantize(&self, columns: usize, dlogits: &mut [Lanes], quantized: &mut Self::Dlogits);

    /// Updates the weights of `features`. `dlogits` are those of the batch, quantized.
    fn backward(
        &self,
        dlogits: &Self::Dlogits,
        scratch: &mut Self::Scratch,
        batch: Batch,
        features: Features,
    );
}
