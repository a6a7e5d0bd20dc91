//! The engine: it holds the parameters in the layout of the kernels, and fulfils the contract.

use std::time::Instant;

use super::arithmetic::{Arithmetic, Passes};
use super::evaluate::{self, Scoring};
use super::f32::{F32, kernels};
use super::fixed::{self, Fixed};
use super::isa::Isa;
use super::isa::vector::{LANES, Lanes};
use super::kernels::objective::Aim;
use super::layer::Layer;
use super::layout::{Blocks, Place, row};
use super::lent::Lent;
use super::partition::room;
use super::train::{self, Bias, Training};
use crate::engine::contract::{Batches, Engine, EngineInfo, Planes, RunState, from_bytes, to_bytes};
use crate::engine::evaluation::Evaluation;
use crate::engine::gradient::Gradient;
use crate::engine::problem::{Problem, Shape};
use crate::engine::team::{Clock, Pace, Stretch, Team};
use crate::error::{Error, Result};
use crate::model::{Parameters, Standardization};
use crate::samples::{Element, Rows, Samples};

/// The fused engine, `simd` or `fixed`.
pub struct Fused {
    isa: Isa,
    pub(super) layer: Layer,
    pub(super) passes: Chosen,
    /// The [`Arithmetic::place`] of its arithmetic.
    pub(super) place: fn(usize) -> Place,
    pub(super) team: Team,
    /// `[groups][row(C)]`: the weights, scaled.
    pub(super) weight: Vec<Lanes>,
    /// The same of the velocity; empty before there was momentum.
    velocity: Vec<Lanes>,
    pub(super) bias: Bias,
    /// The partial logits of two steps.
    partials: [Vec<Lanes>; 2],
    /// How many threads train; none before the first step.
    pace: Option<Pace>,
}

/// The passes of an engine, in its arithmetic.
pub(super) enum Chosen {
    Bytes(Box<dyn Passes<F32<u8>>>),
    Floats(Box<dyn Passes<F32<f32>>>),
    Fixed(Box<dyn Passes<Fixed>>),
}

/// Evaluates `$work` with the [`Passes`] that were chosen.
macro_rules! with_passes {
    ($chosen:expr, $passes:ident => $work:expr) => {
        match $chosen {
            Chosen::Bytes(passes) => {
                let $passes = &**passes;
                $work
            }
            Chosen::Floats(passes) => {
                let $passes = &**passes;
                $work
            }
            Chosen::Fixed(passes) => {
                let $passes = &**passes;
                $work
            }
        }
    };
}
pub(super) use with_passes;

impl Fused {
    /// The engine `simd` for `problem`, on the instruction set `isa`.
    ///
    /// # Errors
    /// If this machine does not have `isa`.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn simd(isa: Isa, problem: &Problem, team: Team) -> Result<Self> {
        match problem.element {
            Element::U8 => Self::new::<F32<u8>>(Chosen::Bytes(kernels(isa)?), isa, problem, team),
            Element::F32 => Self::new::<F32<f32>>(Chosen::Floats(kernels(isa)?), isa, problem, team),
        }
    }

    /// The engine `fixed`, which multiplies 16-bit fixed-point numbers: `docs/fixed.md` describes the number format, and
    /// what it costs. On a machine with AVX-512 but without VNNI, its products are those of AVX2, with the same bits.
    ///
    /// # Errors
    /// If this machine does not have `isa`, or features are not bytes.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn fixed(isa: Isa, problem: &Problem, team: Team) -> Result<Self> {
        if problem.element != Element::U8 {
            let expected = "simd, gemm or reference: fixed multiplies bytes";
            return Err(Error::setting(
                "engine",
                expected,
                format_args!("fixed with features of {}", problem.element.name()),
            ));
        }
        Self::new::<Fixed>(Chosen::Fixed(fixed::passes(isa)), isa, problem, team)
    }

    fn new<A: Arithmetic>(passes: Chosen, isa: Isa, problem: &Problem, team: Team) -> Result<Self> {
        let shape = problem.shape();
        let Standardization { mean, std } = problem.standardization;
        let groups = A::groups(shape.features);
        let pack = |values: &mut dyn Iterator<Item = f32>| {
            let mut packed = vec![Lanes::ZERO; groups];
            for (feature, value) in values.enumerate() {
                let Place { group, lane } = A::place(feature);
                packed[group].0[lane] = value;
            }
            packed
        };
        let unit = problem.element.unit();
        let scale = |std: f32| 1.0 / (unit * std);
        let layer = Layer {
            shape,
            objective: problem.objective.clone(),
            aim: Aim::new(problem.objective, shape.classes),
            kernels: kernels(isa)?,
            blocks: Blocks::new(groups),
            mean: pack(&mut mean.iter().map(|mean| unit * mean)),
            scale: pack(&mut std.iter().map(|&std| scale(std))),
            squared_scale: pack(&mut std.iter().map(|&std| scale(std) * scale(std))),
            outliers: A::outliers(Blocks::new(groups), std),
            reciprocal: pack(&mut std.iter().map(|&std| (unit * std) * (unit * std))),
        };
        let mut engine = Self {
            isa,
            layer,
            passes,
            place: A::place,
            team,
            weight: Vec::new(),
            velocity: Vec::new(),
            bias: Bias::default(),
            partials: [Vec::new(), Vec::new()],
            pace: None,
        };
        engine.load(problem.initial);
        Ok(engine)
    }

    /// `[groups][row(C)]`: the weights of `parameters`, scaled.
    pub(super) fn packed(&self, parameters: &[Parameters]) -> Vec<Lanes> {
        let stride = row(Shape::of(parameters).columns());
        let mut packed = vec![Lanes::ZERO; self.layer.mean.len() * stride];
        let rows = parameters.iter().flat_map(|run| run.weight.chunks(run.features));
        for (column, row) in rows.enumerate() {
            for (feature, &weight) in row.iter().enumerate() {
                let Place { group, lane } = (self.place)(feature);
                packed[group * stride + column].0[lane] = weight * self.layer.scale[group].0[lane];
            }
        }
        packed
    }

    /// Every velocity becomes 0.
    fn start_velocity(&mut self) {
        self.velocity = vec![Lanes::ZERO; self.weight.len()];
        self.bias.velocity = vec![0.0; self.bias.value.len()];
    }

    /// Takes one step for each batch, on `members` threads. The seconds that the one with the fewest had a processor for.
    fn train_on(&mut self, members: usize, samples: &Samples, batches: Batches) -> Result<f64> {
        let [even, odd] = &mut self.partials;
        let job = Training {
            layer: &self.layer,
            samples,
            batches,
            weight: Lent::new(&mut self.weight),
            velocity: Lent::new(&mut self.velocity),
            bias: &self.bias,
            partials: [Lent::new(even), Lent::new(odd)],
        };
        let mut trained = self.team.run_on(members, |member| {
            let clock = Clock::start();
            let bias = with_passes!(&self.passes, passes => train::train(passes, &job, &member));
            (bias, clock.processor_seconds())
        })?;
        let processor = trained.iter().map(|(_, processor)| *processor).fold(f64::INFINITY, f64::min);
        self.bias = trained.swap_remove(0).0;
        Ok(processor)
    }

    /// The team, the passes, and the model.
    fn scoring(&mut self) -> (&mut Team, &Chosen, Scoring<'_>) {
        let scoring = Scoring { layer: &self.layer, weight: &self.weight, bias: &self.bias.value };
        (&mut self.team, &self.passes, scoring)
    }
}

