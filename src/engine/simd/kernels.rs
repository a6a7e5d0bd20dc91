//! The kernels, compiled once for each instruction set, behind one door.

use super::backward::{self, Batch, Features};
use super::forward::{self, Block};
use super::images::Images;
use super::softmax::{self, Judged, Partials};
use super::vector::{LANES, Lanes};

/// The kernels of one instruction set. A value exists only where the machine has it.
pub(super) trait Kernels: Send + Sync {
    /// See [`forward::forward`].
    fn forward(&self, block: Block, images: Images, ahead: Images, logits: &mut [Lanes]);

    /// See [`backward::backward`].
    fn backward(&self, batch: Batch, features: Features);

    /// See [`softmax::softmax_cross_entropy`].
    fn softmax_cross_entropy(&self, partials: Partials, labels: &[u8; LANES], dlogits: &mut [Lanes]);

    /// See [`softmax::judge_softmax`].
    fn judge_softmax(&self, logits: &mut [Lanes], labels: &[u8; LANES]) -> Judged;
}

/// Compiles the kernels for an instruction set: all that one of them calls is inlined into a function that may use
/// its instructions.
macro_rules! compile_kernels {
    ($isa:ident, $vector:ident $(, $features:literal)?) => {
        impl Kernels for $isa {
            compile_kernels!(@one $isa, $($features)?, forward::forward::<$vector>,
                fn forward(block: Block, images: Images, ahead: Images, logits: &mut [Lanes]));
            compile_kernels!(@one $isa, $($features)?, backward::backward::<$vector>,
                fn backward(batch: Batch, features: Features));
            compile_kernels!(@one $isa, $($features)?, softmax::softmax_cross_entropy::<$vector>,
                fn softmax_cross_entropy(partials: Partials, labels: &[u8; LANES], dlogits: &mut [Lanes]));
            compile_kernels!(@one $isa, $($features)?, softmax::judge_softmax::<$vector>,
                fn judge_softmax(logits: &mut [Lanes], labels: &[u8; LANES]) -> Judged);
        }
    };
    (@one $isa:ident, $($features:literal)?, $kernel:expr,
        fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?) => {
        fn $name(&self, $($argument: $type),*) $(-> $result)? {
            $(#[target_feature(enable = $features)])?
            fn compiled(isa: $isa, $($argument: $type),*) $(-> $result)? {
                $kernel(isa, $($argument),*)
            }
            compile_kernels!(@call $($features)?, compiled(*self, $($argument),*))
        }
    };
    (@call , $call:expr) => { $call };
    (@call $features:literal, $call:expr) => {
        // SAFETY: `self` exists only where the machine has the instructions.
        unsafe { $call }
    };
}

pub(super) use compile_kernels;

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::super::avx2::{Avx2, F32x8};
    use super::super::avx512::{Avx512, F32x16};
    use super::*;

    compile_kernels!(Avx512, F32x16, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma");
    compile_kernels!(Avx2, F32x8, "avx2,fma");
}

mod portable {
    use super::super::portable::{F32x4, Portable};
    use super::*;

    compile_kernels!(Portable, F32x4);
}
