//! What is measured: an engine, its instruction set, its number of threads.

use crate::bench::Workload;
use crate::engine::{Engine, EngineKind, Isa, Simd, Team};
use crate::error::Result;
use crate::objective::Objective;

/// An engine, an instruction set and a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    /// The engine; `auto` is none.
    pub kind: EngineKind,
    /// The instruction set of a simd engine.
    pub isa: Option<Isa>,
}

impl Contender {
    /// Those of this machine that `kind` and `isa` leave, where they say anything; without `all`, only those that
    /// people would train with.
    pub fn list(kind: EngineKind, isa: Option<Isa>, all: bool) -> Vec<Self> {
        let simd = Isa::available().map(|isa| Self { kind: EngineKind::Simd, isa: Some(isa) });
        let others = [EngineKind::Gemm, EngineKind::Reference].map(|kind| Self { kind, isa: None });
        let named = |one: &Self| match (kind, isa) {
            (EngineKind::Auto, None) => all || one.is_fast(),
            (EngineKind::Auto, isa) => one.isa == isa,
            (kind, None) => one.kind == kind && (all || kind != EngineKind::Simd || one.is_fast()),
            (kind, isa) => one.kind == kind && one.isa == isa,
        };
        simd.chain(others).filter(named).collect()
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
        let initial = std::slice::from_ref(&workload.initial);
        self.kind.create(self.isa, initial, workload.standardization, Objective::default(), team)
    }

    /// The engine with its stages apart, where it has any.
    ///
    /// # Errors
    /// If this machine lacks the instruction set.
    pub fn staged(&self, workload: &Workload, team: Team) -> Result<Option<Simd>> {
        let initial = std::slice::from_ref(&workload.initial);
        let engine = |isa| Simd::new(isa, initial, workload.standardization, Objective::default(), team);
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
        assert_eq!(everything.len(), Isa::available().count() + 2);
        assert!(list(EngineKind::Auto, None, false).iter().all(Contender::is_fast));
        let gemm = Contender { kind: EngineKind::Gemm, isa: None };
        assert_eq!(list(EngineKind::Gemm, None, false), [gemm]);
        let portable = Contender { kind: EngineKind::Simd, isa: Some(Isa::Portable) };
        assert_eq!(list(EngineKind::Auto, Some(Isa::Portable), false), [portable]);
        assert_eq!(list(EngineKind::Gemm, Some(Isa::Portable), true), []);
    }
}
