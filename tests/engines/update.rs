//! The update of every engine, over many steps of realistic size.

use onelayer::engine::{Batches, Problem, Step};
use onelayer::gradient_check::{Criterion, Precision, UNIT_F32, Update, flat, tolerance};
use onelayer::model::{Parameters, Standardization};
use onelayer::objective::{Loss, Objective};
use onelayer::samples::Element;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::case::{Case, Pixels, Recipe, Sizes, aims};
use crate::checks::{Verdict, ensure};
use crate::contender::Contender;

/// A layer, and steps on black images.
#[derive(Clone, Debug)]
struct Lesson {
    parameters: Parameters,
    std: Vec<f32>,
    labels: Vec<u16>,
    steps: Vec<Step>,
    objective: Objective,
}

impl Lesson {
    /// Weights and biases within `size` of 0. Most labels are 0, so that the biases learn for long.
    fn new([features, classes, images]: [usize; 3], size: f32, steps: Vec<Step>, seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut parameters = Parameters::zeros(classes, features);
        let Parameters { weight, bias, .. } = &mut parameters;
        weight.iter_mut().chain(bias).for_each(|w| *w = size * random.random_range(-1.0..=1.0f32));
        let std = (0..features).map(|_| random.random_range(0.02..1.0)).collect();
        let labels = (0..images).map(|image| if image % 3 == 0 { (image % classes) as u16 } else { 0 });
        let objective = Objective::default();
        Self { parameters, std, labels: labels.collect(), steps, objective }
    }

    fn update(&self) -> Update<'_> {
        let Self { parameters, labels, steps, objective, .. } = self;
        Update { parameters, labels, steps, objective }
    }

    fn check(&self, contender: Contender) -> Criterion {
        let standardization = Standardization { mean: vec![0.0; self.std.len()], std: self.std.clone() };
        let initial = std::slice::from_ref(&self.parameters);
        let problem = Problem {
            initial,
            standardization: &standardization,
            objective: &self.objective,
            element: Element::U8,
        };
        let found = self.update().take(&mut *contender.engine(&problem, 2)).unwrap();
        self.update().criterion(&found, contender.precision())
    }

    #[track_caller]
    fn assert_right(&self) {
        for contender in Contender::ALL {
            let criterion = self.check(contender);
            assert!(criterion.passed(), "{contender:?}, {:?}: {criterion}", self.steps[0]);
        }
    }
}

/// So many steps of plain descent.
fn plain(eta: f32, lambda: f32, count: usize) -> Vec<Step> {
    vec![Step { eta, lambda, momentum: 0.0 }; count]
}

/// So many steps with momentum, at a rate that falls straight to 0, each of which takes at most a fifth of a weight.
fn steps(eta: f32, lambda: f32, momentum: f32, count: usize) -> Vec<Step> {
    let eta = eta.min(0.1 / lambda) * (1.0 - momentum);
    let falling = |t: usize| eta * (1.0 - t as f32 / count as f32);
    (0..count)
        .map(|t| Step { eta: if momentum > 0.0 { falling(t) } else { eta }, lambda, momentum })
        .collect()
}

/// What a mistaken update makes of a weight, of a bias, and of the terms of its gradient.
#[derive(Clone, Copy)]
struct Mistake {
    weight: fn(f32, Step) -> f32,
    bias: fn(f32, &[f32], Step) -> f32,
}

fn right_weight(w: f32, Step { eta, lambda, .. }: Step) -> f32 {
    w - 2.0 * eta * lambda * w
}

fn right_bias(b: f32, dlogits: &[f32], Step { eta, .. }: Step) -> f32 {
    let sum: f64 = dlogits.iter().map(|&dlogit| f64::from(dlogit)).sum();
    (f64::from(b) - f64::from(eta) * sum / dlogits.len() as f64) as f32
}

const RIGHT: Mistake = Mistake { weight: right_weight, bias: right_bias };

impl Mistake {
    /// The steps of `lesson` in f32, with this mistake.
    fn take(self, Lesson { parameters, labels, steps, .. }: &Lesson) -> Parameters {
        let mut parameters = parameters.clone();
        let Parameters { weight, bias, classes, .. } = &mut parameters;
        for step in steps {
            weight.iter_mut().for_each(|w| *w = (self.weight)(*w, *step));
            let logits: Vec<f64> = bias.iter().map(|&b| b.into()).collect();
            let of_label = |label| {
                let mut dlogits = logits.clone();
                Objective::default().loss_and_gradient(&mut dlogits, label);
                dlogits
            };
            let of_labels: Vec<_> = (0..*classes).map(of_label).collect();
            for (class, b) in bias.iter_mut().enumerate() {
                let terms = labels.iter().map(|&label| of_labels[usize::from(label)][class] as f32);
                *b = (self.bias)(*b, &terms.collect::<Vec<_>>(), *step);
            }
        }
        parameters
    }
}

