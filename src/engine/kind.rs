//! Which engine, by name.

use crate::samples::Element;

/// An engine, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineKind {
    /// The fastest one on this machine whose results are as good: in training, fixed where that is shown by the data; else
    /// simd where its kernels have vector instructions, and gemm where not.
    #[default]
    Auto,
    /// The fused kernels.
    Simd,
    /// The fused kernels in 16-bit fixed point.
    Fixed,
    /// Matrix products by matrixmultiply, in parallel by rayon.
    Gemm,
    /// The oracle, in f64.
    Reference,
}

impl EngineKind {
    /// Every engine.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Simd, Self::Fixed, Self::Gemm, Self::Reference];

    /// The name that people type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Simd => "simd",
            Self::Fixed => "fixed",
            Self::Gemm => "gemm",
            Self::Reference => "reference",
        }
    }

    /// Whether engines of this kind compute with such features in levels, as they multiply bytes alone.
    pub fn takes_levels_of(self, element: Element) -> bool {
        self == Self::Fixed && element == Element::F32
    }

    /// The engine of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
