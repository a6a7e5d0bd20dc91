//! What is measured: an engine on an instruction set.

use super::workload::Workload;
use crate::engine::{EngineKind, Fused, Isa, Machine, Team};
use crate::error::Result;

/// An engine, and the instruction set that it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    /// The engine; never `auto`.
    pub kind: EngineKind,
    /// The instruction set, for the engines that let it be chosen.
    pub isa: Option<Isa>,
}

impl Contender {
    /// The contenders of this machine: those of engine `kind` and instruction set `isa`, where these are given.
    /// Without `all`, only those that people would train with.
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

    /// Whether people would train with it. The others are references for tests.
    pub fn is_fast(&self) -> bool {
        self.kind != EngineKind::Reference && self.isa.is_none_or(Isa::is_vectorized)
    }

    /// The machine that has it, on `team`.
    pub fn machine(&self, team: Team) -> Machine {
        Machine { engine: self.kind, isa: self.isa, team }
    }

    /// The engine as one whose stages can be run one at a time; none where it has no stages. Fails if this machine lacks
    /// the instruction set.
    pub fn staged(&self, workload: &Workload, team: Team) -> Result<Option<Fused>> {
        let create = if self.kind == EngineKind::Fixed { Fused::fixed } else { Fused::simd };
        let engine = |isa| create(isa, &workload.problem(), team);
        self.isa.map(engine).transpose()
    }
}

/// The instruction sets that `contenders` use, the fastest first: those whose peaks are worth measuring.
pub fn instruction_sets(contenders: &[Contender]) -> Vec<Isa> {
    let uses = |isa: &Isa| contenders.iter().any(|one| one.isa.unwrap_or(Isa::fastest()) == *isa);
    Isa::available().filter(uses).collect()
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
