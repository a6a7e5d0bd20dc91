//! Instruction sets by name, and which of them this machine has.

use super::kernels::Kernels;
use super::portable::Portable;
use crate::error::{Error, Result};

/// An instruction set that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
    /// AVX2 and FMA.
    Avx2,
    /// What the compiler makes of plain code: NEON on aarch64.
    Portable,
}

impl Isa {
    /// Every instruction set, the fastest first.
    pub const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Portable];

    /// The name that people type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        }
    }

    /// The instruction set of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|isa| isa.name() == name)
    }

    /// Those that this machine has, the fastest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|isa| isa.detect().is_some())
    }

    /// The fastest one that this machine has.
    pub fn fastest() -> Self {
        Self::available().next().expect("every machine runs portable code")
    }

    /// Whether it is more than an oracle here: whether its multiply-adds are vector instructions.
    pub fn is_vectorized(self) -> bool {
        self != Self::Portable || cfg!(target_arch = "aarch64") || cfg!(target_feature = "fma")
    }

    /// The kernels for it.
    ///
    /// # Errors
    /// If this machine does not have it; the error lists what it has.
    pub(super) fn kernels(self) -> Result<Box<dyn Kernels>> {
        self.detect().ok_or_else(|| {
            let available: Vec<_> = Self::available().map(Self::name).collect();
            Error::setting("isa", format!("one that this machine has: {}", available.join(", ")), self.name())
        })
    }

    #[cfg(target_arch = "x86_64")]
    fn detect(self) -> Option<Box<dyn Kernels>> {
        use super::{avx2::Avx2, avx512::Avx512};
        Some(match self {
            Self::Avx512 => Box::new(Avx512::detect()?),
            Self::Avx2 => Box::new(Avx2::detect()?),
            Self::Portable => Box::new(Portable),
        })
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn detect(self) -> Option<Box<dyn Kernels>> {
        (self == Self::Portable).then(|| Box::new(Portable) as _)
    }
}
