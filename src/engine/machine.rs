//! What trains: an engine, an instruction set and threads; from these and a problem, an engine is built.

use super::contract::Engine;
use super::fused::{Fused, Isa};
use super::gemm::Gemm;
use super::kind::EngineKind;
use super::problem::Problem;
use super::reference::Reference;
use super::team::Team;
use crate::error::{Error, Result};

/// Which engine is to work on which threads.
pub struct Machine {
    /// The engine.
    pub engine: EngineKind,
    /// The instruction set of the fused kernels; the fastest one where there is none.
    pub isa: Option<Isa>,
    /// The threads.
    pub team: Team,
}

impl Machine {
    /// An engine for `problem`. Engines of one machine share its threads, and take turns.
    ///
    /// # Errors
    /// If this machine does not have the instruction set, or the engine has none to choose from.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn engine(&self, problem: &Problem) -> Result<Box<dyn Engine>> {
        let fastest = Isa::fastest();
        let kind = match self.engine {
            EngineKind::Auto if self.isa.is_some() || fastest.is_vectorized() => EngineKind::Simd,
            EngineKind::Auto => EngineKind::Gemm,
            kind => kind,
        };
        let (isa, team) = (self.isa.unwrap_or(fastest), self.team.handle());
        Ok(match (kind, self.isa) {
            (EngineKind::Gemm | EngineKind::Reference, Some(isa)) => {
                let found = format!("{} with engine {}", isa.name(), kind.name());
                return Err(Error::option("isa", "auto, or engine simd or fixed", found));
            }
            (EngineKind::Reference, None) => Box::new(Reference::new(problem)),
            (EngineKind::Gemm, None) => Box::new(Gemm::new(problem, team)),
            (EngineKind::Fixed, _) => Box::new(Fused::fixed(isa, problem, team)?),
            (EngineKind::Auto | EngineKind::Simd, _) => Box::new(Fused::simd(isa, problem, team)?),
        })
    }
}
