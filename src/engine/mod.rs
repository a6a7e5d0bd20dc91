//! The engines: one contract, and what all of them share.
//!
//! An engine owns the parameters of one or more *runs* while they train. All runs see the same images in the
//! same order; each has its own learning rate and penalty. To an engine R runs of K classes are R x K
//! *columns*, so that one pass over the images trains them all.

mod barrier;
mod gemm;
mod placement;
mod reference;
mod select;
mod simd;
mod team;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::model::Parameters;
use crate::samples::{Rows, Samples};

pub use gemm::Gemm;
pub use reference::Reference;
pub use select::EngineKind;
pub use simd::{Ground, Isa, Simd, Stage, Stages};
pub use team::{Member, Team};

/// One step of gradient descent for one run: `W <- W - eta (dW + 2 lambda W)`, `b <- b - eta db`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The learning rate.
    pub eta: f32,
    /// The weight of the penalty `||W||^2`.
    pub lambda: f32,
}

/// What [`Engine::evaluate`] finds for one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The sum over the images of their losses, in nats.
    pub loss_sum: f64,
    /// `[K, K]`: images of true class `row` for which class `column` had the largest logit, the first of
    /// several equal ones.
    pub confusion: Vec<u64>,
}

impl Evaluation {
    /// The evaluation of no image at all, with K classes.
    pub fn empty(classes: usize) -> Self {
        Self { loss_sum: 0.0, confusion: vec![0; classes * classes] }
    }

    /// Counts one image.
    pub fn count(&mut self, loss: f64, label: usize, predicted: usize) {
        let classes = self.confusion.len().isqrt();
        self.loss_sum += loss;
        self.confusion[label * classes + predicted] += 1;
    }

    /// Adds what was found on other images.
    pub fn add(&mut self, other: &Self) {
        self.loss_sum += other.loss_sum;
        self.confusion.iter_mut().zip(&other.confusion).for_each(|(sum, count)| *sum += count);
    }

    /// The number of images.
    pub fn images(&self) -> u64 {
        self.confusion.iter().sum()
    }

    /// The number of images whose predicted class is the true one.
    pub fn correct(&self) -> u64 {
        let classes = self.confusion.len().isqrt();
        self.confusion.iter().step_by(classes + 1).sum()
    }
}

/// What an engine is, for people and records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// `simd`, `fixed`, `gemm` or `reference`.
    pub name: String,
    /// The instruction set its kernels use.
    pub isa: String,
    /// The number of threads it works on.
    pub threads: usize,
}

/// The sizes that an engine is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// D: the features of an image.
    pub features: usize,
    /// K: the classes of a run.
    pub classes: usize,
    /// R: the runs trained side by side.
    pub runs: usize,
}

impl Shape {
    /// The shape that all of `parameters`, one for each run, have in common.
    ///
    /// # Panics
    /// If there is none, or they differ, or K is not in 2..=256 (a label is a byte).
    pub fn of(parameters: &[Parameters]) -> Self {
        let first = parameters.first().expect("at least one run");
        let shape = Self { features: first.features, classes: first.classes, runs: parameters.len() };
        for run in parameters {
            assert_eq!((run.features, run.classes), (shape.features, shape.classes), "runs of one shape");
            assert_eq!(run.weight.len(), shape.classes * shape.features, "weight [K, D]");
            assert_eq!(run.bias.len(), shape.classes, "bias [K]");
        }
        assert!((2..=256).contains(&shape.classes), "{} classes", shape.classes);
        shape
    }

    /// R x K.
    pub fn columns(&self) -> usize {
        self.runs * self.classes
    }
}

/// A trainer of R runs side by side. Engines differ in speed and rounding, never in meaning.
pub trait Engine: Send {
    /// What this engine is.
    fn info(&self) -> EngineInfo;

    /// Takes one step for each batch of `order`: `batch` images each, the last one what is left, its gradient
    /// averaged over its own size. `steps` is `[batches, R]`. The stretch may be any part of an epoch that was
    /// cut at a batch boundary.
    ///
    /// # Errors
    /// If a thread of the team panics; the parameters are then unusable.
    ///
    /// # Panics
    /// If an index of `order` is not below `samples.len()`, a label is not below K, or a shape does not fit. A
    /// panic in a thread of the team is an error instead.
    fn train(&mut self, samples: &Samples, order: &[u32], batch: usize, steps: &[Step]) -> Result<()>;

    /// The loss and the confusion matrix of each run, over all of `samples`.
    ///
    /// # Errors
    /// If a thread of the team panics.
    ///
    /// # Panics
    /// If a label is not below K, or a shape does not fit.
    fn evaluate(&mut self, samples: &Samples) -> Result<Vec<Evaluation>>;

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

    /// Replaces the parameters of every run.
    ///
    /// # Panics
    /// If the shape differs from the one the engine was built for.
    fn load(&mut self, parameters: &[Parameters]);

    /// The exact state, in the engine's own layout: training that goes on from it has the bits of training that
    /// never stopped. [`Engine::parameters`] may round; this does not.
    fn state(&self) -> Vec<u8>;

    /// Takes up a state that an engine of the same kind and shape saved.
    ///
    /// # Errors
    /// A state of another length, as the number of bytes expected.
    fn restore(&mut self, state: &[u8]) -> Result<(), usize>;
}

/// The batches of a stretch of an epoch: the images of each, and the step of each run.
///
/// # Panics
/// If `batch` is 0 or `steps` is not `[batches, runs]`.
fn batches<'a>(
    order: &'a [u32],
    batch: usize,
    steps: &'a [Step],
    runs: usize,
) -> impl Iterator<Item = (&'a [u32], &'a [Step])> {
    assert_eq!(steps.len(), order.len().div_ceil(batch) * runs, "a step for each batch and run");
    order.chunks(batch).zip(steps.chunks(runs))
}

/// The index of the largest value, the first of several equal ones; 0 where nothing compares.
fn argmax<T: PartialOrd>(values: &[T]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}
