//! Instruction sets: registers of f32 lanes for each, their names, and which of them this machine has.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;
pub(super) mod portable;
pub(super) mod vector;

#[cfg(target_arch = "x86_64")]
use super::fixed::AvxVnni;

/// An instruction set that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
    /// AVX-VNNI, AVX2 and FMA. Its f32 kernels are those of AVX2.
    AvxVnni,
    /// AVX2 and FMA.
    Avx2,
    /// What the compiler makes of plain code: NEON on aarch64.
    Portable,
}

impl Isa {
    /// Every instruction set, the fastest first.
    pub const ALL: [Self; 4] = [Self::Avx512, Self::AvxVnni, Self::Avx2, Self::Portable];

    /// The name that people type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::AvxVnni => "avxvnni",
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        }
    }

    /// The instruction set of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|isa| isa.name() == name)
    }

    /// The instruction sets that this machine has, the fastest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|isa| isa.is_available())
    }

    /// The fastest one that this machine has.
    pub fn fastest() -> Self {
        Self::available().next().expect("every machine runs portable code")
    }

    /// Whether its multiply-adds are vector instructions. Where they are not, it serves as an oracle only.
    pub fn is_vectorized(self) -> bool {
        self != Self::Portable || cfg!(target_arch = "aarch64") || cfg!(target_feature = "fma")
    }

    /// The f32 lanes of one of its registers.
    pub fn lanes(self) -> usize {
        match self {
            Self::Avx512 => 16,
            Self::AvxVnni | Self::Avx2 => 8,
            Self::Portable => 4,
        }
    }

    fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::Avx512::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => AvxVnni::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::Avx2::detect().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512 | Self::AvxVnni | Self::Avx2 => false,
            Self::Portable => true,
        }
    }
}
