//! Which engine, and which instruction set, by name.

use super::{Engine, Gemm, Reference, Team};
use crate::data::Standardization;
use crate::error::Result;
use crate::model::Parameters;
use crate::objective::Objective;

/// An engine, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineKind {
    /// The fastest one that this machine can run.
    #[default]
    Auto,
    /// Products by matrixmultiply, shared out by rayon.
    Gemm,
    /// The oracle, in f64.
    Reference,
}

impl EngineKind {
    /// Every engine.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Gemm, Self::Reference];

    /// The name that people type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Gemm => "gemm",
            Self::Reference => "reference",
        }
    }

    /// The engine of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// An engine for the runs of `parameters`.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn create(
        self,
        parameters: &[Parameters],
        standardization: &Standardization,
        objective: Objective,
        team: Team,
    ) -> Result<Box<dyn Engine>> {
        Ok(match self {
            Self::Auto | Self::Gemm => Box::new(Gemm::new(parameters, standardization, objective, team)),
            Self::Reference => Box::new(Reference::new(parameters, standardization, objective)),
        })
    }
}
