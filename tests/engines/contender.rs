//! Every engine.

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use onelayer::engine::{Engine, EngineKind, Isa, Machine, Problem, Team};
use onelayer::gradient_check::{Precision, engine_gradient, reference_gradient, tolerance};

use crate::case::Case;
use onelayer::samples::Element;

/// The two threads on which most engines of all cases run.
pub static TEAM: LazyLock<Team> = LazyLock::new(|| team(2));

fn team(threads: usize) -> Team {
    Team::new(NonZeroUsize::new(threads).unwrap()).unwrap()
}

/// An engine under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    kind: EngineKind,
    isa: Option<Isa>,
}

impl Contender {
    /// The f64 oracle. It has no use for a team.
    pub const REFERENCE: Self = Self { kind: EngineKind::Reference, isa: None };
    pub const GEMM: Self = Self { kind: EngineKind::Gemm, isa: None };
    /// Every engine that works on a team, on the fastest instruction set: others have the same bits.
    pub const TEAMS: [Self; 3] =
        [Self::GEMM, Self { kind: EngineKind::Simd, isa: None }, Self { kind: EngineKind::Fixed, isa: None }];
    pub const ALL: [Self; 4] = [Self::TEAMS[0], Self::TEAMS[1], Self::TEAMS[2], Self::REFERENCE];

    /// Those of [`Contender::TEAMS`] that read features of this kind.
    pub fn of(element: Element) -> impl Iterator<Item = Self> {
        Self::TEAMS.into_iter().filter(move |contender| contender.reads(element))
    }

    /// Whether it reads features of this kind.
    pub fn reads(self, element: Element) -> bool {
        self.kind != EngineKind::Fixed || element == Element::U8
    }

    /// The engines whose kernels are compiled for each instruction set, on this one.
    pub fn fused(isa: Isa) -> [Self; 2] {
        [EngineKind::Simd, EngineKind::Fixed].map(|kind| Self { kind, isa: Some(isa) })
    }

    /// What its arithmetic rounds to.
    pub fn precision(self) -> Precision {
        Precision::of(self.kind)
    }

    /// An engine at the beginning of this problem.
    pub fn engine(self, problem: &Problem, threads: usize) -> Box<dyn Engine> {
        let team = if threads == 2 { TEAM.handle() } else { team(threads) };
        let engine = Machine { engine: self.kind, isa: self.isa, team }.engine(problem).unwrap();
        let ran = self.isa.is_none_or(|isa| engine.info().isa == isa.name());
        assert!(ran, "an instruction set that was forced and did not run");
        engine
    }

    /// On two threads.
    pub fn create(self, case: &Case) -> Box<dyn Engine> {
        self.engine(&case.problem(), 2)
    }

    /// The gradient of each run, from one step over all images.
    pub fn gradients(self, case: &Case) -> Vec<Vec<f64>> {
        let (samples, Case { parameters, standardization, lambda, .. }) = (case.samples(), case);
        let objective = &case.objective;
        if self == Self::REFERENCE {
            let of_run =
                |(run, &lambda)| reference_gradient(run, standardization, objective, &samples, lambda);
            return parameters.iter().zip(lambda).map(|run| of_run(run).unwrap()).collect();
        }
        engine_gradient(&mut *self.create(case), parameters, &samples, lambda).unwrap()
    }

    /// The gradient of the first run.
    pub fn gradient(self, case: &Case) -> Vec<f64> {
        self.gradients(case).swap_remove(0)
    }

    /// What each entry of a run's gradient may be off by.
    pub fn tolerance(self, case: &Case, run: usize) -> Vec<f64> {
        let Case { parameters, standardization, objective, lambda, .. } = case;
        tolerance(
            &case.samples(),
            standardization,
            objective,
            &parameters[run],
            lambda[run],
            self.precision(),
        )
    }
}
