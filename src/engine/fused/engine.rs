//! The engine: the parameters as the kernels take them, and the contract.

use super::arithmetic::Arithmetic;
use super::evaluate::{self, Scoring};
use super::f32::F32;
use super::fixed::Fixed;
use super::isa::Isa;
use super::isa::vector::{LANES, Lanes};
use super::kernels::kernels;
use super::layout::{Place, row};
use super::lent::Lent;
use super::partition::room;
use super::train::{self, Training};
use crate::engine::contract::{Batches, Engine, EngineInfo, RunState, from_bytes, to_bytes};
use crate::engine::evaluation::Evaluation;
use crate::engine::problem::{Problem, Shape};
use crate::engine::team::Team;
use crate::error::Result;
use crate::model::{Parameters, Standardization};
use crate::objective::Objective;
use crate::samples::{Rows, Samples};

/// The fused engine, `simd` or `fixed`.
pub struct Fused {
    pub(super) numbers: Numbers,
    isa: Isa,
    pub(super) team: Team,
    pub(super) shape: Shape,
    pub(super) objective: Objective,
    /// `[groups]`: the mean pixel of each feature.
    pub(super) mean: Vec<Lanes>,
    /// `[groups]`: `1 / (255 std)`, and its square.
    scale: Vec<Lanes>,
    pub(super) squared_scale: Vec<Lanes>,
    /// `[groups][row(C)]`: the weights, scaled.
    pub(super) weight: Vec<Lanes>,
    /// `[C]`
    pub(super) bias: Vec<f32>,
    /// The partial logits of two steps.
    partials: [Vec<Lanes>; 2],
}

/// The numbers that an engine multiplies.
pub(super) enum Numbers {
    F32(F32),
    Fixed(Fixed),
}

/// Evaluates `$work` with the [`Arithmetic`] of these [`Numbers`].
macro_rules! with_arithmetic {
    ($numbers:expr, $arithmetic:ident => $work:expr) => {
        match $numbers {
            Numbers::F32($arithmetic) => $work,
            Numbers::Fixed($arithmetic) => $work,
        }
    };
}
pub(super) use with_arithmetic;

impl Numbers {
    fn place(&self, feature: usize) -> Place {
        with_arithmetic!(self, arithmetic => arithmetic.place(feature))
    }
}

impl Fused {
    /// The engine `simd` for `problem`, on the instruction set `isa`.
    ///
    /// # Errors
    /// If this machine does not have `isa`.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn simd(isa: Isa, problem: &Problem, team: Team) -> Result<Self> {
        Ok(Self::new(Numbers::F32(F32(kernels(isa)?)), isa, problem, team))
    }

    /// The engine `fixed`, which multiplies 16-bit fixed-point numbers: `docs/fixed.md` describes the number format, and
    /// what it costs. On a machine with AVX-512 but without VNNI, its products are those of AVX2, with the same bits.
    ///
    /// # Errors
    /// If this machine does not have `isa`.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn fixed(isa: Isa, problem: &Problem, team: Team) -> Result<Self> {
        Ok(Self::new(Numbers::Fixed(Fixed::new(isa)?), isa, problem, team))
    }

    fn new(numbers: Numbers, isa: Isa, problem: &Problem, team: Team) -> Self {
        let shape = problem.shape();
        let Standardization { mean, std } = problem.standardization;
        let groups = with_arithmetic!(&numbers, arithmetic => arithmetic.groups(shape.features));
        let pack = |values: &mut dyn Iterator<Item = f32>| {
            let mut packed = vec![Lanes::ZERO; groups];
            for (feature, value) in values.enumerate() {
                let Place { group, lane } = numbers.place(feature);
                packed[group].0[lane] = value;
            }
            packed
        };
        let scale = |std: f32| 1.0 / (255.0 * std);
        let mut engine = Self {
            isa,
            team,
            shape,
            objective: problem.objective,
            mean: pack(&mut mean.iter().map(|mean| 255.0 * mean)),
            scale: pack(&mut std.iter().map(|&std| scale(std))),
            squared_scale: pack(&mut std.iter().map(|&std| scale(std) * scale(std))),
            weight: vec![Lanes::ZERO; groups * row(shape.columns())],
            bias: vec![0.0; shape.columns()],
            partials: [Vec::new(), Vec::new()],
            numbers,
        };
        engine.load(problem.initial);
        engine
    }

    /// The team, the numbers, and the model.
    fn scoring(&mut self) -> (&mut Team, &Numbers, Scoring<'_>) {
        let Self { shape, objective, .. } = *self;
        let scoring = Scoring { shape, objective, mean: &self.mean, weight: &self.weight, bias: &self.bias };
        (&mut self.team, &self.numbers, scoring)
    }
}

