//! The passes in 16-bit fixed point: pixels are bytes, and machines multiply bytes several times as fast as floats.
//!
//! A weight is rounded to a 16-bit number times a power of two that the weights of its column in a feature block
//! share, a dlogit to one that the dlogits of its column in the batch share. Products of these with pixels are summed
//! up exactly. Master weights, softmax and steps stay f32:
//!
//! ```text
//! for each batch, on every thread:
//!     for each feature block of mine:
//!         scale, 16-bit weights, mean's part <- weights                       quantize.rs
//!         for each four images by five columns:                               forward.rs
//!             sums += pixels * 16-bit weights         exact, 64 features at a time
//!             partial logits <- (sums - mean's part) * scale
//!     barrier; softmax
//!     scale, 16-bit dlogits <- dlogits                                        quantize.rs
//!     for each 64 features of mine:                                           backward.rs
//!         for each five columns:
//!             lines <- bytes of the images, four by four          only for the first five
//!             sums += lines * 16-bit dlogits          exact, 4 images at a time
//!         weight <- decay * weight - rate * (sums * scale - mean * sum of the dlogits)
//! ```
//!
//! 1. A 16-bit number is two *limbs*, signed bytes: `high * 256 + low`. VNNI multiplies pixels with all high limbs, and
//!    shifts the sums before it goes on with the low ones. AVX2 multiplies 16-bit numbers as they are, in two passes
//!    over every other one. The sums are the same integers, and so the bits.
//! 2. A scale depends on a block alone, not on who owns it: who multiplies a block rounds it for himself, which costs
//!    less than an agreement. A run's bits depend on no other run and on no number of threads: scales are powers of two,
//!    so that the products with them are exact, and the partial logits of two blocks have the same sum whether it is
//!    rounded once, by a fused multiply-add, or after each (for weights between 1e-30 and 1e30).
//! 3. The mean's part is taken off with the same rounded numbers that the pixels are multiplied with, so that adding
//!    a constant to a pixel and to its mean changes nothing.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod backward;
mod dot;
mod forward;
mod portable;
mod quantize;
#[cfg(test)]
mod tests;

use self::backward::Factors;
use self::dot::{LINE, Line, Numbers, PASSES, place};
use self::quantize::Scale;
use super::arithmetic::Arithmetic;
use super::backward::{Batch, Features};
use super::forward::Block;
use super::images::Images;
use super::isa::Isa;
use super::kernels::{Kernels, compile_kernels};
use super::layout::{BLOCK, Place};
use super::vector::{LANES, Lanes};
use crate::error::Result;

/// Groups of sixteen features in a line of 64, which are laid out together.
const GROUPS: usize = LINE / LANES;

const _: () = assert!(BLOCK.is_multiple_of(GROUPS) && BLOCK / GROUPS <= dot::LONGEST);

/// A block's weights, as the forward pass multiplies them.
#[derive(Default)]
pub(in crate::engine::simd) struct Weights {
    /// `[lines][row(C)]`
    numbers: Vec<Numbers>,
    /// `[C]`
    scales: Vec<Scale>,
    /// `[C]`: minus the products with the mean pixels.
    offsets: Vec<f32>,
    /// `[C]`: the offsets, lane by lane.
    lanes: Vec<Lanes>,
}

/// A batch's dlogits, as the backward pass multiplies them.
#[derive(Default)]
pub(in crate::engine::simd) struct Dlogits {
    /// `[images / 4][C]`
    numbers: Vec<[u32; PASSES]>,
    /// `[C]`
    scales: Vec<Scale>,
}

/// What a member of the team keeps for itself from step to step.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) weights: Weights,
    pub(super) dlogits: Dlogits,
    /// `[images / 4]`: a line of features, interleaved.
    lines: Vec<[Line; GROUPS]>,
    /// `[4 groups][C]`: its sums.
    sums: Vec<Lanes>,
    /// `[C]`: what makes steps of them.
    factors: Vec<Factors>,
}

/// Products of 16-bit fixed-point numbers.
pub(super) struct Fixed {
    isa: Isa,
    kernels: Box<dyn Kernels>,
    dots: Box<dyn Dots>,
}

