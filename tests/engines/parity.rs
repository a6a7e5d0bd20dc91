//! Every engine computes what the formulas say and the reference computes: gradients, training, logits, losses,
//! predictions.

use std::panic::{AssertUnwindSafe, catch_unwind};

use onelayer::engine::{Batches, Engine, Evaluation, Gradient, Step};
use onelayer::gradient_check::{Precision, UNIT_F32, flat, logit_tolerance, tolerance};
use onelayer::model::{Parameters, Standardization};
use onelayer::objective::Loss;
use onelayer::samples::{Rows, Samples};
use proptest::prelude::*;

use crate::case::{Aim, Case, Recipe, Sizes, aims, elements};
use crate::checks::{Verdict, close, ensure};
use crate::contender::Contender;
use crate::gradients::of_the_formulas;
use crate::naive::Layer;

/// Holds an engine to what the case is.
fn check(contender: Contender, case: &Case) -> Verdict {
    of_the_formulas(contender, case)?;
    let checks = [check_training, check_forward, check_evaluation, check_gradient];
    checks.iter().try_for_each(|check| check(&mut *contender.create(case), contender.precision(), case))
}

/// An epoch of steps, each held to the reference's step from the parameters that the engine has come to.
fn check_training(engine: &mut dyn Engine, precision: Precision, case: &Case) -> Verdict {
    let Case { standardization, objective, lambda, sizes, .. } = case;
    let (samples, steps) = (case.samples(), case.steps());
    let mut reference = Contender::REFERENCE.create(case);
    let compare =
        |what: &str, found: &[Parameters], expected: &[Parameters], tolerance: &[Vec<f64>]| -> Verdict {
            for (run, (found, expected)) in found.iter().zip(expected).enumerate() {
                let of_both = reading(expected, standardization).into_iter().map(|error| 2.0 * error);
                let tolerance: Vec<f64> =
                    of_both.zip(&tolerance[run]).map(|(reading, error)| reading + error).collect();
                close(&flat(found), &flat(expected), &tolerance)
                    .map_err(|wrong| format!("{what}, run {run}: {wrong}"))?;
            }
            Ok(())
        };
    let entries = (sizes.features + 1) * sizes.classes;
    compare("at first", &engine.parameters(), &case.parameters, &vec![vec![0.0; entries]; sizes.runs])?;
    for (order, steps) in case.order.chunks(sizes.batch).zip(steps.chunks(sizes.runs)) {
        let before = engine.parameters();
        reference.load(&before);
        for engine in [&mut *engine, &mut *reference] {
            engine.train(&samples, Batches { order, size: sizes.batch, steps }).unwrap();
        }
        let batch = case.with_images(order.iter().map(|&image| image as usize));
        let error = |run: usize| -> Vec<f64> {
            let of_gradient =
                tolerance(&batch.samples(), standardization, objective, &before[run], lambda[run], precision);
            of_gradient.iter().map(|error| error * f64::from(steps[run].eta)).collect()
        };
        let errors: Vec<_> = (0..sizes.runs).map(error).collect();
        compare("after a step", &engine.parameters(), &reference.parameters(), &errors)?;
    }
    Ok(())
}

/// What parameters may be off by as an engine hands them over: it may fold the standardization into its weights, and
/// then a weight comes back through one more quotient and one more product, and a bias through a sum of D terms
/// `weight mean/std`, each rounded.
pub fn reading(parameters: &Parameters, Standardization { mean, std }: &Standardization) -> Vec<f64> {
    let Parameters { features, weight, bias, .. } = parameters;
    let folded = |w: &[f32]| -> f64 {
        w.iter().zip(mean).zip(std).map(|((w, mean), std)| f64::from((w * mean / std).abs())).sum()
    };
    let of_weight = weight.iter().map(|w| 8.0 * UNIT_F32 * f64::from(w.abs()));
    let of_bias = weight
        .chunks(*features)
        .zip(bias)
        .map(|(w, b)| 8.0 * UNIT_F32 * f64::from(b.abs()) + 2.0 * UNIT_F32 * folded(w));
    of_weight.chain(of_bias).collect()
}

