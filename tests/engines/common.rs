//! Random problems for engines, and the table of engines that are held to the same promises.

use std::num::NonZeroUsize;

use onelayer::engine::{self, Batches, Engine, Fused, Gemm, Isa, Reference, Step, Team};
use onelayer::model::{Parameters, Standardization};
use onelayer::objective::Objective;
use onelayer::samples::{Rows, Samples};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// How an engine is made.
pub type Build = fn(&[Parameters], &Standardization, Team) -> Box<dyn Engine>;

/// Every engine that works on a team. Each is held to the reference and to its own bits.
pub const ENGINES: [(&str, Build); 5] = [
    ("gemm", gemm),
    ("simd", |p, s, t| simd(Isa::fastest(), p, s, t)),
    ("simd, portable", |p, s, t| simd(Isa::Portable, p, s, t)),
    ("fixed", |p, s, t| fixed(Isa::fastest(), p, s, t)),
    ("fixed, portable", |p, s, t| fixed(Isa::Portable, p, s, t)),
];

/// The oracle. It has no use for a team.
pub const REFERENCE: (&str, Build) = ("reference", |parameters, standardization, _| {
    Box::new(Reference::new(&start(parameters, standardization)))
});

/// What an engine is built from.
pub fn start<'a>(initial: &'a [Parameters], standardization: &'a Standardization) -> engine::Problem<'a> {
    engine::Problem { initial, standardization, objective: Objective::Softmax }
}

fn gemm(parameters: &[Parameters], standardization: &Standardization, team: Team) -> Box<dyn Engine> {
    Box::new(Gemm::new(&start(parameters, standardization), team))
}

fn simd(
    isa: Isa,
    parameters: &[Parameters],
    standardization: &Standardization,
    team: Team,
) -> Box<dyn Engine> {
    Box::new(Fused::simd(isa, &start(parameters, standardization), team).unwrap())
}

fn fixed(
    isa: Isa,
    parameters: &[Parameters],
    standardization: &Standardization,
    team: Team,
) -> Box<dyn Engine> {
    Box::new(Fused::fixed(isa, &start(parameters, standardization), team).unwrap())
}

/// A team of `threads` threads.
pub fn team(threads: usize) -> Team {
    Team::new(NonZeroUsize::new(threads).unwrap()).unwrap()
}

/// The sizes of a problem.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// D.
    pub features: usize,
    /// K.
    pub classes: usize,
    /// R.
    pub runs: usize,
    /// N.
    pub images: usize,
    /// B.
    pub batch: usize,
}

/// Random images in several stretches of memory at different strides, with everything else that training takes.
pub struct Problem {
    pub sizes: Sizes,
    pub parameters: Vec<Parameters>,
    pub standardization: Standardization,
    /// `[N]`, shuffled.
    pub order: Vec<u32>,
    /// `[batches, R]`: learning rates that are powers of two, one penalty a run, different from batch to batch.
    pub steps: Vec<Step>,
    stretches: Vec<Stretch>,
}

struct Stretch {
    bytes: Vec<u8>,
    stride: usize,
    labels: Vec<u8>,
}

impl Problem {
    /// The problem of these sizes that `seed` draws. Weights and biases are uniform within `weight` of 0.
    pub fn new(sizes: Sizes, weight: f32, seed: u64) -> Self {
        let Sizes { features, classes, runs, images, batch } = sizes;
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut uniform = |count: usize, low: f32, high: f32| -> Vec<f32> {
            (0..count).map(|_| random.random_range(low..high)).collect()
        };
        let parameters = (0..runs)
            .map(|_| Parameters {
                classes,
                features,
                weight: uniform(classes * features, -weight, weight),
                bias: uniform(classes, -weight, weight),
            })
            .collect();
        let standardization =
            Standardization { mean: uniform(features, 0.4, 0.6), std: uniform(features, 0.2, 0.4) };

        let mut order: Vec<u32> = (0..images as u32).collect();
        rand::seq::SliceRandom::shuffle(&mut order[..], &mut random);
        let step = |index: usize| {
            let (batch, run) = (index / runs, index % runs);
            Step { eta: 1.0 / (64 << ((batch + run) % 2)) as f32, lambda: [0.0, 0.25, 1.0][run % 3] }
        };
        let steps = (0..images.div_ceil(batch) * runs).map(step).collect();

        let cuts = [0, images / 4, images / 2 + images % 2, images];
        let stretches = cuts.windows(2).zip([0, 1, 13]).map(|(cut, gap)| {
            let (count, stride) = (cut[1] - cut[0], features + gap);
            let bytes = (0..count * stride).map(|_| random.random()).collect();
            let labels = (0..count).map(|_| random.random_range(0..classes) as u8).collect();
            Stretch { bytes, stride, labels }
        });
        let stretches = stretches.collect();
        Self { sizes, parameters, standardization, order, steps, stretches }
    }

    /// All the images.
    pub fn samples(&self) -> Samples<'_> {
        let mut samples: Option<Samples> = None;
        for Stretch { bytes, stride, labels } in &self.stretches {
            let images = Rows::new(bytes, labels.len(), self.sizes.features, *stride);
            let labels = Rows::contiguous(labels, 1);
            match &mut samples {
                None => samples = Some(Samples::new(images, labels)),
                Some(samples) => samples.push(images, labels),
            }
        }
        samples.expect("a problem has stretches")
    }

    /// The images of the last stretch, which has gaps.
    pub fn rows(&self) -> Rows<'_> {
        let Stretch { bytes, stride, labels } = self.stretches.last().expect("a problem has stretches");
        Rows::new(bytes, labels.len(), self.sizes.features, *stride)
    }

    /// One epoch.
    pub fn batches(&self) -> Batches<'_> {
        Batches { order: &self.order, size: self.sizes.batch, steps: &self.steps }
    }

    /// An engine at the beginning of this problem.
    pub fn engine(&self, build: Build, threads: usize) -> Box<dyn Engine> {
        build(&self.parameters, &self.standardization, team(threads))
    }

    /// The logits `[N, R * K]` of [`Problem::rows`]. They start as NaN, so that what is not written shows.
    pub fn logits(&self, engine: &mut dyn Engine) -> Vec<f32> {
        let rows = self.rows();
        let mut logits = vec![f32::NAN; rows.len() * self.sizes.runs * self.sizes.classes];
        engine.forward(&rows, &mut logits).unwrap();
        logits
    }
}
