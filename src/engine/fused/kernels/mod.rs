//! The f32 kernels, compiled once for each instruction set and called through one trait.

pub(crate) mod backward;
mod exp;
pub(crate) mod forward;
pub(crate) mod objective;
mod peak;

use self::backward::{Batch, Features};
use self::forward::Block;
use self::objective::{Partials, Score};
use super::gathered::Images;
use super::isa::Isa;
use super::isa::portable::{F32x4, Portable};
use super::isa::vector::{LANES, Lanes, Vector};
#[cfg(target_arch = "x86_64")]
use super::isa::{avx2::Avx2, avx2::F32x8, avx512::Avx512, avx512::F32x16};
use crate::error::{Error, Result};
use crate::objective::Objective;

/// The kernels of one instruction set. A value exists only where the machine has it.
pub(crate) trait Kernels: Send + Sync {
    /// See [`forward::forward`].
    fn forward(&self, block: Block, images: Images, ahead: Images, logits: &mut [Lanes]);

    /// See [`backward::backward`].
    fn backward(&self, batch: Batch, features: Features);

    /// See [`objective::gradient`].
    fn gradient(&self, objective: Objective, partials: Partials, labels: &[u8; LANES], dlogits: &mut [Lanes]);

    /// See [`objective::score`].
    fn score(&self, objective: Objective, logits: &mut [Lanes], labels: &[u8; LANES]) -> Score;

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
        Isa::Avx2 => Avx2::detect().map(|isa| Box::new(isa) as _),
        #[cfg(not(target_arch = "x86_64"))]
        Isa::Avx512 | Isa::Avx2 => None,
        Isa::Portable => Some(Box::new(Portable) as _),
    };
    detected.ok_or_else(|| {
        let available: Vec<_> = Isa::available().map(Isa::name).collect();
        Error::setting("isa", format!("one that this machine has: {}", available.join(", ")), isa.name())
    })
}

/// Compiles a kernel for an instruction set: whatever the kernel calls is inlined into a function that may use its
/// instructions.
macro_rules! compile {
    ($isa:ident, $($features:literal)?, $kernel:expr,
        fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?) => {
        fn $name(&self, $($argument: $type),*) $(-> $result)? {
            $(#[target_feature(enable = $features)])?
            fn compiled(isa: $isa, $($argument: $type),*) $(-> $result)? {
                $kernel(isa, $($argument),*)
            }
            compile!(@call $($features)?, compiled(*self, $($argument),*))
        }
    };
    (@call , $call:expr) => { $call };
    (@call $features:literal, $call:expr) => {
        // SAFETY: `self` exists only where the machine has the instructions.
        unsafe { $call }
    };
}
pub(crate) use compile;

/// Compiles all kernels for an instruction set.
macro_rules! compile_kernels {
    ($isa:ident, $vector:ident $(, $features:literal)?) => {
        impl Kernels for $isa {
            compile!($isa, $($features)?, forward::forward::<$vector>,
                fn forward(block: Block, images: Images, ahead: Images, logits: &mut [Lanes]));
            compile!($isa, $($features)?, backward::backward::<$vector>,
                fn backward(batch: Batch, features: Features));
            compile!($isa, $($features)?, objective::gradient::<$vector>,
                fn gradient(objective: Objective, partials: Partials, labels: &[u8; LANES], dlogits: &mut [Lanes]));
            compile!($isa, $($features)?, objective::score::<$vector>,
                fn score(objective: Objective, logits: &mut [Lanes], labels: &[u8; LANES]) -> Score);
            compile!($isa, $($features)?, peak::multiply_adds::<$vector, { $vector::CHAINS }>,
                fn multiply_adds(rounds: usize) -> f64);
            compile!($isa, $($features)?, peak::read::<$vector>,
                fn read(lanes: &[Lanes], passes: usize) -> f64);
        }
    };
}

#[cfg(target_arch = "x86_64")]
compile_kernels!(Avx512, F32x16, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma");
#[cfg(target_arch = "x86_64")]
compile_kernels!(Avx2, F32x8, "avx2,fma");
compile_kernels!(Portable, F32x4);