fn check_forward(engine: &mut dyn Engine, precision: Precision, case: &Case) -> Verdict {
    let [found, expected] = [engine, &mut *Contender::REFERENCE.create(case)]
        .map(|engine| -> Vec<f64> { case.logits(engine).into_iter().map(f64::from).collect() });
    let Case { standardization, parameters, sizes, .. } = case;
    let (first, samples) = (sizes.images - case.rows().len(), case.samples());
    let place =
        |index: usize| (first + index / (sizes.runs * sizes.classes), index / sizes.classes % sizes.runs);
    let error = |(index, logit): (usize, &f64)| {
        let (image, run) = place(index);
        let of_sum = logit_tolerance(samples.image(image), standardization, &parameters[run], precision);
        of_sum + UNIT_F32 * logit.abs()
    };
    close(&found, &expected, &expected.iter().enumerate().map(error).collect::<Vec<_>>())
}

fn check_evaluation(engine: &mut dyn Engine, precision: Precision, case: &Case) -> Verdict {
    let samples = case.samples();
    let expected = Contender::REFERENCE.create(case).evaluate(&samples).unwrap();
    compare_evaluations(&engine.evaluate(&samples).unwrap(), &expected, precision, case)
}

/// Loss and gradient at the parameters of all runs, and at those of the last one alone.
fn check_gradient(engine: &mut dyn Engine, precision: Precision, case: &Case) -> Verdict {
    let (samples, Case { parameters, standardization, objective, .. }) = (case.samples(), case);
    let gradients = |engine: &mut dyn Engine, at: &[Parameters]| {
        engine.gradient(&samples, at, &mut || false).unwrap().expect("nobody stopped it")
    };
    let found = gradients(engine, parameters);
    let expected = gradients(&mut *Contender::REFERENCE.create(case), parameters);
    let [of_found, of_expected] = [&found, &expected]
        .map(|gradients| gradients.iter().map(|one| one.evaluation.clone()).collect::<Vec<_>>());
    compare_evaluations(&of_found, &of_expected, precision, case)?;
    for (run, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let mean = |gradient: &Gradient| -> Vec<f64> {
            let sums = gradient.weight.iter().chain(&gradient.bias);
            sums.map(|sum| sum / samples.len() as f64).collect()
        };
        let error = tolerance(&samples, standardization, objective, &parameters[run], 0.0, precision);
        close(&mean(found), &mean(expected), &error)
            .map_err(|wrong| format!("gradient of run {run}: {wrong}"))?;
    }
    let last = gradients(engine, &parameters[parameters.len() - 1..]);
    ensure(last[..] == found[found.len() - 1..], || "another gradient without the runs beside it".into())
}

