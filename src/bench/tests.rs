//! A wrong result has no time.

use std::num::NonZeroUsize;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::roofline::Budget;
use super::{Contender, Oracle, Task, Workload};
use crate::engine::{EngineKind, Team};
use crate::error::Error;
use crate::model::{Parameters, Standardization};
use crate::objective::Objective;
use crate::samples::{Rows, Samples};
use crate::train::{Settings, Splits};

const IMAGES: usize = 60;
const FEATURES: usize = 50;

/// What a contender does wrong, because it is given something else than the oracle was: other weights to begin
/// with, or another learning rate.
type Mistake = fn(&mut Workload);
const WEIGHT: Mistake = |workload| workload.initial.weight[7] += 1.0;
const RATE: Mistake = |workload| workload.settings.eta *= 2.0;
/// Half of the images.
const HALF: Mistake = |workload| workload.splits.train = workload.splits.train.slice(0..IMAGES / 2);

/// Calls `check` with what is to be done on images of noise.
fn with_workload(check: impl FnOnce(Workload)) {
    let mut bytes = vec![0; IMAGES * (FEATURES + 1)];
    Xoshiro256PlusPlus::seed_from_u64(0).fill_bytes(&mut bytes);
    let (pixels, labels) = bytes.split_at_mut(IMAGES * FEATURES);
    labels.iter_mut().for_each(|label| *label %= 4);
    let samples = Samples::new(Rows::contiguous(pixels, FEATURES), Rows::contiguous(labels, 1));
    check(Workload {
        splits: Splits {
            train: samples.clone(),
            validation: samples.clone(),
            classes: &["a", "b", "c", "d"].map(String::from),
        },
        standardization: &Standardization::measure(&samples),
        initial: Parameters::random(4, FEATURES, 0),
        settings: Settings { batch: 10, epochs: 2, ..Settings::default() },
        objective: Objective::default(),
        files: None,
    });
}

#[test]
fn only_a_right_result_is_timed() {
    let kinds = [EngineKind::Simd, EngineKind::Fixed, EngineKind::Gemm];
    with_workload(|right| {
        let mut oracle = Oracle::new(&right).unwrap();
        let team = Team::new(NonZeroUsize::MIN).unwrap();
        let budget = Budget { each: Duration::ZERO, repetitions: (1, 1) };
        for (kind, task) in kinds.into_iter().flat_map(|kind| Task::ALL.map(|task| (kind, task))) {
            let isa = Contender::list(kind, None, false)[0].isa;
            let contender = Contender { kind, isa };
            let mut measure =
                |workload: &Workload| task.measure(contender, &team, workload, &mut oracle, budget);
            let what = format!("{} of {}", task.name(), kind.name());
            let timed = measure(&right).unwrap();
            let lacks = matches!(task, Task::Stage(_)) && isa.is_none() || task == Task::Accuracy;
            let may_lack = task == Task::Optimum && kind == EngineKind::Fixed;
            assert!(timed.is_none() == lacks || may_lack, "{what}");
            let mistakes: &[Mistake] = match task {
                Task::Stage(_) | Task::Evaluation => &[WEIGHT],
                Task::Gradient => &[WEIGHT, HALF],
                Task::Epoch => &[WEIGHT, RATE],
                // A run draws its own weights.
                Task::Run => &[RATE],
                // Where it does not get to the optimum, it has no time; without files, there is no accuracy.
                Task::Optimum | Task::Accuracy => &[],
            };
            for mistake in mistakes.iter().filter(|_| timed.is_some()) {
                let mut wrong = right.clone();
                mistake(&mut wrong);
                let found = measure(&wrong);
                assert!(matches!(found, Err(Error::Incorrect { .. })), "{what}: {found:?}");
            }
        }
    });
}

#[test]
fn the_optimum_is_proven_and_nothing_else_passes_for_it() {
    with_workload(|workload| {
        let mut oracle = Oracle::new(&workload).unwrap();
        let team = Team::new(NonZeroUsize::MIN).unwrap();
        let budget = Budget { each: Duration::ZERO, repetitions: (1, 1) };
        let contender = Contender { kind: EngineKind::Reference, isa: None };
        let mut measure =
            |workload: &Workload| Task::Optimum.measure(contender, &team, workload, &mut oracle, budget);
        assert!(measure(&workload).unwrap().is_some());
        let mut other = workload.clone();
        HALF(&mut other);
        assert!(measure(&other).unwrap().is_none(), "the optimum of half of the images");
    });
}
