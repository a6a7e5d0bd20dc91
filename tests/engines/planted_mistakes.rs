//! The check of the checks: mistakes that people make, each put to the check that owns it.
//!
//! Every mistake must be caught in every case drawn, and the right code must pass the same cases.

use crate::case::{Aim, Case, INITIAL, Pixels, Recipe, recipes};
use crate::checks::{Verdict, close, differences, ensure, score_properties};
use crate::config;
use crate::contender::{Contender, TEAM};
use crate::naive::Layer;
use onelayer::gradient_check::{LayerCost, Options, UNIT_F32, compare, flat};
use onelayer::model::Standardization;
use onelayer::objective::{Loss, Objective};
use onelayer::samples::Element;
use onelayer::train::{Run, Session, Settings, Splits, When, Which};
use proptest::prelude::*;

/// A recipe in which every mistake shows: images that differ, a layer that is not sure yet, a penalty.
fn telling() -> impl Strategy<Value = Recipe> {
    (recipes(), 0.1..1.0f32).prop_map(|(recipe, lambda)| Recipe {
        pixels: Pixels::Random,
        weights: INITIAL,
        aim: Aim::SOFTMAX,
        element: Element::U8,
        lambda,
        ..recipe.of_images(recipe.sizes.images + 1)
    })
}

/// The recipe's case, standardized by its own batch, so that no input is large: the two criteria are made for
/// standardized images.
fn standardized(recipe: &Recipe) -> Case {
    let case = recipe.case();
    let standardization = Standardization::measure(&case.samples());
    Case { standardization, ..case }
}

/// The standardized case with two images of three or more in class 0. Where the classes are in balance, as one
/// image of each of two is, the bias has no gradient to speak of, and a mean forgotten there no effect.
fn unbalanced(recipe: &Recipe) -> Case {
    let mut case = standardized(recipe);
    case.labels.iter_mut().enumerate().for_each(|(image, label)| *label *= u8::from(image % 3 == 2));
    case
}

