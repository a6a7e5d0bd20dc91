//! What trains: an engine, an instruction set and threads; from these and a problem, an engine is built.

use super::contract::Engine;
use super::fused::{Fused, Isa, suitability};
use super::gemm::Gemm;
use super::kind::EngineKind;
use super::problem::Problem;
use super::reference::Reference;
use super::team::Team;
use crate::error::{Error, Result};
use crate::samples::Element;

/// Which engine is to work on which threads.
pub struct Machine {
    /// The engine.
    pub engine: EngineKind,
    /// The instruction set of the fused kernels; the fastest one where there is none.
    pub isa: Option<Isa>,
    /// The threads.
    pub team: Team,
}

/// Training by `fixed` is as good as by `simd` where rounding moves logits by no more than this part of their size: batches are
/// samples, which move gradients by more than a hundredth of theirs.
const EXACT: f64 = 2e-4;
/// It is as fast where no more than one feature in so many is an outlier.
const RARE: usize = 100;

impl Machine {
    /// An engine that trains on `problem`, and why it is this one, where `auto` chose it. `in_batches`: whether each step takes
    /// some of the samples, so that gradients have the noise of samples.
    ///
    /// # Errors
    /// As [`Machine::engine`].
    ///
    /// # Panics
    /// As [`Machine::engine`].
    pub fn trainer(&self, problem: &Problem, in_batches: bool) -> Result<(Box<dyn Engine>, Option<String>)> {
        if self.engine != EngineKind::Auto {
            return Ok((self.engine(problem)?, None));
        }
        let (rounding, outliers) = suitability(&problem.standardization.std);
        let (fits, reason) = match problem.element {
            Element::F32 => (false, "fixed would round features to bytes".into()),
            Element::U8 if !self.is_vectorized() => (false, "no vector instructions".into()),
            Element::U8 if self.isa.is_none() && Isa::fastest() == Isa::Portable => {
                (false, "fixed has no kernels for the vector instructions of this machine".into())
            }
            Element::U8 if !in_batches => (false, "gradients of all samples need every digit".into()),
            Element::U8 if outliers * RARE > problem.standardization.std.len() => {
                (false, format!("fixed would multiply {outliers} features apart, which is slow"))
            }
            Element::U8 if rounding > EXACT => {
                (false, format!("rounding in fixed would move logits by some {rounding:.0e} of their size"))
            }
            Element::U8 => (true, format!("rounding moves logits by some {rounding:.0e} of their size")),
        };
        let engine = if fits { EngineKind::Fixed } else { EngineKind::Auto };
        let chosen = Self { engine, isa: self.isa, team: self.team.handle() };
        Ok((chosen.engine(problem)?, Some(reason)))
    }

    fn is_vectorized(&self) -> bool {
        self.isa.is_some() || Isa::fastest().is_vectorized()
    }

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
            EngineKind::Auto if self.is_vectorized() => EngineKind::Simd,
            EngineKind::Auto => EngineKind::Gemm,
            kind => kind,
        };
        let (isa, team) = (self.isa.unwrap_or(fastest), self.team.handle());
        Ok(match (kind, self.isa) {
            (EngineKind::Gemm | EngineKind::Reference, Some(isa)) => {
                let found = format!("{} with engine {}", isa.name(), kind.name());
                return Err(Error::setting("isa", "auto, or engine simd or fixed", found));
            }
            (EngineKind::Reference, None) => Box::new(Reference::new(problem)),
            (EngineKind::Gemm, None) => Box::new(Gemm::new(problem, team)),
            (EngineKind::Fixed, _) => Box::new(Fused::fixed(isa, problem, team)?),
            (EngineKind::Auto | EngineKind::Simd, _) => Box::new(Fused::simd(isa, problem, team)?),
        })
    }
}
