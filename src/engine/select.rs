//! Which engine, by name.

use super::{Engine, Gemm, Isa, Reference, Simd, Team};
use crate::data::Standardization;
use crate::error::{Error, Result};
use crate::model::Parameters;
use crate::objective::Objective;

/// An engine, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineKind {
    /// The fastest one on this machine: simd where its kernels have vector instructions, else gemm.
    #[default]
    Auto,
    /// The fused kernels.
    Simd,
    /// The fused kernels in 16-bit fixed point.
    Fixed,
    /// Products by matrixmultiply, shared out by rayon.
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

    /// The engine of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// An engine for the runs of `parameters`. `isa` forces an instruction set on the fused kernels.
    ///
    /// # Errors
    /// If this machine does not have `isa`, or the engine is not one that can be told.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn create(
        self,
        isa: Option<Isa>,
        parameters: &[Parameters],
        standardization: &Standardization,
        objective: Objective,
        team: Team,
    ) -> Result<Box<dyn Engine>> {
        let kind = match self {
            Self::Auto if isa.is_some() || Isa::fastest().is_vectorized() => Self::Simd,
            Self::Auto => Self::Gemm,
            kind => kind,
        };
        Ok(match (kind, isa) {
            (Self::Gemm | Self::Reference, Some(isa)) => {
                let found = format!("{} with --engine {}", isa.name(), kind.name());
                return Err(Error::option("--isa", "auto, or --engine simd or fixed", found));
            }
            (Self::Reference, None) => Box::new(Reference::new(parameters, standardization, objective)),
            (Self::Gemm, None) => Box::new(Gemm::new(parameters, standardization, objective, team)),
            (Self::Fixed, isa) => {
                let isa = isa.unwrap_or_else(Isa::fastest);
                Box::new(Simd::fixed(isa, parameters, standardization, objective, team)?)
            }
            (_, isa) => {
                let isa = isa.unwrap_or_else(Isa::fastest);
                Box::new(Simd::new(isa, parameters, standardization, objective, team)?)
            }
        })
    }
}
