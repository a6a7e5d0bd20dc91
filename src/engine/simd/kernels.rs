//! The kernels, compiled once for each instruction set, behind one door.

use super::evaluate::{self, Scoring, Share};
use super::train::{self, Training};
use crate::engine::Member;
use crate::samples::{Rows, Samples};

/// The work of one member of a team, by one instruction set. A value exists only where the machine has it.
pub(super) trait Kernels: Send + Sync {
    /// See [`train::train`].
    fn train(&self, job: &Training, member: &Member) -> Vec<f32>;

    /// See [`evaluate::evaluate`].
    fn evaluate(&self, scoring: &Scoring, samples: &Samples, member: &Member) -> Share;

    /// See [`evaluate::logits`].
    fn logits(&self, scoring: &Scoring, rows: &Rows, member: &Member) -> Vec<f32>;
}

/// Compiles the kernels for an instruction set: everything they call is inlined into one function that may use
/// its instructions.
macro_rules! compile_kernels {
    ($isa:ident, $vector:ident $(, $feature:literal)?) => {
        impl Kernels for $isa {
            fn train(&self, job: &Training, member: &Member) -> Vec<f32> {
                $(#[target_feature(enable = $feature)])?
                fn shell(isa: $isa, job: &Training, member: &Member) -> Vec<f32> {
                    train::train::<$vector>(isa, job, member)
                }
                compile_kernels!(@call $($feature)?, shell(*self, job, member))
            }

            fn evaluate(&self, scoring: &Scoring, samples: &Samples, member: &Member) -> Share {
                $(#[target_feature(enable = $feature)])?
                fn shell(isa: $isa, scoring: &Scoring, samples: &Samples, member: &Member) -> Share {
                    evaluate::evaluate::<$vector>(isa, scoring, samples, member)
                }
                compile_kernels!(@call $($feature)?, shell(*self, scoring, samples, member))
            }

            fn logits(&self, scoring: &Scoring, rows: &Rows, member: &Member) -> Vec<f32> {
                $(#[target_feature(enable = $feature)])?
                fn shell(isa: $isa, scoring: &Scoring, rows: &Rows, member: &Member) -> Vec<f32> {
                    evaluate::logits::<$vector>(isa, scoring, rows, member)
                }
                compile_kernels!(@call $($feature)?, shell(*self, scoring, rows, member))
            }
        }
    };
    (@call , $call:expr) => { $call };
    (@call $feature:literal, $call:expr) => {
        // SAFETY: `self` exists only where the machine has the instructions.
        unsafe { $call }
    };
}

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
