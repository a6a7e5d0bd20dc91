//! Every engine, on one team of threads.

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use onelayer::engine::{self, Engine, Fused, Gemm, Isa, Reference, Team};
use onelayer::gradient_check::{Precision, engine_gradient, flat, reference_gradient, tolerance};
use onelayer::objective::Objective;

use crate::problem::Problem;

/// The threads on which all engines of all cases run.
static TEAM: LazyLock<Team> =
    LazyLock::new(|| Team::new(NonZeroUsize::new(2).expect("not 0")).expect("two threads"));

/// An engine under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// The f64 oracle.
    Reference,
    Gemm,
    Simd(Isa),
    Fixed(Isa),
}

impl Contender {
    /// Every engine, on every instruction set that this machine has.
    pub fn all() -> impl Iterator<Item = Self> {
        let fused = Isa::available().flat_map(|isa| [Self::Simd(isa), Self::Fixed(isa)]);
        [Self::Reference, Self::Gemm].into_iter().chain(fused)
    }

    /// What its arithmetic rounds to.
    pub fn precision(self) -> Precision {
        match self {
            Self::Reference => Precision::F64,
            Self::Gemm | Self::Simd(_) => Precision::F32,
            Self::Fixed(_) => Precision::FIXED,
        }
    }

    /// The roundoff of its f32 or f64 arithmetic.
    pub fn unit(self) -> f64 {
        self.precision().unit
    }

    pub fn create(self, problem: &Problem) -> Box<dyn Engine> {
        let Problem { parameters, standardization, .. } = problem;
        let initial = std::slice::from_ref(parameters);
        let problem = engine::Problem { initial, standardization, objective: Objective::default() };
        match self {
            Self::Reference => Box::new(Reference::new(&problem)),
            Self::Gemm => Box::new(Gemm::new(&problem, TEAM.handle())),
            Self::Simd(isa) => Box::new(
                Fused::simd(isa, &problem, TEAM.handle()).expect("an instruction set that this machine has"),
            ),
            Self::Fixed(isa) => Box::new(
                Fused::fixed(isa, &problem, TEAM.handle()).expect("an instruction set that this machine has"),
            ),
        }
    }

    /// The gradient, from one step.
    pub fn gradient(self, problem: &Problem) -> Vec<f64> {
        let Problem { parameters, standardization, lambda, .. } = problem;
        let samples = problem.samples();
        let gradient = if self == Self::Reference {
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
        tolerance(&problem.samples(), standardization, parameters, *lambda, self.precision())
    }
}
