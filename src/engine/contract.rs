//! What every engine does, whatever it computes with.

use serde::{Deserialize, Serialize};

use super::evaluation::Evaluation;
use super::gradient::Gradient;
use super::kind::EngineKind;
use crate::error::Result;
use crate::model::Parameters;
use crate::samples::{Rows, Samples};

/// A trainer of R runs side by side. Engines differ in speed and rounding, never in meaning.
pub trait Engine: Send {
    /// What this engine is.
    fn info(&self) -> EngineInfo;

    /// Takes one step for each batch. The batches may be any part of an epoch that is cut at a batch boundary.
    ///
    /// # Errors
    /// If a thread of the team panics; the parameters are then unusable.
    ///
    /// # Panics
    /// If an index of the order is not below `samples.len()`, a label is not below K, or a shape does not fit. A
    /// panic in a thread of the team is an error instead.
    fn train(&mut self, samples: &Samples, batches: Batches) -> Result<()>;

    /// The loss of each run and what it predicts, over all of `samples`.
    ///
    /// # Errors
    /// If a thread of the team panics.
    ///
    /// # Panics
    /// If a label is not below K, or a shape does not fit.
    fn evaluate(&mut self, samples: &Samples) -> Result<Vec<Evaluation>>;

    /// The loss over all of `samples`, and its gradient, at each of the parameters `at`. There may be any number of them,
    /// whatever this engine holds, and what it finds for one does not depend on those beside it. Sums over many samples are
    /// in f64, in an order that depends on nothing else. `stop` is asked some 40 times a second; none if it says so.
    ///
    /// # Errors
    /// If a thread of the team panics.
    ///
    /// # Panics
    /// If `at` is empty, a label is not below K, or a shape does not fit.
    fn gradient(
        &mut self,
        samples: &Samples,
        at: &[Parameters],
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Vec<Gradient>>>;

    /// `logits [N, R * K] <- x^ [N, D] . weight^T + bias`, row-major.
    ///
    /// # Errors
    /// If a thread of the team panics.
    ///
    /// # Panics
    /// If a shape does not fit.
    fn forward(&mut self, rows: &Rows, logits: &mut [f32]) -> Result<()>;

    /// The parameters of each run, rounded to f32 where the engine holds them otherwise.
    fn parameters(&self) -> Vec<Parameters>;

    /// `||W||^2` of each run: [`Parameters::squared_norm`] of [`Engine::parameters`].
    fn squared_norms(&self) -> Vec<f64> {
        self.parameters().iter().map(Parameters::squared_norm).collect()
    }

    /// Whether all parameters of each run are finite in f32.
    fn are_finite(&self) -> Vec<bool> {
        self.parameters().iter().map(Parameters::is_finite).collect()
    }

    /// Replaces the parameters of every run.
    ///
    /// # Panics
    /// If the shape differs from the one the engine was built for.
    fn load(&mut self, parameters: &[Parameters]);

    /// The exact state of each run: training that goes on from it has the bits of training that never stopped.
    /// [`Engine::parameters`] may round; this does not.
    fn state(&self) -> Vec<RunState>;

    /// Restores one state for each run. They may come from different engines of the same kind, D and K, with any number
    /// of runs.
    ///
    /// # Errors
    /// A state of another size, as the number of bytes that a run's state must have.
    ///
    /// # Panics
    /// If there are more or fewer states than runs.
    fn restore(&mut self, states: &[RunState]) -> Result<(), usize>;
}

/// What an engine is, for people and records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// `simd`, `fixed`, `gemm` or `reference`.
    pub name: String,
    /// The instruction set its kernels use.
    pub isa: String,
    /// The most threads that it works on.
    pub threads: usize,
    /// Why `auto` chose it, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl EngineInfo {
    /// The engine that it is.
    pub fn kind(&self) -> EngineKind {
        EngineKind::from_name(&self.name).unwrap_or_default()
    }
}

