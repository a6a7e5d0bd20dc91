//! Every engine computes what the reference computes: gradients, losses, predictions, logits.
//!
//! A gradient is one real step of the real engine: weights before and after are subtracted and divided by eta, a
//! power of two, so that what is compared passed through the code that trains.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::common::{Build, ENGINES, Problem, REFERENCE, Sizes};
use onelayer::engine::{Batches, Engine, Evaluation, Step};
use onelayer::model::Parameters;
use onelayer::samples::{Rows, Samples};
use proptest::prelude::*;

/// So large a learning rate that the weight before the step hardly adds to the rounding of the one after it.
const GRADIENT_ETA: f32 = 1024.0;
const EPS: f64 = f32::EPSILON as f64;

/// How far an f32 engine may be from the f64 one.
///
/// - A logit is a sum of D products of a weight, within `weight` of 0, and a standardized pixel of about 1. The
///   partial sums grow like a random walk, to `sqrt(D) weight`, and each of the D roundings is off by up to EPS/2
///   of its partial sum. So the sum is off by about `EPS D weight / 5`; five times that is allowed, and a few EPS
///   for exponential, quotient and bias.
/// - A probability is off by at most half of what its logits are off by. A gradient is a mean over B images of
///   such differences times pixels of up to 3; its own B roundings add `EPS sqrt(B)`.
/// - Rounding to f32 at the end is relative to the value, and so is the decay: RTOL.
///
/// The fixed engine rounds a scaled weight and a dlogit by up to QUANTUM of the largest beside it. In a logit, D weights
/// of up to `weight / std`, with std at least 0.2, meet pixels within 0.6 of their mean; in a gradient, each dlogit, at
/// most 1, meets a standardized pixel of at most 3. No luck is taken for granted here: all may err one way.
struct Tolerance {
    logit: f64,
    gradient: f64,
}

const RTOL: f64 = 16.0 * EPS;

/// Half of 2^-14, the scale of fixed-point numbers whose largest is 1, and 1/128 for their headroom.
const QUANTUM: f64 = 129.0 / 128.0 / 32_768.0;

impl Tolerance {
    fn new(sizes: Sizes, weight: f32) -> Self {
        let logit = EPS * (sizes.features as f64 * f64::from(weight) + 8.0);
        Self { logit, gradient: 3.0 * (logit + EPS * (sizes.batch as f64).sqrt()) }
    }

    /// That of the engine of this name.
    fn of(name: &str, sizes: Sizes, weight: f32) -> Self {
        let Self { logit, gradient } = Self::new(sizes, weight);
        let quantum = if name.starts_with("fixed") { QUANTUM } else { 0.0 };
        let rounded = quantum * sizes.features as f64 * f64::from(weight) * 0.6 / 0.2;
        Self { logit: logit + rounded, gradient: gradient + 3.0 * (rounded + quantum) }
    }
}

/// Demands `|actual - expected| <= atol + RTOL |expected|` of every element; NaN never passes.
fn compare(what: &str, actual: &[f64], expected: &[f64], atol: f64) -> Result<(), String> {
    if actual.len() != expected.len() {
        return Err(format!("{what}: {} values, expected {}", actual.len(), expected.len()));
    }
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let tolerance = atol + RTOL * expected.abs();
        let within = (actual - expected).abs() <= tolerance;
        if !within {
            return Err(format!("{what}[{index}]: {actual}, expected {expected} within {tolerance:e}"));
        }
    }
    Ok(())
}

/// Holds the engine that `build` makes to the reference.
fn check((name, build): (&str, Build), sizes: Sizes, weight: f32, seed: u64) -> Result<(), String> {
    let problem = Problem::new(sizes, weight, seed);
    let tolerance = Tolerance::of(name, sizes, weight);
    check_gradient(build, &problem, &tolerance)?;
    check_training(build, &problem, &tolerance)?;
    check_forward(build, &problem, &tolerance)?;
    check_evaluation(build, &problem, &tolerance)
}

