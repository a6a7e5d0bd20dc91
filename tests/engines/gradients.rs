//! Properties of the gradient, over random problems of every shape and size of values, for every engine.
//!
//! `PROPTEST_CASES` sets the number of cases (256 by default); `ONELAYER_TEST_SHAPES=large` draws shapes up to
//! CIFAR's. A case that fails is kept beside this file and replayed ever after.

use crate::case::{Case, Recipe, Sizes, Weights, recipes};
use crate::checks::{Verdict, close, differences, ensure, score_properties};
use crate::config;
use crate::contender::Contender;
use crate::naive::Layer;
use onelayer::engine::{Batches, Step};
use onelayer::gradient_check::{UNIT_F32, flat};
use onelayer::objective::{Loss, Objective};
use onelayer::samples::Element;
use proptest::prelude::*;

/// A verdict as proptest wants it, with the name of what was tested.
fn of(name: &str, verdict: Verdict) -> Result<(), TestCaseError> {
    verdict.map_err(|wrong| TestCaseError::fail(format!("{name}: {wrong}")))
}

/// Puts every engine that reads features of this kind to `check`.
fn every_engine(element: Element, check: impl Fn(Contender) -> Verdict) -> Result<(), TestCaseError> {
    let mut engines = Contender::ALL.into_iter().filter(|engine| engine.reads(element));
    engines.try_for_each(|engine| of(&format!("{engine:?}"), check(engine)))
}

/// The engine has the gradient of the formulas, in every run.
pub fn of_the_formulas(engine: Contender, case: &Case) -> Verdict {
    let gradients = engine.gradients(case);
    ensure(gradients.len() == case.sizes.runs, || format!("{} gradients", gradients.len()))?;
    for (run, gradient) in gradients.iter().enumerate() {
        let exact = Layer::of(case, run).gradient(&flat(&case.parameters[run]));
        // The formulas are computed in f64 as well.
        let tolerance = sum(&engine.tolerance(case, run), &Contender::REFERENCE.tolerance(case, run));
        close(gradient, &exact, &tolerance).map_err(|wrong| format!("run {run}: {wrong}"))?;
    }
    Ok(())
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
        let case = recipe.case();
        let gradient = Contender::REFERENCE.gradient(&case);
        of("reference", differences(&case, &gradient, recipe.seed))?;
    }

    #[test]
    fn every_engine_has_the_gradient_of_the_formulas(recipe in recipes(), runs in 1..=4usize) {
        let case = Recipe { sizes: Sizes { runs, ..recipe.sizes }, ..recipe }.case();
        every_engine(case.rows().element(), |engine| of_the_formulas(engine, &case))?;
    }

    #[test]
    fn softmax_is_a_distribution_unmoved_by_a_constant(
        scores in prop::collection::vec(-1.0..=1.0f64, 2..=256),
        decade in -20..=300,
        constant in -1e6..1e6,
        label: prop::sample::Index,
    ) {
        let scores: Vec<f64> = scores.iter().map(|score| score * 10f64.powi(decade)).collect();
        let softmax = |scores: &mut [f64], label| Objective::default().loss_and_gradient(scores, label);
        of("objective", score_properties(softmax, &scores, label.index(scores.len()), constant))?;
    }

    #[test]
    fn the_loss_is_never_negative_and_that_of_guessing_where_all_scores_are_equal(recipe in recipes()) {
        let case = recipe.case();
        let weight: f64 = (0..case.sizes.images).map(|sample| case.weight(sample)).sum();
        let zero = Recipe { weights: Weights::Within(0.0), ..recipe }.case();
        every_engine(case.rows().element(), |engine| {
            let loss = |case: &Case| {
                let evaluations = engine.create(case).evaluate(&case.samples());
                evaluations.expect("an evaluation that does not panic")[0].loss_sum
            };
            let some = loss(&case);
            ensure(some.is_finite() && some >= 0.0, || format!("a loss of {some}"))?;
            let classes = case.sizes.classes;
            let guess = match case.objective.loss {
                Loss::Softmax => (classes as f64).ln(),
                Loss::Hinge => (classes - 1) as f64,
                _ => 2f64.ln(),
            };
            let tolerance = weight * guess * engine.precision().unit * (classes + 16) as f64;
            close(&[loss(&zero)], &[weight * guess], &[tolerance])
        })?;
    }

    #[test]
    fn a_small_step_downhill_lowers_the_cost(recipe in recipes()) {
        // A loss with kinks may rise over one of them.
        prop_assume!(recipe.aim.loss != Loss::Hinge);
        let case = recipe.case();
        let layer = Layer::new(&case);
        let heaviest = layer.weights.iter().copied().fold(0.0, f64::max);
        let before = flat(&case.parameters[0]);
        let gradient = layer.gradient(&before);
        // The cost curves upwards by at most this: the Hessian of log-sum-exp has no eigenvalue above 1/2, nor has that of
        // the sigmoids.
        let squares = layer.x.chunks(layer.features).map(|x| x.iter().map(|x| x * x).sum::<f64>());
        let curvature = 0.5 * heaviest * (1.0 + squares.fold(0.0, f64::max)) + 2.0 * layer.lambda;
        let eta = (1.0 / curvature.max(1e-3)) as f32;
        let order: Vec<u32> = (0..case.sizes.images as u32).collect();
        every_engine(case.rows().element(), |engine| {
            let mut engine_under_test = engine.create(&case);
            let step = Step { eta, lambda: case.lambda[0], momentum: 0.0 };
            engine_under_test
                .train(&case.samples(), Batches { order: &order, size: order.len(), steps: &[step] })
                .expect("a step that does not panic");
            let after = flat(&engine_under_test.parameters()[0]);
            // A step of 1 / curvature must win half of the gradient's square times its length; what rounding
            // takes from the step costs its slope at most, and the two costs are rounded themselves.
            let won: f64 = gradient.iter().map(|g| g * g).sum::<f64>() * f64::from(eta) / 2.0;
            let lost: f64 = engine
                .tolerance(&case, 0)
                .iter()
                .zip(&before)
                .zip(&gradient)
                .map(|((t, w), g)| {
                    let off = f64::from(eta) * t + 4.0 * engine.precision().unit.max(UNIT_F32) * (w.abs() + f64::from(eta) * g.abs());
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