/// What the gradient check finds, all of it: the criteria over every parameter, the slope along a random
/// direction, and the tolerance of an f32 engine.
fn gradient_checks(case: &Case, gradient: &[f64], seed: u64) -> [(&'static str, Verdict); 3] {
    let Case { standardization, sizes, .. } = case;
    let (samples, theta) = (case.samples(), flat(&case.parameters[0]));
    let cost = LayerCost::new(&samples, standardization, sizes.classes, &case.objective);
    let options = Options::default();
    let all: Vec<usize> = (0..theta.len()).collect();
    let numerical = cost.with_lambda(case.lambda[0]).differences(&theta, options.step, &all);
    let report = compare(gradient, &numerical, &options);
    let exact = Layer::new(case).gradient(&theta);
    [
        ("criteria", ensure(report.passed(), || report.to_string())),
        ("slope", differences(case, gradient, seed)),
        ("f32 tolerance", close(gradient, &exact, &Contender::GEMM.tolerance(case, 0))),
    ]
}

/// Makes a mistake of the gradient at these parameters.
type Plant = fn(&Layer, &Case, &[f64], &mut [f64]);

const GRADIENT_MISTAKES: [(&str, Plant); 6] = [
    ("wrong sign", |_, _, _, gradient| gradient.iter_mut().for_each(|g| *g = -*g)),
    ("1/B forgotten", |layer, case, theta, gradient| {
        for (i, (g, w)) in gradient.iter_mut().zip(theta).enumerate() {
            let penalty = if i < layer.weights() { 2.0 * layer.lambda * w } else { 0.0 };
            *g = (*g - penalty) * case.sizes.images as f64 + penalty;
        }
    }),
    ("lambda W for 2 lambda W", |layer, _, theta, gradient| {
        gradient[..layer.weights()].iter_mut().zip(theta).for_each(|(g, w)| *g -= layer.lambda * w);
    }),
    ("bias regularized", |layer, _, theta, gradient| {
        let biases = gradient.iter_mut().zip(theta).skip(layer.weights());
        biases.for_each(|(g, b)| *g += 2.0 * layer.lambda * b);
    }),
    ("bias summed over the classes, not the images", |layer, case, theta, gradient| {
        let dlogits = layer.dlogits(theta);
        let sums =
            dlogits.chunks(layer.classes).map(|row| row.iter().sum::<f64>() / case.sizes.images as f64);
        gradient[layer.weights()..].iter_mut().zip(sums.cycle()).for_each(|(g, sum)| *g = sum);
    }),
    ("mean forgotten where it is folded into the bias", |layer, case, theta, gradient| {
        let samples = case.samples();
        let pixels = (0..samples.len()).flat_map(|image| samples.image(image).exact());
        let scaled = pixels.zip(case.standardization.std.iter().cycle());
        let uncentred: Vec<f64> = scaled.map(|(x, &std)| x / f64::from(std)).collect();
        let sums = layer.outer(&layer.dlogits(theta), &uncentred);
        for ((g, sum), w) in gradient.iter_mut().zip(sums).zip(theta) {
            *g = sum / case.sizes.images as f64 + 2.0 * layer.lambda * w;
        }
    }),
];

/// What a mistaken objective makes of the dlogits of a sample, given its label and the classes' weights.
type Misaim = fn(&mut [f64], usize, &[f32]);

const WEIGHTED: Aim = Aim { weighted: true, ..Aim::SOFTMAX };
const OBJECTIVE_MISTAKES: [(&str, Aim, Misaim); 5] = [
    ("smoothing taken from the next class", Aim { smoothing: 0.1, ..Aim::SOFTMAX }, |dlogits, label, _| {
        let next = (label + 1) % dlogits.len();
        (dlogits[label], dlogits[next]) = (dlogits[label] - 0.1, dlogits[next] + 0.1);
    }),
    ("1/K forgotten", Aim { loss: Loss::Sigmoid, ..Aim::SOFTMAX }, |dlogits, _, _| {
        let classes = dlogits.len() as f64;
        dlogits.iter_mut().for_each(|dlogit| *dlogit *= classes);
    }),
    (
        "the label's part of the margins forgotten",
        Aim { loss: Loss::Hinge, ..Aim::SOFTMAX },
        |dlogits, label, _| {
            dlogits[label] = 0.0;
        },
    ),
    ("a class's weight forgotten", WEIGHTED, |dlogits, label, weights| {
        dlogits.iter_mut().for_each(|dlogit| *dlogit /= f64::from(weights[label]));
    }),
    ("each logit by its own class's weight", WEIGHTED, |dlogits, label, weights| {
        let scaled = dlogits.iter_mut().zip(weights);
        scaled.for_each(|(dlogit, &weight)| *dlogit *= f64::from(weight) / f64::from(weights[label]));
    }),
];

/// What a mistaken loop trains on instead.
type Replant = fn(&Lesson) -> Case;

const TRAINING_MISTAKES: [(&str, Replant); 3] = [
    ("every batch begins one image late", |Lesson { train, .. }| {
        train.with_images((1..train.sizes.images).chain([0]))
    }),
    ("a smaller last batch is not used", |Lesson { train, settings, .. }| {
        train.with_images(0..train.sizes.images / settings.batch * settings.batch)
    }),
    ("every image has the label of the one before it", |Lesson { train, .. }| {
        let mut train = train.clone();
        train.labels.rotate_right(1);
        train
    }),
];

/// A training split and a validation split whose statistics differ, and how to train.
struct Lesson {
    train: Case,
    validation: Case,
    settings: Settings,
}

impl Lesson {
    /// Batches of 3 to 5 and a smaller last one; neighbours differ in their labels.
    fn new(recipe: &Recipe) -> Self {
        let batch = 3 + recipe.seed as usize % 3;
        let images = 2 * batch + 1 + recipe.seed as usize % (batch - 1);
        let mut train = standardized(&recipe.of_images(images));
        train.labels = (0..images).map(|image| (image % recipe.sizes.classes) as u8).collect();
        let mut validation = Recipe { seed: !recipe.seed, ..recipe.clone() }.case();
        validation.stretches.iter_mut().flat_map(|stretch| &mut stretch.bytes).for_each(|pixel| *pixel /= 2);
        validation.standardization = train.standardization.clone();
        validation.parameters = train.parameters.clone();
        let lambda = recipe.lambda.into();
        let settings = Settings { eta: 0.05, lambda, batch, epochs: 2, ..Settings::default() };
        Self { train, validation, settings }
    }

    /// Two epochs by the formulas: the parameters after each.
    fn by_the_formulas(&self) -> Vec<Vec<f64>> {
        let mut theta = flat(&self.train.parameters[0]);
        let eta = f64::from(self.settings.step(When::START).eta);
        let images: Vec<usize> = (0..self.train.sizes.images).collect();
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

    /// The mean loss of each epoch's parameters on validation images.
    fn losses(&self, validation: &Case) -> Vec<f64> {
        let layer = Layer::new(validation);
        let mean = |theta: &Vec<f64>| layer.losses(theta).iter().sum::<f64>() / layer.labels.len() as f64;
        self.by_the_formulas().iter().map(mean).collect()
    }

    /// What the training check and the standardization check find of a loop that trains on `train`.
    fn checks(&self, train: &Case) -> (Verdict, Verdict) {
        let classes: Vec<String> = (0..train.sizes.classes).map(|class| class.to_string()).collect();
        let (train, validation) = (train.samples(), self.validation.samples());
        let splits = Splits { train, validation, classes: &classes };
        let engine = Contender::REFERENCE.create(&self.train);
        let (runs, standardization) =
            (Run::single(self.settings.clone()), self.train.standardization.clone());
        let mut session =
            Session::with_engine(splits, runs, engine, standardization, &TEAM).expect("usable settings");
        session.run(&mut ()).expect("training that does not fail");
        let found: Vec<f64> = session.histories()[0].iter().map(|record| record.validation.loss).collect();
        let trained = flat(&session.models(Which::Last)[0].as_ref().expect("finite weights").parameters);

        let expected = self.by_the_formulas().pop().expect("epochs");
        // The engine computes in f64, and hands its parameters over rounded to f32.
        let rounding: Vec<f64> = expected.iter().map(|theta| 2.0 * UNIT_F32 * theta.abs() + 1e-12).collect();
        (close(&trained, &expected, &rounding), close(&found, &self.losses(&self.validation), &CLOSE_LOSSES))
    }
}

/// What the losses of two epochs may be off by.
const CLOSE_LOSSES: [f64; 2] = [1e-9; 2];

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
        let case = unbalanced(&recipe);
        let (layer, theta) = (Layer::new(&case), flat(&case.parameters[0]));
        let right = layer.gradient(&theta);
        for (check, verdict) in gradient_checks(&case, &right, recipe.seed) {
            prop_assert_eq!(verdict, Ok(()), "{} of the right gradient", check);
        }
        for (mistake, plant) in GRADIENT_MISTAKES {
            let mut wrong = right.clone();
            plant(&layer, &case, &theta, &mut wrong);
            for (check, verdict) in gradient_checks(&case, &wrong, recipe.seed) {
                prop_assert!(verdict.is_err(), "{}: not caught by {}", mistake, check);
            }
        }
    }

    #[test]
    fn the_gradient_check_catches_mistaken_objectives(recipe in telling()) {
        for (mistake, aim, misaim) in OBJECTIVE_MISTAKES {
            let mut case = unbalanced(&Recipe { aim, ..recipe.clone() });
            // Weights that are neither alike nor 0.
            case.objective.class_weights.iter_mut().enumerate().for_each(|(class, w)| *w = 0.5 + class as f32);
            let (layer, theta) = (Layer::new(&case), flat(&case.parameters[0]));
            prop_assert_eq!(differences(&case, &layer.gradient(&theta), recipe.seed), Ok(()), "{}: right", mistake);
            let mut dlogits = layer.dlogits(&theta);
            for (row, &label) in dlogits.chunks_mut(layer.classes).zip(&layer.labels) {
                misaim(row, label, &case.objective.class_weights);
            }
            let wrong = layer.gradient_of(&dlogits, &theta);
            prop_assert!(differences(&case, &wrong, recipe.seed).is_err(), "{}", mistake);
        }
    }

    #[test]
    fn the_training_check_catches_mistaken_batches_and_labels(recipe in telling()) {
        let lesson = Lesson::new(&recipe);
        prop_assert_eq!(lesson.checks(&lesson.train), (Ok(()), Ok(())));
        for (mistake, replant) in TRAINING_MISTAKES {
            prop_assert!(lesson.checks(&replant(&lesson)).0.is_err(), "{}", mistake);
        }
    }

    #[test]
    fn the_standardization_check_catches_validation_with_its_own_statistics(recipe in telling()) {
        let lesson = Lesson::new(&recipe);
        let standardization = Standardization::measure(&lesson.validation.samples());
        let own = lesson.losses(&Case { standardization, ..lesson.validation.clone() });
        prop_assert!(close(&own, &lesson.losses(&lesson.validation), &CLOSE_LOSSES).is_err());
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
        let right = |scores: &mut [f64], label| Objective::default().loss_and_gradient(scores, label);
        prop_assert_eq!(score_properties(right, &scores, label, 1.0), Ok(()));
        prop_assert!(score_properties(softmax_without_maximum, &scores, label, 1.0).is_err());
    }
}
