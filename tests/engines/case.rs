//! Random cases: images, a layer for each run, and how it is trained.
//!
//! proptest draws and shrinks a [`Recipe`]: sizes, kinds of values and a seed. The numbers follow from it, so
//! that a hundred thousand cases cost little.

use std::env;

use onelayer::engine::{Batches, Engine, Problem, Step};
use onelayer::gradient_check::flat;
use onelayer::model::{Parameters, Standardization};
use onelayer::objective::{Loss, Objective};
use onelayer::samples::{Element, Rows, Samples, Values};
use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::naive::Layer;

/// How large a case is.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// D
    pub features: usize,
    /// K
    pub classes: usize,
    /// R
    pub runs: usize,
    /// N
    pub images: usize,
    /// B
    pub batch: usize,
}

/// How to make a [`Case`].
#[derive(Clone, Debug)]
pub struct Recipe {
    pub sizes: Sizes,
    pub pixels: Pixels,
    pub weights: Weights,
    /// The penalty of the first run. Others have a quarter of it, or none.
    pub lambda: f32,
    /// The momentum of the first run. Others have half of it, or none.
    pub momentum: f32,
    pub aim: Aim,
    pub element: Element,
    /// Whether some deviations are small, which makes inputs of +-40, and some the constants' 1. Others are around a
    /// quarter, as CIFAR's.
    pub uneven: bool,
    pub seed: u64,
}

/// What is minimized.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aim {
    pub loss: Loss,
    /// Of softmax alone.
    pub smoothing: f64,
    /// Whether classes and samples have weights.
    pub weighted: bool,
}

impl Aim {
    pub const SOFTMAX: Self = Self { loss: Loss::Softmax, smoothing: 0.0, weighted: false };
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
    /// Anywhere so far from 0.
    Within(f32),
    /// The same for every class, so that all scores of an image are equal.
    EqualScores,
    /// As large as it takes for a score of +-1e4.
    Saturating,
    /// Weights as training starts; biases of +-1e4.
    LargeBias,
}

/// Weights as training starts: around 0.01.
pub const INITIAL: Weights = Weights::Within(0.02);

/// Any recipe of one run and one batch: small, or with `ONELAYER_TEST_SHAPES=large` up to CIFAR's size.
pub fn recipes() -> impl Strategy<Value = Recipe> {
    use Weights::{EqualScores, LargeBias, Saturating, Within};
    let pixels = [Pixels::Random, Pixels::BlackAndWhite, Pixels::Repeated, Pixels::Constant];
    let weights = [Within(0.5), INITIAL, Within(0.0), Within(1e-20), EqualScores, Saturating, LargeBias];
    let lambda = prop_oneof![Just(0.0), (-6..=3).prop_map(|decade| 10f32.powi(decade))];
    let kinds =
        (prop::sample::select(pixels.to_vec()), prop::sample::select(weights.to_vec()), lambda, any::<u64>());
    (shapes(), kinds, aims(), elements()).prop_map(
        |(sizes, (pixels, weights, lambda, seed), aim, element)| Recipe {
            sizes,
            pixels,
            weights,
            lambda,
            momentum: 0.0,
            aim,
            element,
            uneven: true,
            seed,
        },
    )
}

/// Bytes or f32 numbers.
pub fn elements() -> impl Strategy<Value = Element> {
    prop::sample::select(vec![Element::U8, Element::F32])
}

/// Any objective.
pub fn aims() -> impl Strategy<Value = Aim> {
    let losses = [(Loss::Softmax, 0.0), (Loss::Softmax, 0.1), (Loss::Hinge, 0.0), (Loss::Sigmoid, 0.0)];
    let aim = |((loss, smoothing), weighted)| Aim { loss, smoothing, weighted };
    (prop::sample::select(losses.to_vec()), any::<bool>()).prop_map(aim)
}

/// B, D, K, with a liking for 1, multiples of 16 and their neighbours.
fn shapes() -> impl Strategy<Value = Sizes> {
    let large = env::var("ONELAYER_TEST_SHAPES").is_ok_and(|shapes| shapes == "large");
    let (batch, sixteens, classes): (usize, usize, usize) = if large { (64, 193, 40) } else { (8, 4, 12) };
    let near_sixteens = (1..=sixteens, 0..=2usize).prop_map(|(count, offset)| 16 * count + offset - 1);
    let features = prop_oneof![1 => Just(1), 4 => 1..=16 * sixteens + 6, 4 => near_sixteens];
    let sizes = |(batch, features, classes)| Sizes { features, classes, runs: 1, images: batch, batch };
    (1..=batch, features, 2..=classes).prop_map(sizes)
}

impl Recipe {
    /// Images of noise, and weights within `weight` of 0.
    pub fn new(sizes: Sizes, weight: f32, seed: u64) -> Self {
        Self {
            sizes,
            pixels: Pixels::Random,
            weights: Weights::Within(weight),
            lambda: 1.0,
            momentum: 0.0,
            aim: Aim::SOFTMAX,
            element: Element::U8,
            uneven: false,
            seed,
        }
    }