#[test]
fn weights_shrink_alone_for_ten_thousand_steps_as_the_penalty_says() {
    for (seed, lambda) in (0..).zip([0.0, 1e-6, 1e-3, 0.01, 0.1, 1.0, 10.0]) {
        Lesson::new([200, 10, 3], 0.1, plain(0.001, lambda, 10_000), seed).assert_right();
    }
}

#[test]
fn biases_learn_alone_in_large_batches_at_small_learning_rates() {
    for (classes, images, eta, steps) in
        [(10, 5000, 0.001, 500), (256, 4000, 0.001, 20), (3, 2000, 1e-6, 500)]
    {
        Lesson::new([4, classes, images], 1.0, plain(eta, 0.0, steps), 7).assert_right();
    }
}

#[test]
fn the_check_of_the_update_catches_what_a_gradient_does_not_show() {
    let shrinking = Lesson::new([200, 10, 3], 0.1, plain(0.001, 0.1, 1000), 1);
    let learning = Lesson::new([4, 10, 5000], 1.0, plain(0.001, 0.01, 200), 2);
    for lesson in [&shrinking, &learning] {
        let criterion = lesson.update().criterion(&RIGHT.take(lesson), Precision::F32);
        assert!(criterion.passed(), "{criterion}");
    }
    let rounded = |w, Step { eta, lambda, .. }| (1.0 - 2.0 * eta * lambda) * w;
    let term_by_term = |b, dlogits: &[f32], Step { eta, .. }: Step| {
        dlogits.iter().fold(b, |b, dlogit| b - eta / dlogits.len() as f32 * dlogit)
    };
    let penalized = |b, dlogits: &[f32], step| right_weight(right_bias(b, dlogits, step), step);
    for (what, mistake, lesson) in [
        ("1 - 2 eta lambda rounded beforehand", Mistake { weight: rounded, ..RIGHT }, &shrinking),
        ("no penalty", Mistake { weight: |w, _| w, ..RIGHT }, &shrinking),
        ("bias summed term by term", Mistake { bias: term_by_term, ..RIGHT }, &learning),
        ("a penalty on the bias", Mistake { bias: penalized, ..RIGHT }, &learning),
    ] {
        let criterion = lesson.update().criterion(&mistake.take(lesson), Precision::F32);
        assert!(!criterion.passed(), "{what}: {criterion}");
    }
}

/// What is wrong with steps with momentum.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moving {
    Right,
    /// The velocity is multiplied by the learning rate too early, or not divided by the images.
    VelocityOfSums,
    /// The step before it, or the one after it, gives the rate.
    RateOffByOne,
    /// Momentum as in the classical, not Nesterov's, formula.
    Classical,
}

impl Moving {
    /// The weights of `lesson` after its steps in f64, rounded at the end.
    fn take(self, Lesson { parameters, labels, steps, .. }: &Lesson) -> Parameters {
        let mut parameters = parameters.clone();
        let images = labels.len() as f64;
        for weight in &mut parameters.weight {
            let (mut w, mut v) = (f64::from(*weight), 0.0);
            for (index, step) in steps.iter().enumerate() {
                let rate =
                    if self == Self::RateOffByOne { steps[(index + 1).min(steps.len() - 1)] } else { *step };
                let [eta, lambda, momentum] = [rate.eta, step.lambda, step.momentum].map(f64::from);
                let g = 2.0 * lambda * w;
                v = momentum * v + if self == Self::VelocityOfSums { images * g } else { g };
                w -= eta * if self == Self::Classical { v } else { g + momentum * v };
            }
            *weight = w as f32;
        }
        parameters
    }
}

#[test]
fn the_check_of_the_update_catches_mistaken_momentum_and_schedules() {
    // Hinge leaves the biases out.
    let objective = Objective::from(Loss::Hinge);
    let lesson = Lesson { objective, ..Lesson::new([200, 10, 3], 0.1, steps(0.001, 1.0, 0.9, 200), 1) };
    for moving in [Moving::Right, Moving::VelocityOfSums, Moving::RateOffByOne, Moving::Classical] {
        let criterion = lesson.update().criterion(&moving.take(&lesson), Precision::F32);
        assert_eq!(criterion.passed(), moving == Moving::Right, "{moving:?}: {criterion}");
    }
}

