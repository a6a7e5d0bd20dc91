//! The fixed-point kernels, compiled once for each instruction set and called through one trait.

use super::isa::portable::I32x4;
#[cfg(target_arch = "x86_64")]
use super::isa::{avx2::I32x8, vnni::I32x16, vnni::Vnni};
use super::{backward, forward, quantize};
use crate::engine::fused::gathered::Images;
use crate::engine::fused::isa::Isa;
#[cfg(target_arch = "x86_64")]
use crate::engine::fused::isa::avx2::Avx2;
use crate::engine::fused::isa::portable::Portable;
use crate::engine::fused::isa::vector::Lanes;
use crate::engine::fused::kernels::backward::{Batch, Features};
use crate::engine::fused::kernels::compile;
use crate::engine::fused::kernels::forward::Block;

/// The fixed-point kernels of one instruction set. A value exists only where the machine has it.
pub(crate) trait FixedKernels: Send + Sync {
    /// See [`quantize::weights`].
    fn pack(&self, block: Block, weights: &mut quantize::Weights);

    /// See [`forward::forward`].
    fn forward(
        &self,
        block: Block,
        weights: &quantize::Weights,
        images: Images,
        ahead: Images,
        logits: &mut [Lanes],
    );

    /// See [`quantize::dlogits`].
    fn quantize(&self, columns: usize, dlogits: &mut [Lanes], quantized: &mut quantize::Dlogits);

    /// See [`backward::backward`].
    fn backward(
        &self,
        dlogits: &quantize::Dlogits,
        scratch: &mut backward::Scratch,
        batch: Batch,
        features: Features,
    );
}

/// The fastest kernels of this machine that use nothing beyond `isa`. Where there is AVX-512 without VNNI, they are those
/// of AVX2.
pub(crate) fn fixed_kernels(isa: Isa) -> Box<dyn FixedKernels> {
    #[cfg(target_arch = "x86_64")]
    {
        if let (Isa::Avx512, Some(vnni)) = (isa, Vnni::detect()) {
            return Box::new(vnni);
        }
        if let (Isa::Avx512 | Isa::Avx2, Some(avx2)) = (isa, Avx2::detect()) {
            return Box::new(avx2);
        }
    }
    let _ = isa;
    Box::new(Portable)
}

/// Compiles all kernels for an instruction set.
macro_rules! compile_fixed_kernels {
    ($isa:ident, $dot:ident $(, $features:literal)?) => {
        impl FixedKernels for $isa {
            compile!($isa, $($features)?, quantize::weights::<$dot>,
                fn pack(block: Block, weights: &mut quantize::Weights));
            compile!($isa, $($features)?, forward::forward::<$dot>, fn forward(
                block: Block, weights: &quantize::Weights, images: Images, ahead: Images, logits: &mut [Lanes]));
            compile!($isa, $($features)?, quantize::dlogits::<$dot>,
                fn quantize(columns: usize, dlogits: &mut [Lanes], quantized: &mut quantize::Dlogits));
            compile!($isa, $($features)?, backward::backward::<$dot>, fn backward(
                dlogits: &quantize::Dlogits, scratch: &mut backward::Scratch, batch: Batch, features: Features));
        }
    };
}

#[cfg(target_arch = "x86_64")]
compile_fixed_kernels!(Vnni, I32x16, "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma");
#[cfg(target_arch = "x86_64")]
compile_fixed_kernels!(Avx2, I32x8, "avx2,fma");
compile_fixed_kernels!(Portable, I32x4);