impl Engine for Fused {
    fn info(&self) -> EngineInfo {
        let name = match self.numbers {
            Numbers::F32(_) => "simd",
            Numbers::Fixed(_) => "fixed",
        };
        EngineInfo { name: name.into(), isa: self.isa.name().into(), threads: self.team.threads() }
    }

    fn train(&mut self, samples: &Samples, batches: Batches) -> Result<()> {
        assert_eq!(samples.features(), self.shape.features, "features of an image");
        let lanes = batches.size.min(batches.order.len()).div_ceil(LANES) * self.bias.len();
        let room = room(self.mean.len(), lanes);
        self.partials.iter_mut().for_each(|partials| partials.resize(room, Lanes::ZERO));
        let [even, odd] = &mut self.partials;
        let job = Training {
            shape: self.shape,
            objective: self.objective,
            samples,
            batches,
            mean: &self.mean,
            squared_scale: &self.squared_scale,
            weight: Lent::new(&mut self.weight),
            bias: &self.bias,
            partials: [Lent::new(even), Lent::new(odd)],
        };
        let mut biases = self.team.run(
            |member| with_arithmetic!(&self.numbers, arithmetic => train::train(arithmetic, &job, &member)),
        )?;
        self.bias = biases.swap_remove(0);
        Ok(())
    }

    fn evaluate(&mut self, samples: &Samples) -> Result<Vec<Evaluation>> {
        let Shape { features, classes, runs } = self.shape;
        assert_eq!(samples.features(), features, "features of an image");
        let (team, numbers, scoring) = self.scoring();
        let portions = team.run(
            |member| with_arithmetic!(numbers, a => evaluate::evaluate(a, &scoring, samples, &member)),
        )?;
        let mut evaluations = vec![Evaluation::empty(classes); runs];
        for portion in &portions {
            for losses in portion.losses.chunks(runs) {
                evaluations.iter_mut().zip(losses).for_each(|(evaluation, loss)| evaluation.loss_sum += loss);
            }
            for (evaluation, confusion) in evaluations.iter_mut().zip(&portion.confusions) {
                evaluation.confusion.iter_mut().zip(confusion).for_each(|(sum, count)| *sum += count);
            }
        }
        Ok(evaluations)
    }

    fn forward(&mut self, rows: &Rows, logits: &mut [f32]) -> Result<()> {
        assert_eq!(rows.features(), self.shape.features, "features of an image");
        assert_eq!(logits.len(), rows.len() * self.bias.len(), "logits [N, R * K]");
        let (team, numbers, scoring) = self.scoring();
        let portions =
            team.run(|member| with_arithmetic!(numbers, a => evaluate::logits(a, &scoring, rows, &member)))?;
        logits.copy_from_slice(&portions.concat());
        Ok(())
    }

    fn parameters(&self) -> Vec<Parameters> {
        let Shape { features, classes, runs } = self.shape;
        let stride = row(self.shape.columns());
        let run = |run: usize| {
            let mut weight = vec![0.0; classes * features];
            for (class, row) in weight.chunks_mut(features).enumerate() {
                for (feature, weight) in row.iter_mut().enumerate() {
                    let Place { group, lane } = self.numbers.place(feature);
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
                let Place { group, lane } = self.numbers.place(feature);
                self.weight[group * stride + column].0[lane] = weight * self.scale[group].0[lane];
            }
        }
        self.bias = parameters.iter().flat_map(|run| &run.bias).copied().collect();
    }

    fn state(&self) -> Vec<RunState> {
        let Shape { classes, runs, .. } = self.shape;
        let stride = row(self.shape.columns());
        let run = |first: usize| {
            // Sixteen values at a time: the state is taken after each epoch.
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
