//! The arithmetic of the engine `fixed`.

use super::backward::Scratch;
use super::dot::{GROUPS, LINE, place};
use super::kernels::{FixedKernels, fixed_kernels};
use super::quantize::{Dlogits, Weights};
use crate::engine::fused::arithmetic::Arithmetic;
use crate::engine::fused::gathered::Images;
use crate::engine::fused::isa::Isa;
use crate::engine::fused::isa::vector::Lanes;
use crate::engine::fused::kernels::backward::{Batch, Features};
use crate::engine::fused::kernels::forward::Block;
use crate::engine::fused::kernels::{Kernels, kernels};
use crate::engine::fused::layout::Place;
use crate::error::Result;

/// Products of 16-bit fixed-point numbers.
pub(crate) struct Fixed {
    kernels: Box<dyn Kernels>,
    fixed: Box<dyn FixedKernels>,
}

impl Fixed {
    /// The arithmetic on `isa`.
    ///
    /// # Errors
    /// If this machine does not have it.
    pub(crate) fn new(isa: Isa) -> Result<Self> {
        Ok(Self { kernels: kernels(isa)?, fixed: fixed_kernels(isa) })
    }
}

impl Arithmetic for Fixed {
    type Weights = Weights;
    type Dlogits = Dlogits;
    type Scratch = Scratch;

    fn kernels(&self) -> &dyn Kernels {
        &*self.kernels
    }

    fn groups(&self, features: usize) -> usize {
        features.div_ceil(LINE) * GROUPS
    }

    fn place(&self, feature: usize) -> Place {
        let (group, lane) = place(feature % LINE);
        Place { group: feature / LINE * GROUPS + group, lane }
    }

    fn pack(&self, block: Block, weights: &mut Weights) {
        self.fixed.pack(block, weights);
    }

    fn forward(&self, block: Block, weights: &Weights, images: Images, ahead: Images, logits: &mut [Lanes]) {
        self.fixed.forward(block, weights, images, ahead, logits);
    }

    fn quantize(&self, columns: usize, dlogits: &mut [Lanes], quantized: &mut Dlogits) {
        self.fixed.quantize(columns, dlogits, quantized);
    }

    fn backward(&self, dlogits: &Dlogits, scratch: &mut Scratch, batch: Batch, features: Features) {
        self.fixed.backward(dlogits, scratch, batch, features);
    }
}
