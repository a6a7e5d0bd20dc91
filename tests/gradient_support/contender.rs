//! Every engine, by name, on one team of threads.

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use onelayer::engine::{Engine, EngineKind, Team};
use onelayer::gradient_check::{UNIT_F32, UNIT_F64, engine_gradient, flat, reference_gradient, tolerance};
use onelayer::objective::Objective;

use crate::gradient_support::problem::Problem;

/// The threads on which all engines of all cases run.
static TEAM: LazyLock<Team> =
    LazyLock::new(|| Team::new(NonZeroUsize::new(2).expect("not 0")).expect("two threads"));

/// An engine under test.
#[derive(Clone, Copy, Debug)]
pub struct Contender {
    pub kind: EngineKind,
}

impl Contender {
    /// The f64 oracle.
    pub const REFERENCE: Self = Self { kind: EngineKind::Reference };

    /// All of them. `auto` is one of the others.
    pub fn all() -> impl Iterator<Item = Self> {
        EngineKind::ALL.into_iter().filter(|&kind| kind != EngineKind::Auto).map(|kind| Self { kind })
    }

    pub fn name(self) -> &'static str {
        self.kind.name()
    }

    /// The roundoff of its arithmetic.
    pub fn unit(self) -> f64 {
        if self.kind == EngineKind::Reference { UNIT_F64 } else { UNIT_F32 }
    }

    pub fn create(self, problem: &Problem) -> Box<dyn Engine> {
        let parameters = std::slice::from_ref(&problem.parameters);
        self.kind
            .create(parameters, &problem.standardization, Objective::default(), TEAM.handle())
            .expect("an engine that this machine can run")
    }

    /// The gradient, from one step.
    pub fn gradient(self, problem: &Problem) -> Vec<f64> {
        let Problem { parameters, standardization, lambda, .. } = problem;
        let samples = problem.samples();
        let gradient = if self.kind == EngineKind::Reference {
            reference_gradient(parameters, standardization, Objective::default(), &samples, *lambda)
        } else {
            let parameters = std::slice::from_ref(parameters);
            engine_gradient(&mut *self.create(problem), parameters, &samples, &[*lambda])
                .map(|mut gradients| gradients.remove(0))
        };
        let gradient = gradient.expect("a step that does not panic");
        assert_eq!(gradient.len(), flat(parameters).len());
        gradient
    }

    /// What each entry of its gradient may be off by.
    pub fn tolerance(self, problem: &Problem) -> Vec<f64> {
        let Problem { parameters, standardization, lambda, .. } = problem;
        tolerance(&problem.samples(), standardization, parameters, *lambda, self.unit())
    }
}
