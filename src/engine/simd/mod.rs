//! The fused engine: bytes in, trained weights out, and nothing between them but registers and caches.
//!
//! With ten classes a matrix product is so narrow that packing its operands costs as much as multiplying them.
//! So this engine packs nothing but the weights, once, and takes every pixel from its byte:
//!
//! ```text
//! for each batch, on every thread:                                            train.rs; who does what: sharing.rs
//!     for each feature block of mine, two images by ten columns:              forward.rs
//!         twenty sums += (pixel - mean) * weight          16 features at a time
//!         partial logits <- the sixteen lanes of each sum, added up
//!     barrier: all partial logits are there
//!     dlogits = softmax(bias + partial logits, two blocks by two) - y         softmax.rs, 16 images at a time
//!     for each 32 features of mine, by ten columns:                           backward.rs
//!         twenty sums += (pixel - mean) * dlogit          image after image
//!         weight <- decay * weight - rate * sum           the gradient never leaves the registers
//! ```
//!
//! 1. Weights are kept scaled, `V = W / (255 std)`, so that `(pixel - 255 mean) V` is what standardization asks
//!    for, and a gradient's scale is applied once a step, not once an image.
//! 2. Lanes run along the features, of which there are thousands, and never along the classes.
//! 3. A thread owns features: their weights, gradients and steps stay in its core's cache. One barrier a step.
//! 4. Pixels are asked for sixteen images before their turn.
//!
//! The bits of the result are defined, not found: sixteen virtual lanes, fused multiply-adds, blocks of 768
//! features added two by two and in order, images added in order, one polynomial for `exp`. They are the same for any number of
//! threads and on any instruction set, and those of a run do not depend on the runs beside it.

mod arithmetic;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod backward;
mod evaluate;
mod exp;
mod fixed;
mod forward;
mod images;
mod isa;
mod kernels;
mod layout;
mod portable;
mod probe;
mod shared;
mod sharing;
mod softmax;
mod stages;
mod train;
mod vector;

pub use isa::Isa;
pub use probe::Ground;
pub use stages::{Stage, Stages};

use self::arithmetic::{Arithmetic, F32};
use self::evaluate::Scoring;
use self::fixed::Fixed;
use self::layout::{Place, row};
use self::shared::Shared;
use self::train::Training;
use self::vector::{LANES, Lanes};
use super::contract::{Batches, Engine, EngineInfo, RunState, from_bytes, to_bytes};
use super::evaluation::Evaluation;
use super::problem::{Problem, Shape};
use super::team::Team;
use crate::error::Result;
use crate::model::{Parameters, Standardization};
use crate::objective::Objective;
use crate::samples::{Rows, Samples};

/// The fused engine.
pub struct Simd {
    arithmetic: Box<dyn Arithmetic>,
    team: Team,
    shape: Shape,
    objective: Objective,
    /// `[groups]`: the mean pixel of each feature.
    mean: Vec<Lanes>,
    /// `[groups]`: `1 / (255 std)`, and its square.
    scale: Vec<Lanes>,
    squared_scale: Vec<Lanes>,
    /// `[groups][row(C)]`: the weights, scaled.
    weight: Vec<Lanes>,
    /// `[C]`
    bias: Vec<f32>,
    /// The partial logits of two steps.
    partials: [Vec<Lanes>; 2],
}

impl Simd {
    /// An engine for `problem`, on the instruction set `isa`.
    ///
    /// # Errors
    /// If this machine does not have `isa`.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn new(isa: Isa, problem: &Problem, team: Team) -> Result<Self> {
        Ok(Self::with(Box::new(F32 { isa, kernels: isa.kernels()? }), problem, team))
    }

    /// An engine that multiplies in 16-bit fixed point: the number format, and what it costs, are in `docs/fixed.md`.
    /// On a machine with AVX-512 but not its VNNI, its products are those of AVX2; no bit depends on it.
    ///
    /// # Errors
    /// If this machine does not have `isa`.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn fixed(isa: Isa, problem: &Problem, team: Team) -> Result<Self> {
        Ok(Self::with(Box::new(Fixed::new(isa)?), problem, team))
    }

    fn with(arithmetic: Box<dyn Arithmetic>, problem: &Problem, team: Team) -> Self {
        let shape = problem.shape();
        let Standardization { mean, std } = problem.standardization;
        let groups = arithmetic.groups(shape.features);
        let pack = |values: &mut dyn Iterator<Item = f32>| {
            let mut packed = vec![Lanes::ZERO; groups];
            for (feature, value) in values.enumerate() {
                let Place { group, lane } = arithmetic.place(feature);
                packed[group].0[lane] = value;
            }
            packed
        };
        let scale = |std: f32| 1.0 / (255.0 * std);
        let mut engine = Self {
            team,
            shape,
            objective: problem.objective,
            mean: pack(&mut mean.iter().map(|mean| 255.0 * mean)),
            scale: pack(&mut std.iter().map(|&std| scale(std))),
            squared_scale: pack(&mut std.iter().map(|&std| scale(std) * scale(std))),
            weight: vec![Lanes::ZERO; groups * row(shape.columns())],
            bias: vec![0.0; shape.columns()],
            partials: [Vec::new(), Vec::new()],
            arithmetic,
        };
        engine.load(problem.initial);
        engine
    }

    /// The team, the arithmetic, and the model as it takes it.
    fn scoring(&mut self) -> (&mut Team, &dyn Arithmetic, Scoring<'_>) {
        let Self { shape, objective, .. } = *self;
        let scoring = Scoring { shape, objective, mean: &self.mean, weight: &self.weight, bias: &self.bias };
        (&mut self.team, &*self.arithmetic, scoring)
    }
}

