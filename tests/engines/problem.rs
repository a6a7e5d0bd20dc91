//! Random problems: a batch of images, a layer, a penalty.
//!
//! proptest draws and shrinks a [`Recipe`]: sizes, kinds of values and a seed. The numbers follow from it, so
//! that a hundred thousand cases cost little.

use std::env;

use onelayer::model::{Parameters, Standardization};
use onelayer::samples::{Rows, Samples};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// How to make a [`Problem`].
#[derive(Clone, Debug)]
pub struct Recipe {
    pub batch: usize,
    pub features: usize,
    pub classes: usize,
    pub pixels: Pixels,
    pub weights: Weights,
    pub lambda: f32,
    pub seed: u64,
}

/// What the images look like.
#[derive(Clone, Copy, Debug)]
pub enum Pixels {
    Random,
    BlackAndWhite,
    /// Two different images, over and over.
    Repeated,
    /// One grey for all pixels of all images, which is not their mean.
    Constant,
}

/// What the weights and biases look like.
#[derive(Clone, Copy, Debug)]
pub enum Weights {
    Zero,
    /// Around 1e-20.
    Tiny,
    /// As training starts: around 0.01.
    Initial,
    /// Around 0.3.
    Ordinary,
    /// The same for every class, so that all scores of an image are equal.
    EqualScores,
    /// As large as it takes for a score of +-1e4.
    Saturating,
    /// Weights as training starts; biases of +-1e4.
    LargeBias,
}

/// Any recipe: small, or with `ONELAYER_TEST_SHAPES=large` up to CIFAR's size.
pub fn recipes() -> impl Strategy<Value = Recipe> {
    use Weights::{EqualScores, Initial, LargeBias, Ordinary, Saturating, Tiny, Zero};
    let pixels = [Pixels::Random, Pixels::BlackAndWhite, Pixels::Repeated, Pixels::Constant];
    let weights = [Ordinary, Initial, Zero, Tiny, EqualScores, Saturating, LargeBias];
    let lambda = prop_oneof![Just(0.0), (-6..=3).prop_map(|decade| 10f32.powi(decade))];
    let kinds =
        (prop::sample::select(pixels.to_vec()), prop::sample::select(weights.to_vec()), lambda, any::<u64>());
    (shapes(), kinds).prop_map(|((batch, features, classes), (pixels, weights, lambda, seed))| Recipe {
        batch,
        features,
        classes,
        pixels,
        weights,
        lambda,
        seed,
    })
}

/// B, D, K, with a liking for 1, multiples of 16 and their neighbours.
fn shapes() -> impl Strategy<Value = (usize, usize, usize)> {
    let large = env::var("ONELAYER_TEST_SHAPES").is_ok_and(|shapes| shapes == "large");
    let (batch, sixteens, classes): (usize, usize, usize) = if large { (64, 193, 40) } else { (8, 4, 12) };
    let near_sixteens = (1..=sixteens, 0..=2usize).prop_map(|(count, offset)| 16 * count + offset - 1);
    let features = prop_oneof![1 => Just(1), 4 => 1..=16 * sixteens + 6, 4 => near_sixteens];
    (1..=batch, features, 2..=classes)
}

/// A batch of images, a layer and a penalty.
#[derive(Clone, Debug)]
pub struct Problem {
    pub images: Vec<u8>,
    pub labels: Vec<u8>,
    pub standardization: Standardization,
    pub parameters: Parameters,
    pub lambda: f32,
}

impl Problem {
    pub fn samples(&self) -> Samples<'_> {
        let images = Rows::contiguous(&self.images, self.features());
        Samples::new(images, Rows::contiguous(&self.labels, 1))
    }

    pub fn batch(&self) -> usize {
        self.labels.len()
    }

    pub fn features(&self) -> usize {
        self.parameters.features
    }

    pub fn classes(&self) -> usize {
        self.parameters.classes
    }

    /// The same with other images and labels.
    pub fn with_images(&self, indices: impl Iterator<Item = usize>) -> Self {
        let samples = self.samples();
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        for index in indices {
            images.extend_from_slice(samples.image(index));
            labels.push(samples.label(index));
        }
        Self { images, labels, ..self.clone() }
    }
}

impl Recipe {
    pub fn problem(&self) -> Problem {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let images = self.images(&mut random);
        let labels = (0..self.batch).map(|_| random.random_range(0..self.classes) as u8).collect();
        let mean = (0..self.features).map(|_| random.random_range(0.2..0.8)).collect();
        // Mostly around a quarter, as CIFAR's are; some small, which makes inputs of +-40, and the constants' 1.
        let std = |_| match random.random_range(0..10) {
            0 => 0.02,
            1 => 1.0,
            _ => random.random_range(0.2..0.3),
        };
        let standardization = Standardization { mean, std: (0..self.features).map(std).collect() };
        let parameters = Parameters::zeros(self.classes, self.features);
        let mut problem = Problem { images, labels, standardization, parameters, lambda: self.lambda };
        self.fill_parameters(&mut problem, &mut random);
        problem
    }

    fn images(&self, random: &mut Xoshiro256PlusPlus) -> Vec<u8> {
        let size = self.batch * self.features;
        match self.pixels {
            Pixels::Random => (0..size).map(|_| random.random()).collect(),
            Pixels::BlackAndWhite => (0..size).map(|_| if random.random() { 255 } else { 0 }).collect(),
            Pixels::Repeated => {
                let two: Vec<u8> = (0..2 * self.features).map(|_| random.random()).collect();
                two.into_iter().cycle().take(size).collect()
            }
            Pixels::Constant => vec![random.random(); size],
        }
    }

    fn fill_parameters(&self, problem: &mut Problem, random: &mut Xoshiro256PlusPlus) {
        let (weight_size, bias_size) = match self.weights {
            Weights::Zero => (0.0, 0.0),
            Weights::Tiny => (1e-20, 1e-20),
            Weights::Initial => (0.01, 0.01),
            Weights::Ordinary | Weights::EqualScores | Weights::Saturating => (0.3, 0.3),
            Weights::LargeBias => (0.01, 1e4),
        };
        // Uniform with the standard deviation asked for, but for the bias, which then is exactly +-1e4 at most.
        let mut draw = |size: f32| size * 3f32.sqrt() * random.random_range(-1.0..=1.0);
        let Parameters { features, weight, bias, .. } = &mut problem.parameters;
        weight.iter_mut().for_each(|w| *w = draw(weight_size));
        bias.iter_mut().for_each(|b| *b = draw(bias_size / 3f32.sqrt()));
        match self.weights {
            Weights::EqualScores => {
                let (first, others) = weight.split_at_mut(*features);
                others.chunks_mut(*features).for_each(|row| row.copy_from_slice(first));
                let first = bias[0];
                bias.fill(first);
            }
            Weights::Saturating => {
                let scale = 1e4 / largest_score(problem).max(1e-3);
                let Parameters { weight, bias, .. } = &mut problem.parameters;
                weight.iter_mut().chain(bias).for_each(|w| *w *= scale as f32);
            }
            _ => {}
        }
    }
}

fn largest_score(problem: &Problem) -> f64 {
    let layer = super::naive::Layer::new(problem);
    let theta = onelayer::gradient_check::flat(&problem.parameters);
    layer.scores(&theta).into_iter().fold(0.0, |largest, score| largest.max(score.abs()))
}