fn check_gradient(build: Build, problem: &Problem, tolerance: &Tolerance) -> Result<(), String> {
    let batch = &problem.order[..problem.sizes.batch.min(problem.order.len())];
    let steps: Vec<Step> =
        problem.steps[..problem.sizes.runs].iter().map(|step| Step { eta: GRADIENT_ETA, ..*step }).collect();
    let gradient = |build| update(build, problem, batch, &steps, f64::from(GRADIENT_ETA));
    compare("gradient", &gradient(build), &gradient(REFERENCE.1), tolerance.gradient)
}

/// Several steps at small learning rates. Each adds the error of a gradient, and the rounding of the weights.
fn check_training(build: Build, problem: &Problem, tolerance: &Tolerance) -> Result<(), String> {
    let eta = problem.steps.iter().map(|step| step.eta).fold(0.0, f32::max).into();
    let update = |build| update(build, problem, &problem.order, &problem.steps, eta);
    let largest = problem.parameters.iter().flat_map(|run| &run.weight).fold(0f32, |max, w| max.max(w.abs()));
    let steps = (problem.steps.len() / problem.sizes.runs) as f64;
    let rounding = EPS * f64::from(largest) / eta;
    compare("training", &update(build), &update(REFERENCE.1), steps * (2.0 * tolerance.gradient + rounding))
}

/// What training changes: `(before - after) / eta`, of every run its weights, then its bias.
fn update(build: Build, problem: &Problem, order: &[u32], steps: &[Step], eta: f64) -> Vec<f64> {
    let mut engine = problem.engine(build, 2);
    engine.train(&problem.samples(), Batches { order, steps, ..problem.batches() }).unwrap();
    let flat = |parameters: &[Parameters]| -> Vec<f64> {
        parameters.iter().flat_map(|run| run.weight.iter().chain(&run.bias)).map(|&w| w.into()).collect()
    };
    let (before, after) = (flat(&problem.parameters), flat(&engine.parameters()));
    before.iter().zip(after).map(|(before, after)| (before - after) / eta).collect()
}

fn check_forward(build: Build, problem: &Problem, tolerance: &Tolerance) -> Result<(), String> {
    let logits = |build| -> Vec<f64> {
        problem.logits(&mut *problem.engine(build, 2)).iter().map(|&logit| logit.into()).collect()
    };
    compare("logits", &logits(build), &logits(REFERENCE.1), tolerance.logit)
}

fn check_evaluation(build: Build, problem: &Problem, tolerance: &Tolerance) -> Result<(), String> {
    let evaluate = |build| problem.engine(build, 2).evaluate(&problem.samples()).unwrap();
    let (actual, expected) = (evaluate(build), evaluate(REFERENCE.1));
    let ties = near_ties(problem, 2.0 * tolerance.logit);
    if actual.len() != expected.len() {
        return Err(format!("{} evaluations", actual.len()));
    }
    for (run, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
        let atol = problem.sizes.images as f64 * 2.0 * tolerance.logit;
        compare(&format!("loss of run {run}"), &[actual.loss_sum], &[expected.loss_sum], atol)?;
        let moved = distance(actual, expected);
        if moved > 2 * ties[run] {
            return Err(format!("confusion of run {run}: {moved} counts moved, {} near ties", ties[run]));
        }
    }
    Ok(())
}

/// By how many counts two confusion matrices differ: an image that is predicted otherwise moves two.
fn distance(a: &Evaluation, b: &Evaluation) -> u64 {
    a.confusion.iter().zip(&b.confusion).map(|(a, b)| a.abs_diff(*b)).sum()
}

/// For each run, the images whose two largest logits are closer than `margin`.
fn near_ties(problem: &Problem, margin: f64) -> Vec<u64> {
    let Sizes { classes, runs, images, features, .. } = problem.sizes;
    let samples = problem.samples();
    let bytes: Vec<u8> = (0..images).flat_map(|index| samples.image(index)).copied().collect();
    let mut logits = vec![0.0; images * runs * classes];
    let mut reference = problem.engine(REFERENCE.1, 1);
    reference.forward(&Rows::contiguous(&bytes, features), &mut logits).unwrap();
    let mut ties = vec![0; runs];
    for (index, logits) in logits.chunks_mut(classes).enumerate() {
        logits.sort_by(f32::total_cmp);
        let gap = f64::from(logits[classes - 1]) - f64::from(logits[classes - 2]);
        ties[index % runs] += u64::from(gap <= margin);
    }
    ties
}

