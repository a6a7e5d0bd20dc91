//! The check of the checks: mistakes that people make, each put to the check that owns it.
//!
//! Every mistake must be caught in every case drawn, and the right code must pass the same cases.

use crate::checks::{Verdict, close, differences, ensure, score_properties};
use crate::config;
use crate::mistaken::{Mistake, Mistaken};
use crate::naive::Layer;
use crate::problem::{Pixels, Problem, Recipe, Weights, recipes};
use onelayer::gradient_check::{LayerCost, Options, Precision, UNIT_F32, compare, flat, tolerance};
use onelayer::model::Standardization;
use onelayer::objective::Objective;
use onelayer::train::{Run, Session, Settings, Splits, Which};
use proptest::prelude::*;

/// A recipe in which every mistake shows: images that differ, a layer that is not sure yet, a penalty.
fn telling() -> impl Strategy<Value = Recipe> {
    (recipes(), 0.1..1.0f32).prop_map(|(recipe, lambda)| Recipe {
        batch: recipe.batch + 1,
        pixels: Pixels::Random,
        weights: Weights::Initial,
        lambda,
        ..recipe
    })
}

/// The recipe's problem, standardized by its own batch, so that no input is large: the two criteria are made for
/// standardized images.
fn standardized(recipe: &Recipe) -> Problem {
    let problem = recipe.problem();
    let standardization = Standardization::measure(&problem.samples());
    Problem { standardization, ..problem }
}

/// The standardized problem with two images of three or more in class 0. Where the classes are in balance, as one
/// image of each of two is, the bias has no gradient to speak of, and a mean forgotten there no effect.
fn unbalanced(recipe: &Recipe) -> Problem {
    let mut problem = standardized(recipe);
    problem.labels.iter_mut().enumerate().for_each(|(image, label)| *label *= u8::from(image % 3 == 2));
    problem
}