    /// The same of so many images, in one batch.
    pub fn of_images(&self, images: usize) -> Self {
        Self { sizes: Sizes { images, batch: images, ..self.sizes }, ..self.clone() }
    }

    pub fn case(&self) -> Case {
        let Sizes { features, classes, runs, images, .. } = self.sizes;
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let pixels = self.pixels(&mut random);
        let labels = (0..images).map(|_| random.random_range(0..classes) as u8).collect();
        let mean = (0..features).map(|_| random.random_range(0.2..0.8)).collect();
        let std = |_| match random.random_range(0..10) {
            0 if self.uneven => 0.02,
            1 if self.uneven => 1.0,
            _ => random.random_range(0.2..0.3),
        };
        let standardization = Standardization { mean, std: (0..features).map(std).collect() };
        let mut order: Vec<u32> = (0..images as u32).collect();
        order.shuffle(&mut random);
        let Aim { loss, smoothing, weighted } = self.aim;
        let mut weights = |count: usize| -> Vec<f32> {
            (0..if weighted { count } else { 0 }).map(|_| random.random_range(0.0..2.0)).collect()
        };
        let objective = Objective { loss, smoothing, class_weights: weights(classes) };
        let mut case = Case {
            sizes: self.sizes,
            objective,
            weights: weights(images),
            momentum: (0..runs).map(|run| self.momentum * [1.0, 0.5, 0.0][run % 3]).collect(),
            parameters: vec![Parameters::zeros(classes, features); runs],
            standardization,
            lambda: (0..runs).map(|run| self.lambda * [1.0, 0.25, 0.0][run % 3]).collect(),
            labels,
            order,
            stretches: Stretch::all(&pixels, features, self.element),
        };
        (0..runs).for_each(|run| self.fill_parameters(&mut case, run, &mut random));
        case
    }

    /// `[N, D]`
    fn pixels(&self, random: &mut Xoshiro256PlusPlus) -> Vec<u8> {
        let Sizes { features, images, .. } = self.sizes;
        let size = images * features;
        match self.pixels {
            Pixels::Random => (0..size).map(|_| random.random()).collect(),
            Pixels::BlackAndWhite => (0..size).map(|_| if random.random() { 255 } else { 0 }).collect(),
            Pixels::Repeated => {
                let two: Vec<u8> = (0..2 * features).map(|_| random.random()).collect();
                two.into_iter().cycle().take(size).collect()
            }
            Pixels::Constant => vec![random.random(); size],
        }
    }

    fn fill_parameters(&self, case: &mut Case, run: usize, random: &mut Xoshiro256PlusPlus) {
        let (of_weight, of_bias) = match self.weights {
            Weights::Within(size) => (size, size),
            Weights::EqualScores | Weights::Saturating => (0.5, 0.5),
            Weights::LargeBias => (0.02, 1e4),
        };
        let mut draw = |size: f32| size * random.random_range(-1.0..=1.0);
        let Parameters { features, weight, bias, .. } = &mut case.parameters[run];
        weight.iter_mut().for_each(|w| *w = draw(of_weight));
        bias.iter_mut().for_each(|b| *b = draw(of_bias));
        match self.weights {
            Weights::EqualScores => {
                let (first, others) = weight.split_at_mut(*features);
                others.chunks_mut(*features).for_each(|row| row.copy_from_slice(first));
                let first = bias[0];
                bias.fill(first);
            }
            Weights::Saturating => {
                let scores = Layer::of(case, run).scores(&flat(&case.parameters[run]));
                let largest = scores.into_iter().fold(1e-3, |largest: f64, score| largest.max(score.abs()));
                let Parameters { weight, bias, .. } = &mut case.parameters[run];
                weight.iter_mut().chain(bias).for_each(|w| *w *= (1e4 / largest) as f32);
            }
            Weights::Within(_) | Weights::LargeBias => {}
        }
    }
}

/// Images in several stretches of memory at different strides, with everything else that training takes.
#[derive(Clone)]
pub struct Case {
    pub sizes: Sizes,
    /// `[R]`
    pub parameters: Vec<Parameters>,
    pub standardization: Standardization,
    pub objective: Objective,
    /// `[R]`
    pub lambda: Vec<f32>,
    /// `[R]`
    pub momentum: Vec<f32>,
    /// `[N]`
    pub labels: Vec<u8>,
    /// `[N]`; empty where every sample weighs 1.
    pub weights: Vec<f32>,
    /// `[N]`, shuffled.
    pub order: Vec<u32>,
    pub stretches: Vec<Stretch>,
}

/// Images that lie one after another, with gaps.
#[derive(Clone)]
pub struct Stretch {
    pub bytes: Vec<u8>,
    /// Numbers in their place, which are not all multiples of 1/255; empty where features are bytes.
    floats: Vec<f32>,
    count: usize,
    stride: usize,
}