const fn sizes(features: usize, classes: usize, runs: usize, images: usize, batch: usize) -> Sizes {
    Sizes { features, classes, runs, images, batch }
}

/// Ends of tiles, blocks, chunks and lanes, one side and the other.
const EDGES: [Sizes; 18] = [
    sizes(1, 2, 1, 4, 1),
    sizes(1, 10, 4, 9, 5),
    sizes(3, 3, 1, 8, 8),
    sizes(15, 4, 2, 31, 16),
    sizes(16, 5, 1, 48, 16),
    sizes(17, 6, 1, 50, 17),
    sizes(63, 7, 3, 40, 13),
    sizes(100, 8, 2, 70, 64),
    sizes(255, 9, 1, 33, 10),
    sizes(257, 11, 1, 65, 32),
    sizes(769, 12, 1, 40, 15),
    sizes(20, 256, 1, 60, 33),
    sizes(20, 255, 2, 20, 9),
    sizes(33, 10, 1, 600, 257),
    sizes(5, 3, 2, 2500, 1100),
    sizes(3072, 10, 1, 250, 100),
    sizes(3072, 10, 4, 120, 100),
    sizes(3073, 2, 1, 30, 1),
];

#[test]
fn every_engine_agrees_with_the_reference_at_the_edges() {
    for (name, build) in ENGINES {
        for (seed, sizes) in (0..).zip(EDGES) {
            check((name, build), sizes, 0.05, seed)
                .unwrap_or_else(|error| panic!("{name}, {sizes:?}: {error}"));
        }
    }
}