/// One step of gradient descent for one run. With the gradient g of the cost, `dW + 2 lambda W` of the weights and `db` of
/// the bias, and the momentum m, a run's velocity v and its parameters become
///
/// ```text
/// v <- m v + g
/// W <- W - eta (g + m v)
/// ```
///
/// which is Nesterov's momentum as PyTorch has it; without momentum, `W <- W - eta g`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step {
    /// The learning rate.
    pub eta: f32,
    /// The weight of the penalty `||W||^2`.
    pub lambda: f32,
    /// The momentum.
    pub momentum: f32,
}

/// The batches of a part of an epoch: the images of each, and the step of each run.
#[derive(Clone, Copy, Debug)]
pub struct Batches<'a> {
    /// The images by number, in the order of training.
    pub order: &'a [u32],
    /// B: the images of a batch. The last batch may be smaller; its gradient is averaged over its own size.
    pub size: usize,
    /// `[batches, R]`
    pub steps: &'a [Step],
}

impl<'a> Batches<'a> {
    /// The images of each batch, and the step of each of `runs` runs.
    ///
    /// # Panics
    /// If the size is 0 or `steps` is not `[batches, runs]`.
    pub(super) fn iter(self, runs: usize) -> impl Iterator<Item = (&'a [u32], &'a [Step])> {
        self.check(runs);
        self.order.chunks(self.size).zip(self.steps.chunks(runs))
    }

    /// Checks that there is a step for each batch and each of `runs` runs.
    pub(super) fn check(self, runs: usize) {
        let batches = self.order.len().div_ceil(self.size);
        assert_eq!(self.steps.len(), batches * runs, "a step for each batch and run");
    }

    /// The first `count` batches, and the others; of no more than there are.
    pub(super) fn split_at(self, count: usize, runs: usize) -> (Self, Self) {
        let images = count.saturating_mul(self.size).min(self.order.len());
        let (first, second) = self.order.split_at(images);
        let (steps, later) = self.steps.split_at(images.div_ceil(self.size) * runs);
        (Self { order: first, steps, ..self }, Self { order: second, steps: later, ..self })
    }
}

/// The exact state of one run, in the engine's own layout and precision. It does not depend on the runs beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunState {
    /// The parameters.
    pub parameters: Planes,
    /// The velocity; none where no run of the engine had momentum.
    pub velocity: Option<Planes>,
}

/// A value for each weight and each bias of a run, as bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Planes {
    /// Of the weights.
    pub weight: Vec<u8>,
    /// Of the bias.
    pub bias: Vec<u8>,
}

impl RunState {
    /// The planes of the parameters, and of the velocity if there is one.
    pub(crate) fn planes(&self) -> impl Iterator<Item = &Planes> {
        [&self.parameters].into_iter().chain(&self.velocity)
    }

    /// Checks that there is a state for each of `runs` runs, with planes of `weight` and `bias` bytes.
    pub(super) fn check(states: &[Self], runs: usize, weight: usize, bias: usize) -> Result<(), usize> {
        assert_eq!(states.len(), runs, "a state for each run");
        let fits = |planes: &Planes| (planes.weight.len(), planes.bias.len()) == (weight, bias);
        if states.iter().flat_map(Self::planes).all(fits) { Ok(()) } else { Err(weight + bias) }
    }
}

/// A plane of f32 values, little-endian.
pub(super) fn to_bytes<'a>(values: impl IntoIterator<Item = &'a f32>) -> Vec<u8> {
    let mut plane = Vec::new();
    values.into_iter().for_each(|value| plane.extend_from_slice(&value.to_le_bytes()));
    plane
}

/// `values <- plane`, of f32.
pub(super) fn from_bytes<'a>(plane: &[u8], values: impl IntoIterator<Item = &'a mut f32>) {
    let bytes = plane.as_chunks().0;
    values.into_iter().zip(bytes).for_each(|(value, &bytes)| *value = f32::from_le_bytes(bytes));
}
