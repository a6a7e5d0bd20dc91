//! Products of f32: weights and dlogits are multiplied as they are.

use super::arithmetic::Arithmetic;
use super::gathered::Images;
use super::isa::vector::{LANES, Lanes};
use super::kernels::Kernels;
use super::kernels::backward::{Batch, Features};
use super::kernels::forward::Block;
use super::layout::Place;

/// Products of f32.
pub(crate) struct F32(pub(crate) Box<dyn Kernels>);

impl Arithmetic for F32 {
    type Weights = ();
    type Dlogits = ();
    type Scratch = ();

    fn kernels(&self) -> &dyn Kernels {
        &*self.0
    }

    fn groups(&self, features: usize) -> usize {
        features.div_ceil(LANES)
    }

    fn place(&self, feature: usize) -> Place {
        Place { group: feature / LANES, lane: feature % LANES }
    }

    fn pack(&self, _: Block, (): &mut ()) {}

    fn forward(&self, block: Block, (): &(), images: Images, ahead: Images, logits: &mut [Lanes]) {
        self.0.forward(block, images, ahead, logits);
    }

    fn quantize(&self, _: usize, _: &mut [Lanes], (): &mut ()) {}

    fn backward(&self, (): &(), (): &mut (), batch: Batch, features: Features) {
        self.0.backward(batch, features);
    }
}
