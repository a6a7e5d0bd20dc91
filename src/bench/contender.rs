//! What is measured: an engine, its instruction set, its number of threads.

use crate::bench::Workload;
use crate::engine::{Engine, EngineKind, Fused, Isa, Machine, Team};
use crate::error::Result;

/// An engine, an instruction set and a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    /// The engine; `auto` is none.
    pub kind: EngineKind,
    /// The instruction set of an engine with fused kernels.
    pub isa: Option<Isa>,
}

impl Contender {
    /// Those of this machine that `kind` and `isa` leave, where they say anything; without `all`, only those that
    /// people would train with.
    pub fn list(kind: EngineKind, isa: Option<Isa>, all: bool) -> Vec<Self> {
        let on_each = |kind| Isa::available().map(move |isa| Self { kind, isa: Some(isa) });
        let fused = [EngineKind::Simd, EngineKind::Fixed].into_iter().flat_map(on_each);
        let others = [EngineKind::Gemm, EngineKind::Reference].map(|kind| Self { kind, isa: None });
        let named = |one: &Self| match (kind, isa) {
            (EngineKind::Auto, None) => all || one.is_fast(),
            (EngineKind::Auto, isa) => one.isa == isa,
            (kind, None) => one.kind == kind && (all || one.isa.is_none() || one.is_fast()),
            (kind, isa) => one.kind == kind && one.isa == isa,
        };
        fused.chain(others).filter(named).collect()
    }

    /// Whether people would train with it: not an oracle.
    pub fn is_fast(&self) -> bool {
        self.kind != EngineKind::Reference && self.isa.is_none_or(Isa::is_vectorized)
    }

    /// The engine, at the beginning of `workload`.
    ///
    /// # Errors
    /// If this machine lacks the instruction set.
    pub fn engine(&self, workload: &Workload, team: Team) -> Result<Box<dyn Engine>> {
        Machine { engine: self.kind, isa: self.isa, team }.engine(&workload.problem())
    }

    /// The engine with its stages apart, where it has any.
    ///
    /// # Errors
    /// If this machine lacks the instruction set.
    pub fn staged(&self, workload: &Workload, team: Team) -> Result<Option<Fused>> {
        let create = if self.kind == EngineKind::Fixed { Fused::fixed } else { Fused::simd };
        let engine = |isa| create(isa, &workload.problem(), team);
        self.isa.map(engine).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_leave_what_they_name() {
        let list = |kind, isa, all| Contender::list(kind, isa, all);
        let everything = list(EngineKind::Auto, None, true);
        assert_eq!(everything.len(), 2 * Isa::available().count() + 2);
        assert!(list(EngineKind::Auto, None, false).iter().all(Contender::is_fast));
        let gemm = Contender { kind: EngineKind::Gemm, isa: None };
        assert_eq!(list(EngineKind::Gemm, None, false), [gemm]);
        let portable = [EngineKind::Simd, EngineKind::Fixed];
        let portable = portable.map(|kind| Contender { kind, isa: Some(Isa::Portable) });
        assert_eq!(list(EngineKind::Auto, Some(Isa::Portable), false), portable);
        assert_eq!(list(EngineKind::Fixed, Some(Isa::Portable), true), portable[1..]);
        assert_eq!(list(EngineKind::Gemm, Some(Isa::Portable), true), []);
    }
}
