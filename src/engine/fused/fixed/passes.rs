//! The fixed-point passes, compiled for each instruction set.

use super::backward::{self, Scratch};
use super::dot::{GROUPS, LINE, place};
use super::forward;
use super::isa::portable::I32x4;
#[cfg(target_arch = "x86_64")]
use super::isa::{avx2::I32x8, avxvnni, avxvnni::AvxVnni, vnni::I32x16, vnni::Vnni};
use super::outliers::outliers;
use super::peak;
use super::quantize::{self, Dlogits, Weights};
use crate::engine::fused::arithmetic::{Arithmetic, Passes};
use crate::engine::fused::gathered::Images;
use crate::engine::fused::isa::Isa;
#[cfg(target_arch = "x86_64")]
use crate::engine::fused::isa::avx2::Avx2;
use crate::engine::fused::isa::portable::Portable;
use crate::engine::fused::isa::vector::Lanes;
use crate::engine::fused::kernels::backward::{Batch, Features};
use crate::engine::fused::kernels::compile;
use crate::engine::fused::kernels::forward::Block;
use crate::engine::fused::layout::{Blocks, Outlier, Place};

/// Products of 16-bit fixed-point numbers.
pub(crate) struct Fixed;

impl Arithmetic for Fixed {
    type Number = u8;
    type Weights = Weights;
    type Dlogits = Dlogits;
    type Scratch = Scratch;

    fn groups(features: usize) -> usize {
        features.div_ceil(LINE) * GROUPS
    }

    fn outliers(blocks: Blocks, std: &[f32]) -> Vec<Vec<Outlier>> {
        outliers(blocks, std, Self::place)
    }

    fn place(feature: usize) -> Place {
        let (group, lane) = place(feature % LINE);
        Place { group: feature / LINE * GROUPS + group, lane }
    }
}

/// The passes of one instruction set. A value exists only where the machine has it.
pub(crate) trait Kernels: Passes<Fixed> {
    /// See [`peak::multiply_adds`].
    fn multiply_adds(&self, rounds: usize) -> f64;
}

/// The fastest passes of this machine that use nothing beyond `isa`. Where there is AVX-512 without VNNI, they are those
/// of AVX2.
pub(crate) fn passes(isa: Isa) -> Box<dyn Kernels> {
    #[cfg(target_arch = "x86_64")]
    {
        if let (Isa::Avx512, Some(vnni)) = (isa, Vnni::detect()) {
            return Box::new(vnni);
        }
        if let (Isa::AvxVnni, Some(vnni)) = (isa, AvxVnni::detect()) {
            return Box::new(vnni);
        }
        if let (Isa::Avx512 | Isa::AvxVnni | Isa::Avx2, Some(avx2)) = (isa, Avx2::detect()) {
            return Box::new(avx2);
        }
    }
    let _ = isa;
    Box::new(Portable)
}

/// Compiles the passes for an instruction set.
macro_rules! compile_passes {
    ($isa:ident, $dot:ident $(, $features:literal)?) => {
        impl Kernels for $isa {
            compile!($isa, $($features)?, peak::multiply_adds::<$dot>, fn multiply_adds(rounds: usize) -> f64);
        }

        impl Passes<Fixed> for $isa {
            compile!($isa, $($features)?, quantize::weights::<$dot>,
                fn pack(block: Block, weights: &mut Weights));
            compile!($isa, $($features)?, forward::forward::<$dot>,
                fn forward(block: Block, weights: &Weights, images: Images, ahead: Images, logits: &mut [Lanes]));
            compile!($isa, $($features)?, quantize::dlogits::<$dot>,
                fn quantize(columns: usize, dlogits: &mut [Lanes], quantized: &mut Dlogits));
            compile!($isa, $($features)?, backward::backward::<$dot>,
                fn backward(dlogits: &Dlogits, scratch: &mut Scratch, batch: Batch, features: Features));
        }
    };
}

#[cfg(target_arch = "x86_64")]
compile_passes!(Vnni, I32x16, "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma");
#[cfg(target_arch = "x86_64")]
type AvxVnniSums = avxvnni::Sums<AvxVnni>;
#[cfg(target_arch = "x86_64")]
compile_passes!(AvxVnni, AvxVnniSums, "avxvnni,avx2,fma");
#[cfg(target_arch = "x86_64")]
compile_passes!(Avx2, I32x8, "avx2,fma");
compile_passes!(Portable, I32x4);

/// The passes of AVX-VNNI with a model of its instruction, on a machine with AVX2.
#[cfg(all(test, target_arch = "x86_64"))]
pub(super) mod model {
    use super::*;
    use crate::engine::fused::fixed::isa::avxvnni::{Model, Sums};

    type ModelSums = Sums<Model>;
    compile_passes!(Model, ModelSums, "avx2,fma");

    pub(crate) fn passes() -> Option<Box<dyn Kernels>> {
        Avx2::detect().map(|isa| Box::new(Model(isa)) as _)
    }
}
