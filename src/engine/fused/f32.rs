//! The f32 kernels, compiled for each instruction set: the passes of `simd`, and everything that is f32 in both engines.

use std::marker::PhantomData;

use super::arithmetic::{Arithmetic, Passes};
use super::element::Number;
#[cfg(target_arch = "x86_64")]
use super::fixed::AvxVnni;
use super::gathered::Images;
use super::isa::Isa;
use super::isa::portable::{F32x4, Portable};
use super::isa::vector::{LANES, Lanes, Vector};
#[cfg(target_arch = "x86_64")]
use super::isa::{avx2::Avx2, avx2::F32x8, avx512::Avx512, avx512::F32x16};
use super::kernels::backward::{self, Batch, Features};
use super::kernels::forward::{self, Block};
use super::kernels::objective::{self, Aim, Labels, Partials, Score};
use super::kernels::{compile, peak};
use super::layout::{Blocks, Outlier, Place};
use crate::error::{Error, Result};

/// Products of f32, with features of this kind: weights and dlogits are multiplied as they are.
pub(crate) struct F32<E>(PhantomData<E>);

impl<E: Number> Arithmetic for F32<E> {
    type Number = E;
    type Weights = ();
    type Dlogits = ();
    type Scratch = ();

    fn groups(features: usize) -> usize {
        features.div_ceil(LANES)
    }

    fn outliers(blocks: Blocks, _: &[f32]) -> Vec<Vec<Outlier>> {
        blocks.iter().map(|_| Vec::new()).collect()
    }

    fn place(feature: usize) -> Place {
        Place { group: feature / LANES, lane: feature % LANES }
    }
}

/// The f32 kernels of one instruction set. A value exists only where the machine has it.
pub(crate) trait Kernels: Passes<F32<u8>> + Passes<F32<f32>> {
    /// See [`objective::gradient`].
    fn gradient(&self, aim: Aim, partials: Partials, labels: &Labels, dlogits: &mut [Lanes]);

    /// See [`objective::score`].
    fn score(&self, aim: Aim, logits: &mut [Lanes], labels: &Lanes) -> Score;

    /// See [`peak::multiply_adds`].
    fn multiply_adds(&self, rounds: usize) -> f64;

    /// See [`peak::read`].
    fn read(&self, lanes: &[Lanes], passes: usize) -> f64;
}

/// The kernels for `isa`.
///
/// # Errors
/// If this machine does not have it; the error lists what it has.
pub(crate) fn kernels(isa: Isa) -> Result<Box<dyn Kernels>> {
    let detected = match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => Avx512::detect().map(|isa| Box::new(isa) as Box<dyn Kernels>),
        #[cfg(target_arch = "x86_64")]
        Isa::AvxVnni => AvxVnni::detect().and_then(|_| Avx2::detect()).map(|isa| Box::new(isa) as _),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => Avx2::detect().map(|isa| Box::new(isa) as _),
        #[cfg(not(target_arch = "x86_64"))]
        Isa::Avx512 | Isa::AvxVnni | Isa::Avx2 => None,
        Isa::Portable => Some(Box::new(Portable) as _),
    };
    detected.ok_or_else(|| {
        let available: Vec<_> = Isa::available().map(Isa::name).collect();
        Error::setting("isa", format!("one that this machine has: {}", available.join(", ")), isa.name())
    })
}

/// Compiles all kernels for an instruction set.
macro_rules! compile_kernels {
    ($isa:ident, $vector:ident $(, $features:literal)?) => {
        compile_kernels!(@passes $isa, $vector, u8 $(, $features)?);
        compile_kernels!(@passes $isa, $vector, f32 $(, $features)?);

        impl Kernels for $isa {
            compile!($isa, $($features)?, objective::gradient::<$vector>, fn gradient(
                aim: Aim, partials: Partials, labels: &Labels, dlogits: &mut [Lanes]));
            compile!($isa, $($features)?, objective::score::<$vector>,
                fn score(aim: Aim, logits: &mut [Lanes], labels: &Lanes) -> Score);
            compile!($isa, $($features)?, peak::multiply_adds::<$vector, { $vector::CHAINS }>,
                fn multiply_adds(rounds: usize) -> f64);
            compile!($isa, $($features)?, peak::read::<$vector>,
                fn read(lanes: &[Lanes], passes: usize) -> f64);
        }
    };
    (@passes $isa:ident, $vector:ident, $number:ident $(, $features:literal)?) => {
        impl Passes<F32<$number>> for $isa {
            fn pack(&self, _: Block, (): &mut ()) {}

            fn quantize(&self, _: usize, _: &mut [Lanes], (): &mut ()) {}

            compile!($isa, $($features)?,
                |isa, block, (): &(), images, ahead, logits| {
                    forward::forward::<$vector, $number>(isa, block, images, ahead, logits)
                },
                fn forward(block: Block, weights: &(), images: Images<$number>, ahead: Images<$number>,
                    logits: &mut [Lanes]));
            compile!($isa, $($features)?,
                |isa, (): &(), (): &mut (), batch, features| {
                    backward::backward::<$vector, $number>(isa, batch, features)
                },
                fn backward(dlogits: &(), scratch: &mut (), batch: Batch<$number>, features: Features));
        }
    };
}

#[cfg(target_arch = "x86_64")]
compile_kernels!(Avx512, F32x16, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma");
#[cfg(target_arch = "x86_64")]
compile_kernels!(Avx2, F32x8, "avx2,fma");
compile_kernels!(Portable, F32x4);