#[test]
fn every_engine_agrees_with_the_reference_where_the_softmax_saturates() {
    for (name, build) in ENGINES {
        for (seed, sizes) in (0..).zip([sizes(300, 10, 1, 90, 40), sizes(40, 3, 2, 90, 40)]) {
            check((name, build), sizes, 20.0, seed)
                .unwrap_or_else(|error| panic!("{name}, {sizes:?}: {error}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_engine_agrees_with_the_reference_on_any_sizes(
        features in 1usize..120, classes in 2usize..40, runs in 1usize..5,
        images in 4usize..60, batch in 1usize..60, seed: u64,
    ) {
        for (name, build) in ENGINES {
            let sizes = sizes(features, classes, runs, images, batch.min(images));
            let result = check((name, build), sizes, 0.05, seed);
            prop_assert!(result.is_ok(), "{}, {:?}: {:?}", name, sizes, result);
        }
    }
}

#[test]
fn the_check_rejects_wrong_engines() {
    const GEMM: Build = ENGINES[0].1;
    let wrong: [(&str, Build); 4] = [
        ("the last feature's deviation is 1 % off", |parameters, standardization, team| {
            let mut standardization = standardization.clone();
            *standardization.std.last_mut().unwrap() *= 1.01;
            GEMM(parameters, &standardization, team)
        }),
        ("the last feature's mean is a pixel value off", |parameters, standardization, team| {
            let mut standardization = standardization.clone();
            *standardization.mean.last_mut().unwrap() += 1.0 / 255.0;
            GEMM(parameters, &standardization, team)
        }),
        ("the last run's last weight is lost", |parameters, standardization, team| {
            let mut parameters = parameters.to_vec();
            *parameters.last_mut().unwrap().weight.last_mut().unwrap() = 0.0;
            GEMM(&parameters, standardization, team)
        }),
        ("the last run's bias is lost", |parameters, standardization, team| {
            let mut parameters = parameters.to_vec();
            parameters.last_mut().unwrap().bias.fill(0.0);
            GEMM(&parameters, standardization, team)
        }),
    ];
    let sizes = sizes(257, 10, 2, 60, 32);
    assert_eq!(check(ENGINES[0], sizes, 0.05, 1), Ok(()));
    for (what, build) in wrong {
        let problem = Problem::new(sizes, 0.05, 1);
        let tolerance = Tolerance::new(sizes, 0.05);
        for check in [check_gradient, check_training] {
            assert!(check(build, &problem, &tolerance).is_err(), "{what}");
        }
        assert!(
            check_forward(build, &problem, &tolerance).is_err()
                && check_evaluation(build, &problem, &tolerance).is_err(),
            "{what}"
        );
    }
    assert!(compare("unwritten", &[f64::NAN], &[0.0], 1.0).is_err());
    assert!(compare("short", &[], &[0.0], 1.0).is_err());
}

#[test]
fn of_equal_logits_the_first_is_predicted() {
    let problem = Problem::new(sizes(40, 7, 2, 300, 1), 0.05, 3);
    let zeros = vec![Parameters::zeros(7, 40); 2];
    for (name, build) in ENGINES.into_iter().chain([REFERENCE]) {
        let mut engine = build(&zeros, &problem.standardization, crate::common::team(2));
        for evaluation in engine.evaluate(&problem.samples()).unwrap() {
            let predicted_first: u64 = evaluation.confusion.iter().step_by(7).sum();
            assert_eq!((evaluation.images(), predicted_first), (300, 300), "{name}");
            assert!((evaluation.loss_sum - 300.0 * 7f64.ln()).abs() < 300.0 * 2.0 * EPS, "{name}");
        }
    }
}

#[test]
fn no_image_at_all_is_fine() {
    let problem = Problem::new(sizes(40, 7, 2, 8, 4), 0.05, 3);
    let samples = problem.samples().slice(0..0);
    for (name, build) in ENGINES.into_iter().chain([REFERENCE]) {
        let mut engine = problem.engine(build, 2);
        let state = engine.state();
        engine.train(&samples, Batches { order: &[], size: 4, steps: &[] }).unwrap();
        assert!(engine.state() == state, "{name}");
        assert_eq!(engine.evaluate(&samples).unwrap(), vec![Evaluation::empty(7); 2], "{name}");
        engine.forward(&Rows::contiguous(&[], 40), &mut []).unwrap();
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let problem = Problem::new(sizes(40, 7, 1, 8, 4), 0.05, 3);
    let (samples, step) = (problem.samples(), problem.steps[0]);
    let label = [7; 8];
    let bytes = [0; 320];
    let mislabelled = Samples::new(Rows::contiguous(&bytes, 40), Rows::contiguous(&label, 1));
    let narrow = Samples::new(Rows::contiguous(&bytes, 20), Rows::contiguous(&[0; 16], 1));
    for (name, build) in ENGINES.into_iter().chain([REFERENCE]) {
        let refused = |what: &str, call: &dyn Fn(&mut dyn Engine) -> onelayer::Result<()>| {
            let result = catch_unwind(AssertUnwindSafe(|| call(&mut *problem.engine(build, 2))));
            assert!(!matches!(result, Ok(Ok(()))), "{name}: {what}");
        };
        refused("an index past the end", &|engine| {
            engine.train(&samples, Batches { order: &[8], size: 4, steps: &[step] })
        });
        refused("a step too few", &|engine| {
            engine.train(&samples, Batches { order: &[0, 1], size: 1, steps: &[step] })
        });
        refused("a step too many", &|engine| {
            engine.train(&samples, Batches { order: &[0, 1], size: 2, steps: &[step; 2] })
        });
        refused("a batch of none", &|engine| {
            engine.train(&samples, Batches { order: &[0], size: 0, steps: &[step] })
        });
        refused("a label of K", &|engine| {
            engine.train(&mislabelled, Batches { order: &[0], size: 4, steps: &[step] })
        });
        refused("a label of K", &|engine| engine.evaluate(&mislabelled).map(|_| ()));
        refused("narrow images", &|engine| {
            engine.train(&narrow, Batches { order: &[0], size: 4, steps: &[step] })
        });
        refused("narrow images", &|engine| engine.evaluate(&narrow).map(|_| ()));
        refused("narrow rows", &|engine| engine.forward(&Rows::contiguous(&bytes, 20), &mut [0.0; 112]));
        refused("logits too few", &|engine| engine.forward(&problem.rows(), &mut [0.0; 7]));
    }
}