impl Fixed {
    /// The arithmetic on `isa`.
    ///
    /// # Errors
    /// If this machine does not have it.
    pub(super) fn new(isa: Isa) -> Result<Self> {
        Ok(Self { isa, kernels: isa.kernels()?, dots: dots(isa) })
    }
}

/// The kernels of an instruction set that this machine has.
#[cfg(target_arch = "x86_64")]
fn dots(isa: Isa) -> Box<dyn Dots> {
    use super::avx2::Avx2;
    let avx2 = || Some(Box::new(Avx2::detect()?) as Box<dyn Dots>);
    let avx512 = || Some(Box::new(avx512::Vnni::detect()?) as Box<dyn Dots>);
    let found = match isa {
        Isa::Avx512 => avx512().or_else(avx2),
        Isa::Avx2 => avx2(),
        Isa::Portable => None,
    };
    found.unwrap_or_else(|| Box::new(super::portable::Portable))
}

/// The kernels of an instruction set that this machine has.
#[cfg(not(target_arch = "x86_64"))]
fn dots(_: Isa) -> Box<dyn Dots> {
    Box::new(super::portable::Portable)
}

impl Arithmetic for Fixed {
    fn name(&self) -> &'static str {
        "fixed"
    }

    fn isa(&self) -> Isa {
        self.isa
    }

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

    fn prepare(&self, block: Block, weights: &mut Weights) {
        self.dots.prepare(block, weights);
    }

    fn forward(&self, block: Block, weights: &Weights, images: Images, ahead: Images, logits: &mut [Lanes]) {
        self.dots.forward(block, weights, images, ahead, logits);
    }

    fn round(&self, columns: usize, dlogits: &mut [Lanes], rounded: &mut Dlogits) {
        self.dots.round(columns, dlogits, rounded);
    }

    fn backward(&self, scratch: &mut Scratch, batch: Batch, features: Features) {
        self.dots.backward(scratch, batch, features);
    }
}

/// The kernels of one instruction set. A value exists only where the machine has it.
trait Dots: Send + Sync {
    /// See [`quantize::prepare`].
    fn prepare(&self, block: Block, weights: &mut Weights);

    /// See [`forward::forward`].
    fn forward(&self, block: Block, weights: &Weights, images: Images, ahead: Images, logits: &mut [Lanes]);

    /// See [`quantize::round`].
    fn round(&self, columns: usize, dlogits: &mut [Lanes], rounded: &mut Dlogits);

    /// See [`backward::backward`].
    fn backward(&self, scratch: &mut Scratch, batch: Batch, features: Features);
}

/// Compiles the kernels for an instruction set.
macro_rules! compile_dots {
    ($isa:ident, $dot:ident $(, $features:literal)?) => {
        impl Dots for $isa {
            compile_kernels!(@one $isa, $($features)?, quantize::prepare::<$dot>,
                fn prepare(block: Block, weights: &mut Weights));
            compile_kernels!(@one $isa, $($features)?, forward::forward::<$dot>,
                fn forward(block: Block, weights: &Weights, images: Images, ahead: Images, logits: &mut [Lanes]));
            compile_kernels!(@one $isa, $($features)?, quantize::round::<$dot>,
                fn round(columns: usize, dlogits: &mut [Lanes], rounded: &mut Dlogits));
            compile_kernels!(@one $isa, $($features)?, backward::backward::<$dot>,
                fn backward(scratch: &mut Scratch, batch: Batch, features: Features));
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::super::avx2::Avx2;
    use super::avx2::I32x8;
    use super::avx512::{I32x16, Vnni};
    use super::*;

    compile_dots!(Vnni, I32x16, "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma");
    compile_dots!(Avx2, I32x8, "avx2,fma");
}

mod plain {
    use super::super::portable::Portable;
    use super::portable::I32x4;
    use super::*;

    compile_dots!(Portable, I32x4);
}

/// The last line of an image whose D is no multiple of 64, with zeros behind.
#[inline(always)]
fn tail(image: &[u8]) -> [u8; LINE] {
    let mut line = [0; LINE];
    let rest = image.as_chunks::<LINE>().1;
    line[..rest.len()].copy_from_slice(rest);
    line
}