fn compare_evaluations(
    found: &[Evaluation],
    expected: &[Evaluation],
    precision: Precision,
    case: &Case,
) -> Verdict {
    let (samples, Case { standardization, sizes, .. }) = (case.samples(), case);
    ensure(found.len() == expected.len(), || format!("{} evaluations", found.len()))?;
    for (run, (found, expected)) in found.iter().zip(expected).enumerate() {
        let parameters = &case.parameters[run];
        let scores = Layer::of(case, run).scores(&flat(parameters));
        let (mut off, mut ties) = (0.0, 0);
        for (image, scores) in scores.chunks(sizes.classes).enumerate() {
            // A loss, and the gap of two logits, are off by what two logits are.
            let error = 2.0 * logit_tolerance(samples.image(image), standardization, parameters, precision);
            let mut sorted = scores.to_vec();
            sorted.sort_by(|a, b| b.total_cmp(a));
            ties += u64::from(sorted[0] - sorted[1] <= error);
            let size = 1.0 + sorted.iter().fold(0.0, |size: f64, score| size.max(score.abs()));
            // A loss of hinge is a sum of K - 1 margins; others are means.
            let terms = if case.objective.loss == Loss::Hinge { sizes.classes as f64 } else { 1.0 };
            let of_image = terms * (error + precision.unit * (sizes.classes + 16) as f64 * size);
            off += case.weight(image) * of_image;
        }
        close(&[found.loss_sum], &[expected.loss_sum], &[off])
            .map_err(|wrong| format!("loss of run {run}: {wrong}"))?;
        // An image that is predicted otherwise moves two counts.
        let matrices = [&found.counts, &expected.counts].map(|counts| counts.matrix().expect("few classes"));
        let moved: u64 = matrices[0].iter().zip(matrices[1]).map(|(a, b)| a.abs_diff(*b)).sum();
        ensure(moved <= 2 * ties, || {
            format!("confusion of run {run}: {moved} counts moved, {ties} near ties")
        })?;
    }
    Ok(())
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

#[track_caller]
fn assert_agreement(sizes: &[Sizes], weight: f32, aim: Aim) {
    for engine in Contender::TEAMS {
        for (seed, &sizes) in (0..).zip(sizes) {
            let case = Recipe { aim, ..Recipe::new(sizes, weight, seed) }.case();
            check(engine, &case).unwrap_or_else(|wrong| panic!("{engine:?}, {aim:?}, {sizes:?}: {wrong}"));
        }
    }
}

#[test]
fn every_engine_agrees_with_the_reference_at_the_edges() {
    assert_agreement(&EDGES, 0.05, Aim::SOFTMAX);
}

#[test]
fn every_engine_agrees_with_the_reference_where_probabilities_are_0_and_1() {
    for loss in Loss::ALL {
        let aim = Aim { loss, weighted: true, ..Aim::SOFTMAX };
        assert_agreement(&[sizes(300, 10, 1, 90, 40), sizes(40, 3, 2, 90, 40)], 20.0, aim);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_engine_agrees_with_the_reference_on_any_sizes(
        features in 1usize..120, classes in 2usize..40, runs in 1usize..5,
        images in 1usize..60, batch in 1usize..60, aim in aims(), element in elements(), seed: u64,
    ) {
        let sizes = sizes(features, classes, runs, images, batch.min(images));
        let case = Recipe { aim, element, ..Recipe::new(sizes, 0.05, seed) }.case();
        for engine in Contender::of(element) {
            prop_assert_eq!(check(engine, &case), Ok(()), "{:?}", engine);
        }
    }
}

#[test]
fn the_checks_reject_wrong_engines() {
    let case = Recipe::new(sizes(257, 10, 2, 4, 3), 0.05, 1).case();
    type Mistake = fn(&mut Case);
    let wrong: [(&str, Mistake); 4] = [
        ("the last feature's deviation is 1 % off", |case| {
            *case.standardization.std.last_mut().unwrap() *= 1.01
        }),
        ("the last feature's mean is a pixel value off", |case| {
            *case.standardization.mean.last_mut().unwrap() += 1.0 / 255.0;
        }),
        ("the last run's last weight is lost", |case| *case.parameters[1].weight.last_mut().unwrap() = 0.0),
        ("the last run's bias is lost", |case| case.parameters[1].bias.fill(0.0)),
    ];
    assert_eq!(check(Contender::GEMM, &case), Ok(()));
    for (what, change) in wrong {
        let mut changed = case.clone();
        change(&mut changed);
        for check in [check_training, check_forward, check_evaluation] {
            assert!(check(&mut *Contender::GEMM.create(&changed), Precision::F32, &case).is_err(), "{what}");
        }
    }
    assert!(close(&[f64::NAN], &[0.0], &[1.0]).is_err());
}

#[test]
fn of_equal_logits_the_first_is_predicted() {
    let case = Recipe::new(sizes(40, 7, 2, 300, 1), 0.0, 3).case();
    for engine in Contender::ALL {
        for evaluation in engine.create(&case).evaluate(&case.samples()).unwrap() {
            let predicted_first = evaluation.counts.of(0).predicted;
            assert_eq!((evaluation.images(), predicted_first), (300, 300), "{engine:?}");
            assert!((evaluation.loss_sum - 300.0 * 7f64.ln()).abs() < 300.0 * 4.0 * UNIT_F32, "{engine:?}");
        }
    }
}

#[test]
fn no_image_at_all_is_fine() {
    let case = Recipe::new(sizes(40, 7, 2, 8, 4), 0.05, 3).case();
    let samples = case.samples().slice(0..0);
    for contender in Contender::ALL {
        let mut engine = contender.create(&case);
        let state = engine.state();
        engine.train(&samples, Batches { order: &[], size: 4, steps: &[] }).unwrap();
        assert!(engine.state() == state, "{contender:?}");
        assert_eq!(engine.evaluate(&samples).unwrap(), vec![Evaluation::empty(7); 2], "{contender:?}");
        engine.forward(&Rows::contiguous(&[], 40), &mut []).unwrap();
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let case = Recipe::new(sizes(40, 7, 1, 8, 4), 0.05, 3).case();
    let (samples, step) = (case.samples(), Step { eta: 0.01, lambda: 0.1, momentum: 0.0 });
    let label = [7; 8];
    let bytes = [0; 320];
    let mislabelled = Samples::new(Rows::contiguous(&bytes, 40), Rows::contiguous(&label, 1));
    let narrow = Samples::new(Rows::contiguous(&bytes, 20), Rows::contiguous(&[0; 16], 1));
    for contender in Contender::ALL {
        let refused = |what: &str, call: &dyn Fn(&mut dyn Engine) -> onelayer::Result<()>| {
            let mut engine = contender.engine(&case.problem(), 3);
            let result = catch_unwind(AssertUnwindSafe(|| call(&mut *engine)));
            assert!(!matches!(result, Ok(Ok(()))), "{contender:?}: {what}");
        };
        for (what, samples, order, size, steps) in [
            ("an index past the end", &samples, &[8][..], 4, &[step][..]),
            ("a step too few", &samples, &[0, 1], 1, &[step]),
            ("a step too many", &samples, &[0, 1], 2, &[step; 2]),
            ("a batch of none", &samples, &[0], 0, &[step]),
            ("a label of K", &mislabelled, &[0], 4, &[step]),
            ("narrow images", &narrow, &[0], 4, &[step]),
        ] {
            refused(what, &|engine| engine.train(samples, Batches { order, size, steps }));
        }
        refused("a label of K", &|engine| engine.evaluate(&mislabelled).map(|_| ()));
        refused("narrow images", &|engine| engine.evaluate(&narrow).map(|_| ()));
        refused("narrow rows", &|engine| engine.forward(&Rows::contiguous(&bytes, 20), &mut [0.0; 112]));
        refused("logits too few", &|engine| engine.forward(&case.rows(), &mut [0.0; 7]));
    }
}

#[test]
fn of_many_classes_it_is_counted_how_often_each_is_predicted() {
    let case = Recipe::new(sizes(8, 300, 2, 500, 1), 1.0, 5).case();
    let expected = Contender::REFERENCE.create(&case).evaluate(&case.samples()).unwrap();
    for engine in Contender::ALL {
        for (found, expected) in engine.create(&case).evaluate(&case.samples()).unwrap().iter().zip(&expected)
        {
            assert_eq!((found.images(), found.counts.matrix()), (500, None), "{engine:?}");
            let moved = |class| {
                let [a, b] = [found, expected].map(|evaluation| evaluation.counts.of(class));
                assert_eq!(a.images, b.images);
                a.predicted.abs_diff(b.predicted)
            };
            // Fixed point may see a near tie in another way.
            assert!((0..300).map(moved).sum::<u64>() <= 4, "{engine:?}");
            assert!(found.correct().abs_diff(expected.correct()) <= 2, "{engine:?}");
        }
    }
}