impl Engine for Fused {
    fn info(&self) -> EngineInfo {
        let name = match self.passes {
            Chosen::Bytes(_) | Chosen::Floats(_) => "simd",
            Chosen::Fixed(_) => "fixed",
        };
        EngineInfo {
            name: name.into(),
            isa: self.isa.name().into(),
            threads: self.team.threads(),
            reason: None,
        }
    }

    fn train(&mut self, samples: &Samples, batches: Batches) -> Result<()> {
        assert_eq!(samples.features(), self.layer.shape.features, "features of an image");
        let lanes = batches.size.min(batches.order.len()).div_ceil(LANES) * self.bias.value.len();
        let room = room(self.layer.blocks, lanes);
        self.partials.iter_mut().for_each(|partials| partials.resize(room, Lanes::ZERO));
        if self.velocity.is_empty() && batches.steps.iter().any(|step| step.momentum != 0.0) {
            self.start_velocity();
        }
        batches.check(self.layer.shape.runs);
        let size = batches.size.min(batches.order.len());
        let step = 4.0 * (size * self.layer.shape.features * self.layer.shape.columns()) as f64;
        let mut pace = self.pace.take().unwrap_or_else(|| Pace::new(self.team.threads(), step));
        let mut left = batches;
        while !left.order.is_empty() {
            let turn = pace.turn();
            let steps = (turn.work / size as f64) as usize;
            let (part, rest) = left.split_at(steps.max(2), self.layer.shape.runs);
            let start = Instant::now();
            let processor = self.train_on(turn.members, samples, part)?;
            let (work, seconds) = (part.order.len() as f64, start.elapsed().as_secs_f64());
            pace.note(Stretch { work, seconds, processor });
            left = rest;
        }
        self.pace = Some(pace);
        Ok(())
    }

    fn evaluate(&mut self, samples: &Samples) -> Result<Vec<Evaluation>> {
        let Shape { features, classes, runs } = self.layer.shape;
        assert_eq!(samples.features(), features, "features of an image");
        let (team, passes, scoring) = self.scoring();
        let portions = team.run(
            |member| with_passes!(passes, passes => evaluate::evaluate(passes, &scoring, samples, &member)),
        )?;
        let mut evaluations = vec![Evaluation::empty(classes); runs];
        for portion in &portions {
            for losses in portion.losses.chunks(runs) {
                evaluations.iter_mut().zip(losses).for_each(|(evaluation, loss)| evaluation.loss_sum += loss);
            }
            evaluations
                .iter_mut()
                .zip(&portion.counts)
                .for_each(|(evaluation, part)| evaluation.counts.add(part));
        }
        Ok(evaluations)
    }