impl Stretch {
    /// As many as there are images for, up to three.
    fn all(pixels: &[u8], features: usize, element: Element) -> Vec<Self> {
        let images: Vec<&[u8]> = pixels.chunks(features).collect();
        let (first, second) = images.split_at(images.len() / 4);
        let (second, third) = second.split_at(second.len() / 3);
        let stretch = |(images, gap): (&[&[u8]], usize)| {
            let bytes = images.iter().flat_map(|image| [image, &[0xE7; 13][..gap]].concat());
            let bytes: Vec<u8> = bytes.collect();
            let float = |&byte: &u8| f32::from(byte) / 255.0 * 1.0001;
            let floats = if element == Element::F32 { bytes.iter().map(float).collect() } else { Vec::new() };
            Self { bytes, floats, count: images.len(), stride: features + gap }
        };
        let all = [(first, 0), (second, 1), (third, 13)];
        all.into_iter().filter(|(images, _)| !images.is_empty()).map(stretch).collect()
    }

    fn rows(&self, features: usize) -> Rows<'_> {
        let values = match self.floats[..] {
            [] => Values::Bytes(&self.bytes),
            _ => Values::Floats(&self.floats),
        };
        Rows::of(values, self.count, features, self.stride)
    }
}

impl Case {
    /// What engines are built from.
    pub fn problem(&self) -> Problem<'_> {
        let (initial, standardization) = (&self.parameters, &self.standardization);
        Problem { initial, standardization, objective: &self.objective, element: self.rows().element() }
    }

    /// All the images.
    pub fn samples(&self) -> Samples<'_> {
        let mut labels = &self.labels[..];
        let mut parts = self.stretches.iter().map(|stretch| {
            let of_stretch = labels.split_off(..stretch.count).expect("a label for each image");
            (stretch.rows(self.sizes.features), Rows::contiguous(of_stretch, 1))
        });
        let (images, of_images) = parts.next().expect("a case has images");
        let mut samples = Samples::new(images, of_images);
        parts.for_each(|(images, labels)| samples.push(images, labels));
        if self.weights.is_empty() { samples } else { samples.with_weights(&self.weights) }
    }

    /// The bytes of an image, or those that its numbers were made of.
    fn bytes(&self, mut index: usize) -> &[u8] {
        for stretch in &self.stretches {
            if index < stretch.count {
                return &stretch.bytes[index * stretch.stride..][..self.sizes.features];
            }
            index -= stretch.count;
        }
        panic!("an image past the end")
    }

    /// What the loss of a sample is multiplied by.
    pub fn weight(&self, sample: usize) -> f64 {
        let or_1 = |weights: &[f32], index: usize| weights.get(index).map_or(1.0, |&weight| weight.into());
        or_1(&self.weights, sample) * or_1(&self.objective.class_weights, self.labels[sample].into())
    }

    /// The images of the last stretch, which has gaps.
    pub fn rows(&self) -> Rows<'_> {
        self.stretches.last().expect("a case has images").rows(self.sizes.features)
    }

    /// `[batches, R]`: learning rates that are powers of two, different from batch to batch.
    pub fn steps(&self) -> Vec<Step> {
        let batches = self.sizes.images.div_ceil(self.sizes.batch);
        let eta = |batch, run| 1.0 / (64 << ((batch + run) % 2)) as f32;
        let step = |batch, run: usize| Step {
            eta: eta(batch, run),
            lambda: self.lambda[run],
            momentum: self.momentum[run],
        };
        (0..batches).flat_map(|batch| (0..self.sizes.runs).map(move |run| step(batch, run))).collect()
    }

    /// One epoch of these steps.
    pub fn batches<'a>(&'a self, steps: &'a [Step]) -> Batches<'a> {
        Batches { order: &self.order, size: self.sizes.batch, steps }
    }

    /// The logits `[N, R * K]` of [`Case::rows`]. They start as NaN, so that what is not written shows.
    pub fn logits(&self, engine: &mut dyn Engine) -> Vec<f32> {
        let mut logits = vec![f32::NAN; self.rows().len() * self.sizes.runs * self.sizes.classes];
        engine.forward(&self.rows(), &mut logits).unwrap();
        logits
    }

    /// The same with other images and labels, in one batch.
    pub fn with_images(&self, indices: impl IntoIterator<Item = usize>) -> Self {
        let (samples, mut labels, mut pixels) = (self.samples(), Vec::new(), Vec::new());
        let mut weights = Vec::new();
        for index in indices {
            pixels.extend_from_slice(self.bytes(index));
            labels.push(self.labels[index]);
            weights.extend(self.weights.get(index));
        }
        let images = labels.len();
        Self {
            sizes: Sizes { images, batch: images, ..self.sizes },
            order: (0..images as u32).collect(),
            stretches: Stretch::all(&pixels, self.sizes.features, samples.element()),
            labels,
            weights,
            ..self.clone()
        }
    }
}