impl Engine for Simd {
    fn info(&self) -> EngineInfo {
        let (name, isa) = (self.arithmetic.name(), self.arithmetic.isa().name());
        EngineInfo { name: name.into(), isa: isa.into(), threads: self.team.threads() }
    }

    fn train(&mut self, samples: &Samples, batches: Batches) -> Result<()> {
        assert_eq!(samples.features(), self.shape.features, "features of an image");
        let lanes = batches.size.min(batches.order.len()).div_ceil(LANES) * self.bias.len();
        let room = sharing::room(self.mean.len(), lanes);
        self.partials.iter_mut().for_each(|partials| partials.resize(room, Lanes::ZERO));
        let [even, odd] = &mut self.partials;
        let job = Training {
            shape: self.shape,
            objective: self.objective,
            samples,
            batches,
            mean: &self.mean,
            squared_scale: &self.squared_scale,
            weight: Shared::new(&mut self.weight),
            bias: &self.bias,
            partials: [Shared::new(even), Shared::new(odd)],
        };
        let mut biases = self.team.run(|member| train::train(&*self.arithmetic, &job, &member))?;
        self.bias = biases.swap_remove(0);
        Ok(())
    }

    fn evaluate(&mut self, samples: &Samples) -> Result<Vec<Evaluation>> {
        let Shape { features, classes, runs } = self.shape;
        assert_eq!(samples.features(), features, "features of an image");
        let (team, arithmetic, scoring) = self.scoring();
        let shares = team.run(|member| evaluate::evaluate(arithmetic, &scoring, samples, &member))?;
        let mut evaluations = vec![Evaluation::empty(classes); runs];
        for share in &shares {
            for losses in share.losses.chunks(runs) {
                evaluations.iter_mut().zip(losses).for_each(|(evaluation, loss)| evaluation.loss_sum += loss);
            }
            for (evaluation, confusion) in evaluations.iter_mut().zip(&share.confusions) {
                evaluation.confusion.iter_mut().zip(confusion).for_each(|(sum, count)| *sum += count);
            }
        }
        Ok(evaluations)
    }

    fn forward(&mut self, rows: &Rows, logits: &mut [f32]) -> Result<()> {
        assert_eq!(rows.features(), self.shape.features, "features of an image");
        assert_eq!(logits.len(), rows.len() * self.bias.len(), "logits [N, R * K]");
        let (team, arithmetic, scoring) = self.scoring();
        let shares = team.run(|member| evaluate::logits(arithmetic, &scoring, rows, &member))?;
        logits.copy_from_slice(&shares.concat());
        Ok(())
    }

    fn parameters(&self) -> Vec<Parameters> {
        let Shape { features, classes, runs } = self.shape;
        let stride = row(self.shape.columns());
        let run = |run: usize| {
            let mut weight = vec![0.0; classes * features];
            for (class, row) in weight.chunks_mut(features).enumerate() {
                for (feature, weight) in row.iter_mut().enumerate() {
                    let Place { group, lane } = self.arithmetic.place(feature);
                    let scaled = self.weight[group * stride + run * classes + class].0[lane];
                    *weight = scaled / self.scale[group].0[lane];
                }
            }
            let bias = self.bias[run * classes..][..classes].to_vec();
            Parameters { classes, features, weight, bias }
        };
        (0..runs).map(run).collect()
    }

    fn load(&mut self, parameters: &[Parameters]) {
        assert_eq!(Shape::of(parameters), self.shape);
        let stride = row(self.shape.columns());
        let rows = parameters.iter().flat_map(|run| run.weight.chunks(run.features));
        for (column, row) in rows.enumerate() {
            for (feature, &weight) in row.iter().enumerate() {
                let Place { group, lane } = self.arithmetic.place(feature);
                self.weight[group * stride + column].0[lane] = weight * self.scale[group].0[lane];
            }
        }
        self.bias = parameters.iter().flat_map(|run| &run.bias).copied().collect();
    }

    fn state(&self) -> Vec<RunState> {
        let Shape { classes, runs, .. } = self.shape;
        let stride = row(self.shape.columns());
        let run = |first: usize| {
            // Sixteen values at a time: the trainer keeps the state of each epoch.
            let mut weight = Vec::with_capacity(size_of::<Lanes>() * self.mean.len() * classes);
            for lanes in self.weight.chunks(stride).flat_map(|row| &row[first..first + classes]) {
                weight.extend_from_slice(lanes.0.map(f32::to_le_bytes).as_flattened());
            }
            RunState { weight, bias: to_bytes(&self.bias[first..first + classes]) }
        };
        (0..runs).map(|index| run(index * classes)).collect()
    }

    fn restore(&mut self, states: &[RunState]) -> Result<(), usize> {
        let Shape { classes, runs, .. } = self.shape;
        let (stride, weight) = (row(self.shape.columns()), size_of::<Lanes>() * self.mean.len() * classes);
        RunState::check(states, runs, weight, size_of::<f32>() * classes)?;
        for (state, first) in states.iter().zip((0..).step_by(classes)) {
            let lanes = self.weight.chunks_mut(stride).flat_map(|row| &mut row[first..first + classes]);
            let weight = lanes.flat_map(|lanes| &mut lanes.0);
            weight.zip(from_bytes(&state.weight)).for_each(|(slot, value)| *slot = value);
            let bias = self.bias[first..].iter_mut();
            bias.zip(from_bytes(&state.bias)).for_each(|(slot, value)| *slot = value);
        }
        Ok(())
    }
}