/// Epochs of an engine end where those of the reference do: the norm of the difference is at most the sum of what each
/// step may be off by, as descent on a convex cost, with steps that are not too long, magnifies no difference.
fn trains_as_the_reference(contender: Contender, case: &Case, step: Step, epochs: usize) -> Verdict {
    let samples = case.samples();
    let [mut engine, mut reference] = [contender, Contender::REFERENCE].map(|engine| engine.create(case));
    let mut allowed = 0.0;
    for order in (0..epochs).flat_map(|_| case.order.chunks(case.sizes.batch)) {
        let before = reference.parameters().swap_remove(0);
        let batch = case.with_images(order.iter().map(|&image| image as usize));
        let of_gradient = tolerance(
            &batch.samples(),
            &case.standardization,
            &case.objective,
            &before,
            step.lambda,
            contender.precision(),
        );
        // Momentum makes so much of an error, and as much again of the velocity's roundings.
        let eta = f64::from(step.eta) / (1.0 - f64::from(step.momentum)).powi(2);
        let of_step =
            of_gradient.iter().zip(flat(&before)).map(|(gradient, w)| eta * gradient + UNIT_F32 * w.abs());
        allowed += of_step.map(|off| off * off).sum::<f64>().sqrt();
        let batches = Batches { order, size: order.len(), steps: &[step] };
        engine.train(&samples, batches).unwrap();
        reference.train(&samples, batches).unwrap();
    }
    let [found, expected] = [engine, reference].map(|engine| flat(&engine.parameters()[0]));
    let squares = found.iter().zip(&expected).map(|(found, expected)| (found - expected).powi(2));
    let off = squares.sum::<f64>().sqrt();
    // Both are rounded as they are handed over.
    let size = expected.iter().map(|w| w * w).sum::<f64>().sqrt();
    ensure(off <= allowed + 8.0 * UNIT_F32 * size, || {
        format!("off by {off:e}, allowed {allowed:e}, size {size:e}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_engine_updates_alone_as_the_formulas_say(
        features in 100..300usize, classes in 5..12usize, images in 1..400usize,
        eta in -6.0..-1.0f32, lambda in -6.0..1.0f32, size in -3.0..1.0f32,
        momentum in prop_oneof![Just(0.0f32), Just(0.5), Just(0.9)], aim in aims(), seed: u64,
    ) {
        let steps = steps(10f32.powf(eta), 10f32.powf(lambda), momentum, 300);
        let mut lesson = Lesson::new([features, classes, images], 10f32.powf(size), steps, seed);
        let class_weights = if aim.weighted { (0..classes).map(|class| 0.3 * class as f32).collect() } else { Vec::new() };
        lesson.objective = Objective { loss: aim.loss, smoothing: aim.smoothing, class_weights };
        for contender in Contender::ALL {
            let criterion = lesson.check(contender);
            prop_assert!(criterion.passed(), "{:?}: {}", contender, criterion);
        }
    }

    #[test]
    fn every_engine_trains_as_the_reference_over_many_steps(
        features in 1..100usize, classes in 2..12usize, images in 1..60usize, batch in 1..60usize,
        eta in -6.0..-1.0f32, lambda in -6.0..1.0f32, momentum in prop_oneof![Just(0.0f32), Just(0.9)],
        aim in aims(), seed: u64,
    ) {
        // At a kink, two engines may go different ways.
        prop_assume!(aim.loss != Loss::Hinge);
        let sizes = Sizes { features, classes, runs: 1, images, batch: batch.min(images) };
        let case = Recipe { pixels: Pixels::Random, aim, ..Recipe::new(sizes, 0.1, seed) }.case();
        // At most the reciprocal of the cost's curvature.
        let (lambda, inputs) = (10f32.powf(lambda), 25.0 * features as f32);
        let heaviest = (0..images).map(|sample| case.weight(sample)).fold(0.0, f64::max) as f32;
        let eta = 10f32.powf(eta).min(1.0 / (0.5 * heaviest * (1.0 + inputs) + 2.0 * lambda)) * (1.0 - momentum);
        for contender in Contender::ALL {
            let verdict = trains_as_the_reference(contender, &case, Step { eta, lambda, momentum }, 10);
            prop_assert_eq!(verdict, Ok(()), "{:?}, eta {}, lambda {}", contender, eta, lambda);
        }
    }
}
