//! Properties of the gradient, over random problems of every shape and size of values, for every engine.
//!
//! `PROPTEST_CASES` sets the number of cases (256 by default); `ONELAYER_TEST_SHAPES=large` draws shapes up to
//! CIFAR's. A case that fails is kept beside this file and replayed ever after.

use crate::checks::{Verdict, close, differences, ensure, score_properties};
use crate::config;
use crate::contender::Contender;
use crate::naive::Layer;
use crate::problem::{Problem, Recipe, Weights, recipes};
use onelayer::engine::{Batches, Step};
use onelayer::gradient_check::{UNIT_F32, flat};
use onelayer::objective::Objective;
use proptest::prelude::*;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

/// A verdict as proptest wants it, with the name of what was tested.
fn of(name: &str, verdict: Verdict) -> Result<(), TestCaseError> {
    verdict.map_err(|wrong| TestCaseError::fail(format!("{name}: {wrong}")))
}

/// Puts every engine to `check`.
fn every_engine(check: impl Fn(Contender) -> Verdict) -> Result<(), TestCaseError> {
    Contender::all().try_for_each(|engine| of(&format!("{engine:?}"), check(engine)))
}

fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// `J`
fn cost(layer: &Layer, theta: &[f64]) -> f64 {
    let squared_norm: f64 = theta[..layer.weights()].iter().map(|w| w * w).sum();
    layer.losses(theta).iter().sum::<f64>() / layer.labels.len() as f64 + layer.lambda * squared_norm
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_gradient_is_the_slope_of_the_cost(recipe in recipes()) {
        let problem = recipe.problem();
        let gradient = Contender::Reference.gradient(&problem);
        of("reference", differences(&problem, &gradient, recipe.seed))?;
    }

    #[test]
    fn every_engine_has_the_gradient_of_the_formulas(recipe in recipes()) {
        let problem = recipe.problem();
        let exact = Layer::new(&problem).gradient(&flat(&problem.parameters));
        // The formulas are computed in f64 as well.
        let of_formulas = Contender::Reference.tolerance(&problem);
        every_engine(|engine| {
            close(&engine.gradient(&problem), &exact, &sum(&engine.tolerance(&problem), &of_formulas))
        })?;
    }

    #[test]
    fn dlogits_of_an_image_sum_to_zero_and_hold_a_distribution(recipe in recipes()) {
        let problem = Recipe { batch: 1, ..recipe }.problem();
        every_engine(|engine| {
            // The bias gradient of a batch of one image is its dlogits.
            let weights = problem.classes() * problem.features();
            let dlogits = &engine.gradient(&problem)[weights..];
            let tolerance = &engine.tolerance(&problem)[weights..];
            let total: f64 = dlogits.iter().sum();
            ensure(total.abs() <= tolerance.iter().sum(), || format!("dlogits sum to {total:e}"))?;
            for (class, (dlogit, tolerance)) in dlogits.iter().zip(tolerance).enumerate() {
                let p = dlogit + if class == usize::from(problem.labels[0]) { 1.0 } else { 0.0 };
                ensure((-tolerance..=1.0 + tolerance).contains(&p), || format!("p {p} of class {class}"))?;
            }
            Ok(())
        })?;
    }

    #[test]
    fn softmax_is_a_distribution_unmoved_by_a_constant(
        scores in prop::collection::vec(-1.0..=1.0f64, 2..=256),
        decade in -20..=300,
        constant in -1e6..1e6,
        label: prop::sample::Index,
    ) {
        let scores: Vec<f64> = scores.iter().map(|score| score * 10f64.powi(decade)).collect();
        let softmax = |scores: &mut [f64], label| Objective::Softmax.loss_and_gradient(scores, label);
        of("objective", score_properties(softmax, &scores, label.index(scores.len()), constant))?;
    }

    #[test]
    fn a_constant_added_to_all_scores_leaves_the_gradient(recipe in recipes(), power in -4..=10) {
        let mut problem = recipe.problem();
        // Multiples of 1/256 below 2^15, to which a power of two is added without rounding.
        problem.parameters.bias.iter_mut().for_each(|b| *b = (*b * 256.0).round() / 256.0);
        let mut shifted = problem.clone();
        shifted.parameters.bias.iter_mut().for_each(|b| *b += 2f32.powi(power));
        every_engine(|engine| {
            let tolerance = sum(&engine.tolerance(&problem), &engine.tolerance(&shifted));
            close(&engine.gradient(&shifted), &engine.gradient(&problem), &tolerance)
        })?;
    }

    #[test]
    fn the_loss_is_never_negative_and_ln_k_where_all_scores_are_equal(recipe in recipes()) {
        let problem = recipe.problem();
        let zero = Recipe { weights: Weights::Zero, ..recipe }.problem();
        every_engine(|engine| {
            let loss = |problem: &Problem| {
                let evaluations = engine.create(problem).evaluate(&problem.samples());
                evaluations.expect("an evaluation that does not panic")[0].loss_sum
            };
            let some = loss(&problem);
            ensure(some.is_finite() && some >= 0.0, || format!("a loss of {some}"))?;
            let (batch, ln_k) = (problem.batch() as f64, (problem.classes() as f64).ln());
            let tolerance = batch * ln_k * engine.unit() * (problem.classes() + 16) as f64;
            close(&[loss(&zero)], &[batch * ln_k], &[tolerance])
        })?;
    }

    #[test]
    fn permuting_images_leaves_the_gradient(recipe in recipes()) {
        let problem = recipe.problem();
        let mut order: Vec<usize> = (0..problem.batch()).collect();
        order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(recipe.seed));
        let permuted = problem.with_images(order.into_iter());
        every_engine(|engine| {
            let tolerance: Vec<f64> = engine.tolerance(&problem).iter().map(|t| 2.0 * t).collect();
            close(&engine.gradient(&permuted), &engine.gradient(&problem), &tolerance)
        })?;
    }

    #[test]
    fn permuting_classes_permutes_the_gradient(recipe in recipes()) {
        let problem = recipe.problem();
        let (classes, features) = (problem.classes(), problem.features());
        let mut from: Vec<usize> = (0..classes).collect();
        from.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(recipe.seed));
        let mut permuted = problem.clone();
        for (to, &from) in from.iter().enumerate() {
            let row = &problem.parameters.weight[from * features..][..features];
            permuted.parameters.weight[to * features..][..features].copy_from_slice(row);
            permuted.parameters.bias[to] = problem.parameters.bias[from];
        }
        let place = |label: u8| from.iter().position(|&from| from == usize::from(label)).expect("a label");
        permuted.labels.iter_mut().for_each(|label| *label = place(*label) as u8);
        every_engine(|engine| {
            let permute = |gradient: &[f64]| -> Vec<f64> {
                let (weight, bias) = gradient.split_at(classes * features);
                let rows = from.iter().flat_map(|&from| &weight[from * features..][..features]);
                rows.chain(from.iter().map(|&from| &bias[from])).copied().collect()
            };
            let tolerance = sum(&permute(&engine.tolerance(&problem)), &engine.tolerance(&permuted));
            close(&engine.gradient(&permuted), &permute(&engine.gradient(&problem)), &tolerance)
        })?;
    }

    #[test]
    fn the_gradient_of_a_batch_is_the_weighted_mean_of_its_parts(recipe in recipes(), cut: prop::sample::Index) {
        let whole = Recipe { batch: recipe.batch + 1, ..recipe }.problem();
        let cut = 1 + cut.index(whole.batch() - 1);
        let parts = [whole.with_images(0..cut), whole.with_images(cut..whole.batch())];
        every_engine(|engine| {
            let mut mean = vec![0.0; flat(&whole.parameters).len()];
            let mut tolerance = engine.tolerance(&whole);
            for part in &parts {
                let share = part.batch() as f64 / whole.batch() as f64;
                mean.iter_mut().zip(engine.gradient(part)).for_each(|(mean, g)| *mean += share * g);
                tolerance.iter_mut().zip(engine.tolerance(part)).for_each(|(sum, t)| *sum += share * t);
            }
            close(&engine.gradient(&whole), &mean, &tolerance)
        })?;
    }

    #[test]
    fn the_gradient_is_linear_in_lambda(recipe in recipes()) {
        let problem = recipe.problem();
        let free = Problem { lambda: 0.0, ..problem.clone() };
        let weights = problem.classes() * problem.features();
        every_engine(|engine| {
            let penalty = flat(&problem.parameters).into_iter().enumerate();
            let penalty = penalty.map(|(i, w)| if i < weights { 2.0 * f64::from(problem.lambda) * w } else { 0.0 });
            let expected = sum(&engine.gradient(&free), &penalty.collect::<Vec<_>>());
            let tolerance = sum(&engine.tolerance(&problem), &engine.tolerance(&free));
            close(&engine.gradient(&problem), &expected, &tolerance)
        })?;
    }

    #[test]
    fn a_small_step_downhill_lowers_the_cost(recipe in recipes()) {
        let problem = recipe.problem();
        let layer = Layer::new(&problem);
        let before = flat(&problem.parameters);
        let gradient = layer.gradient(&before);
        // The cost curves upwards by at most this: the Hessian of log-sum-exp has no eigenvalue above 1/2.
        let squares = layer.x.chunks(layer.features).map(|x| x.iter().map(|x| x * x).sum::<f64>());
        let curvature = 0.5 * (1.0 + squares.fold(0.0, f64::max)) + 2.0 * layer.lambda;
        let eta = (1.0 / curvature) as f32;
        let order: Vec<u32> = (0..problem.batch() as u32).collect();
        every_engine(|engine| {
            let mut engine_under_test = engine.create(&problem);
            let step = Step { eta, lambda: problem.lambda };
            engine_under_test
                .train(&problem.samples(), Batches { order: &order, size: order.len(), steps: &[step] })
                .expect("a step that does not panic");
            let after = flat(&engine_under_test.parameters()[0]);
            // A step of 1 / curvature must win half of the gradient's square times its length; what rounding
            // takes from the step costs its slope at most, and the two costs are rounded themselves.
            let won: f64 = gradient.iter().map(|g| g * g).sum::<f64>() * f64::from(eta) / 2.0;
            let lost: f64 = engine
                .tolerance(&problem)
                .iter()
                .zip(&before)
                .zip(&gradient)
                .map(|((t, w), g)| {
                    let off = f64::from(eta) * t + 4.0 * engine.unit().max(UNIT_F32) * (w.abs() + f64::from(eta) * g.abs());
                    off * (g.abs() + curvature * off)
                })
                .sum();
            let (cost_before, cost_after) = (cost(&layer, &before), cost(&layer, &after));
            let rounding = 1e-12 * cost_before.abs() + 1e-13;
            ensure(cost_after <= cost_before - 0.99 * won + 2.0 * lost + rounding, || {
                format!("the cost went from {cost_before:e} to {cost_after:e}; to be won: {won:e}, lost: {lost:e}")
            })
        })?;
    }
}