    fn gradient(
        &mut self,
        samples: &Samples,
        at: &[Parameters],
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Vec<Gradient>>> {
        self.gradients(samples, at, stop)
    }

    fn forward(&mut self, rows: &Rows, logits: &mut [f32]) -> Result<()> {
        assert_eq!(rows.features(), self.layer.shape.features, "features of an image");
        assert_eq!(logits.len(), rows.len() * self.bias.value.len(), "logits [N, R * K]");
        let (team, passes, scoring) = self.scoring();
        let portions = team.run(
            |member| with_passes!(passes, passes => evaluate::logits(passes, &scoring, rows, &member)),
        )?;
        logits.copy_from_slice(&portions.concat());
        Ok(())
    }

    fn parameters(&self) -> Vec<Parameters> {
        let Shape { features, classes, runs } = self.layer.shape;
        let stride = row(self.layer.shape.columns());
        let run = |run: usize| {
            let mut weight = vec![0.0; classes * features];
            for (class, row) in weight.chunks_mut(features).enumerate() {
                for (feature, weight) in row.iter_mut().enumerate() {
                    let Place { group, lane } = (self.place)(feature);
                    let scaled = self.weight[group * stride + run * classes + class].0[lane];
                    *weight = scaled / self.layer.scale[group].0[lane];
                }
            }
            let bias = self.bias.value[run * classes..][..classes].to_vec();
            Parameters { classes, features, weight, bias }
        };
        (0..runs).map(run).collect()
    }

    fn are_finite(&self) -> Vec<bool> {
        let Shape { classes, runs, .. } = self.layer.shape;
        let stride = row(self.layer.shape.columns());
        let run = |first: usize| {
            // Sixteen weights at a time, doubled, so that rounding cannot matter: 0 times a finite number is 0.
            let mut sums = Lanes::ZERO;
            let scales = self.layer.reciprocal.iter().zip(&self.layer.scale);
            for (row, (reciprocal, scale)) in self.weight.chunks(stride).zip(scales) {
                for lanes in &row[first..first + classes] {
                    for (lane, sum) in sums.0.iter_mut().enumerate() {
                        *sum += 0.0 * (lanes.0[lane] * (2.0 * reciprocal.0[lane] * scale.0[lane]));
                    }
                }
            }
            sums.sum() == 0.0 && self.bias.value[first..first + classes].iter().all(|b| b.is_finite())
        };
        let exact = |run: usize| self.parameters()[run].is_finite();
        (0..runs).map(|index| run(index * classes) || exact(index)).collect()
    }

    fn load(&mut self, parameters: &[Parameters]) {
        assert_eq!(Shape::of(parameters), self.layer.shape);
        self.weight = self.packed(parameters);
        self.velocity.clear();
        let value = parameters.iter().flat_map(|run| &run.bias).copied().collect();
        self.bias = Bias { value, velocity: Vec::new() };
    }

    fn state(&self) -> Vec<RunState> {
        let Shape { classes, runs, .. } = self.layer.shape;
        let stride = row(self.layer.shape.columns());
        let planes = |lanes: &[Lanes], bias: &[f32], first: usize| {
            // Sixteen values at a time: the state is taken after each epoch.
            let mut weight = Vec::with_capacity(size_of::<Lanes>() * self.layer.mean.len() * classes);
            for lanes in lanes.chunks(stride).flat_map(|row| &row[first..first + classes]) {
                weight.extend_from_slice(lanes.0.map(f32::to_le_bytes).as_flattened());
            }
            Planes { weight, bias: to_bytes(&bias[first..first + classes]) }
        };
        let moves = !self.velocity.is_empty();
        let state = |first: usize| RunState {
            parameters: planes(&self.weight, &self.bias.value, first),
            velocity: moves.then(|| planes(&self.velocity, &self.bias.velocity, first)),
        };
        (0..runs).map(|index| state(index * classes)).collect()
    }

    fn restore(&mut self, states: &[RunState]) -> Result<(), usize> {
        let Shape { classes, runs, .. } = self.layer.shape;
        let (stride, weight) =
            (row(self.layer.shape.columns()), size_of::<Lanes>() * self.layer.mean.len() * classes);
        RunState::check(states, runs, weight, size_of::<f32>() * classes)?;
        self.velocity.clear();
        if states.iter().any(|state| state.velocity.is_some()) {
            self.start_velocity();
        }
        let fill = |lanes: &mut [Lanes], bias: &mut [f32], planes: &Planes, first: usize| {
            let lanes = lanes.chunks_mut(stride).flat_map(|row| &mut row[first..first + classes]);
            from_bytes(&planes.weight, lanes.flat_map(|lanes| &mut lanes.0));
            from_bytes(&planes.bias, &mut bias[first..]);
        };
        for (state, first) in states.iter().zip((0..).step_by(classes)) {
            fill(&mut self.weight, &mut self.bias.value, &state.parameters, first);
            if let Some(planes) = &state.velocity {
                fill(&mut self.velocity, &mut self.bias.velocity, planes, first);
            }
        }
        Ok(())
    }
}