/// What the gradient check finds, all of it: the criteria over every parameter, the slope along a random
/// direction, and the tolerance of an f32 engine.
fn gradient_checks(problem: &Problem, gradient: &[f64], seed: u64) -> [(&'static str, Verdict); 3] {
    let Problem { parameters, standardization, lambda, .. } = problem;
    let (samples, theta) = (problem.samples(), flat(parameters));
    let cost = LayerCost::new(&samples, standardization, parameters.classes, Objective::default());
    let options = Options::default();
    let numerical = cost.with_lambda(*lambda).numerical_gradient(&theta, options.step);
    let report = compare(gradient, &numerical, &options);
    let allowed = tolerance(&samples, standardization, parameters, *lambda, Precision::F32);
    let exact = Layer::new(problem).gradient(&theta);
    [
        ("criteria", ensure(report.passed(), || report.to_string())),
        ("slope", differences(problem, gradient, seed)),
        ("f32 tolerance", close(gradient, &exact, &allowed)),
    ]
}

/// A gradient, mistaken in one way.
type Plant = fn(&Layer, &Problem) -> Vec<f64>;

const GRADIENT_MISTAKES: [(&str, Plant); 6] = [
    ("wrong sign", |layer, problem| layer.gradient(&flat(&problem.parameters)).iter().map(|g| -g).collect()),
    ("1/B forgotten", |layer, problem| {
        let theta = flat(&problem.parameters);
        let penalty = |i: usize| if i < layer.weights() { 2.0 * layer.lambda * theta[i] } else { 0.0 };
        let gradient = layer.gradient(&theta).into_iter().enumerate();
        gradient.map(|(i, g)| (g - penalty(i)) * problem.batch() as f64 + penalty(i)).collect()
    }),
    ("lambda W for 2 lambda W", |layer, problem| {
        let theta = flat(&problem.parameters);
        let mut gradient = layer.gradient(&theta);
        gradient[..layer.weights()].iter_mut().zip(&theta).for_each(|(g, w)| *g -= layer.lambda * w);
        gradient
    }),
    ("bias regularized", |layer, problem| {
        let theta = flat(&problem.parameters);
        let mut gradient = layer.gradient(&theta);
        gradient[layer.weights()..]
            .iter_mut()
            .zip(&theta[layer.weights()..])
            .for_each(|(g, b)| *g += 2.0 * layer.lambda * b);
        gradient
    }),
    ("bias summed over the classes, not the images", |layer, problem| {
        let theta = flat(&problem.parameters);
        let mut gradient = layer.gradient(&theta);
        let dlogits = layer.dlogits(&theta);
        let sums = dlogits.chunks(layer.classes).map(|row| row.iter().sum::<f64>() / problem.batch() as f64);
        gradient[layer.weights()..].iter_mut().zip(sums.cycle()).for_each(|(g, sum)| *g = sum);
        gradient
    }),
    ("mean forgotten where it is folded into the bias", |layer, problem| {
        let theta = flat(&problem.parameters);
        let mut gradient = layer.gradient(&theta);
        let std = problem.standardization.std.iter().cycle();
        let uncentred: Vec<f64> =
            problem.images.iter().zip(std).map(|(&x, &std)| f64::from(x) / 255.0 / f64::from(std)).collect();
        let uncentred = layer.outer(&layer.dlogits(&theta), &uncentred);
        for ((g, sum), w) in gradient.iter_mut().zip(uncentred).zip(&theta) {
            *g = sum / problem.batch() as f64 + 2.0 * layer.lambda * w;
        }
        gradient
    }),
];

/// A training split and a validation split whose statistics differ, and how to train.
struct Lesson {
    train: Problem,
    validation: Problem,
    settings: Settings,
}

impl Lesson {
    /// Batches of 3 to 5 and a smaller last one; neighbours differ in their labels.
    fn new(recipe: &Recipe) -> Self {
        let batch = 3 + recipe.seed as usize % 3;
        let images = 2 * batch + 1 + recipe.seed as usize % (batch - 1);
        let mut train = standardized(&Recipe { batch: images, ..recipe.clone() });
        train.labels = (0..images).map(|image| (image % recipe.classes) as u8).collect();
        let mut validation = Recipe { seed: !recipe.seed, ..recipe.clone() }.problem();
        validation.images.iter_mut().for_each(|pixel| *pixel /= 2);
        validation.standardization = train.standardization.clone();
        validation.parameters = train.parameters.clone();
        let lambda = recipe.lambda.into();
        let settings = Settings { eta: 0.05, lambda, batch, epochs: 2, ..Settings::default() };
        Self { train, validation, settings }
    }

    /// Two epochs by the formulas: the parameters after each.
    fn by_the_formulas(&self) -> Vec<Vec<f64>> {
        let mut theta = flat(&self.train.parameters);
        let eta = f64::from(self.settings.step().eta);
        let images: Vec<usize> = (0..self.train.batch()).collect();
        let mut epochs = Vec::new();
        for _ in 0..self.settings.epochs {
            for batch in images.chunks(self.settings.batch) {
                let gradient = Layer::new(&self.train.with_images(batch.iter().copied())).gradient(&theta);
                theta.iter_mut().zip(gradient).for_each(|(theta, g)| *theta -= eta * g);
            }
            epochs.push(theta.clone());
        }
        epochs
    }

    /// What the training check and the standardization check find.
    fn checks(&self, mistake: Mistake) -> (Verdict, Verdict) {
        let Problem { parameters, standardization, .. } = &self.train;
        let engine = Box::new(Mistaken::new(mistake, parameters, standardization));
        let classes: Vec<String> = (0..parameters.classes).map(|class| class.to_string()).collect();
        let (train, validation) = (self.train.samples(), self.validation.samples());
        let splits = Splits { train, validation, classes: &classes };
        let runs = Run::single(self.settings.clone());
        let mut session =
            Session::with_engine(splits, runs, engine, standardization.clone(), &crate::common::team(1))
                .expect("usable settings");
        session.run(&mut ()).expect("training that does not fail");
        let found: Vec<f64> = session.histories()[0].iter().map(|record| record.validation.loss).collect();
        let trained = flat(&session.models(Which::Last)[0].as_ref().expect("finite weights").parameters);

        let expected = self.by_the_formulas();
        let last = &expected[self.settings.epochs - 1];
        // The engine computes in f64, and hands its parameters over rounded to f32.
        let rounding: Vec<f64> = last.iter().map(|theta| 2.0 * UNIT_F32 * theta.abs() + 1e-12).collect();
        let layer = Layer::new(&self.validation);
        let mean = |theta: &Vec<f64>| layer.losses(theta).iter().sum::<f64>() / layer.labels.len() as f64;
        let losses: Vec<f64> = expected.iter().map(mean).collect();
        let close_losses = vec![1e-9; losses.len()];
        (close(&trained, last, &rounding), close(&found, &losses, &close_losses))
    }
}

/// Softmax cross-entropy without the maximum subtracted.
fn softmax_without_maximum(scores: &mut [f64], label: usize) -> f64 {
    let score = scores[label];
    scores.iter_mut().for_each(|score| *score = score.exp());
    let sum: f64 = scores.iter().sum();
    scores.iter_mut().for_each(|p| *p /= sum);
    scores[label] -= 1.0;
    sum.ln() - score
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_gradient_check_catches_mistaken_gradients(recipe in telling()) {
        let problem = unbalanced(&recipe);
        let layer = Layer::new(&problem);
        for (check, verdict) in gradient_checks(&problem, &layer.gradient(&flat(&problem.parameters)), recipe.seed) {
            prop_assert_eq!(verdict, Ok(()), "{} of the right gradient", check);
        }
        for (mistake, plant) in GRADIENT_MISTAKES {
            for (check, verdict) in gradient_checks(&problem, &plant(&layer, &problem), recipe.seed) {
                prop_assert!(verdict.is_err(), "{}: not caught by {}", mistake, check);
            }
        }
    }

    #[test]
    fn the_training_check_catches_mistaken_batches_and_labels(recipe in telling()) {
        let lesson = Lesson::new(&recipe);
        prop_assert_eq!(lesson.checks(Mistake::None).0, Ok(()));
        for mistake in [Mistake::BatchOffByOne, Mistake::LastBatchDropped, Mistake::LabelsShifted] {
            prop_assert!(lesson.checks(mistake).0.is_err(), "{:?}", mistake);
        }
    }

    #[test]
    fn the_standardization_check_catches_validation_with_its_own_statistics(recipe in telling()) {
        let lesson = Lesson::new(&recipe);
        prop_assert_eq!(lesson.checks(Mistake::None).1, Ok(()));
        prop_assert!(lesson.checks(Mistake::OwnStatistics).1.is_err());
    }

    #[test]
    fn the_score_properties_catch_softmax_without_the_maximum(
        scores in prop::collection::vec(-1e4..1e4f64, 2..=256),
        label: prop::sample::Index,
    ) {
        let mut scores = scores;
        // Beyond exp's range: ln(2^1024) is 709.8.
        scores[0] = 710.0 + scores[0].abs();
        let label = label.index(scores.len());
        let right = |scores: &mut [f64], label| Objective::Softmax.loss_and_gradient(scores, label);
        prop_assert_eq!(score_properties(right, &scores, label, 1.0), Ok(()));
        prop_assert!(score_properties(softmax_without_maximum, &scores, label, 1.0).is_err());
    }
}
