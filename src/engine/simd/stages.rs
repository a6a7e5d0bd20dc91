//! The stages of a training step, one at a time: for measuring each against what the machine can do.
//!
//! Forward, softmax and backward of one batch, in this order, are one step of training: the same kernels on the
//! same shares, with the ends of parallel regions where training has barriers.

use super::backward::{Batch, Features};
use super::shared::Shared;
use super::train::{Training, column_step, forward_share, own_features, softmax_share};
use super::vector::{LANES, Lanes};
use super::{BLOCK, Simd};
use crate::engine::{Member, Step};
use crate::error::Result;
use crate::samples::Samples;

/// A stage of a training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Partial logits of a batch.
    Forward,
    /// From the partial logits to their gradient.
    Softmax,
    /// From that gradient to the step of the weights.
    Backward,
}

/// An engine that takes the stages of its steps one at a time.
pub struct Stages<'a> {
    engine: Simd,
    images: Vec<&'a [u8]>,
    labels: Vec<u8>,
    order: Vec<u32>,
    batch: usize,
    partials: Vec<Lanes>,
    dlogits: Vec<Lanes>,
}

impl<'a> Stages<'a> {
    /// The stages of `engine` on the batches of `samples`, `batch` images each; images behind the last whole batch
    /// are left out.
    ///
    /// # Panics
    /// If there is no whole batch, or the samples do not fit the engine.
    pub fn new(engine: Simd, samples: &Samples<'a>, batch: usize) -> Self {
        assert!(0 < batch && batch <= samples.len(), "batches of {batch} of {} images", samples.len());
        assert_eq!(samples.features(), engine.shape.features, "features of an image");
        let count = samples.len() / batch * batch;
        let labels: Vec<u8> = (0..count).map(|index| samples.label(index)).collect();
        assert!(labels.iter().all(|&label| usize::from(label) < engine.shape.classes), "labels");
        let groups = batch.div_ceil(LANES) * engine.bias.len();
        Self {
            images: (0..count).map(|index| samples.image(index)).collect(),
            labels,
            order: (0..count as u32).collect(),
            batch,
            partials: vec![Lanes::ZERO; engine.mean.len().div_ceil(BLOCK) * groups],
            dlogits: vec![Lanes::ZERO; groups],
            engine,
        }
    }

    /// The number of batches.
    pub fn batches(&self) -> usize {
        self.images.len() / self.batch
    }

    /// The engine, after the steps that were taken.
    pub fn engine(&self) -> &Simd {
        &self.engine
    }

    /// Does one stage of the first `batches` batches. A backward stage takes a step of `step` from the gradient
    /// that the last softmax stage found.
    ///
    /// # Errors
    /// If a thread panics.
    ///
    /// # Panics
    /// If there are not so many batches.
    pub fn run(&mut self, stage: Stage, batches: usize, step: Step) -> Result<()> {
        let Self { engine, images, labels, order, batch, partials, dlogits } = self;
        let job = Training {
            shape: engine.shape,
            objective: engine.objective,
            images,
            labels,
            order,
            batch: *batch,
            steps: &[],
            mean: &engine.mean,
            squared_scale: &engine.squared_scale,
            weight: Shared::new(&mut engine.weight),
            bias: &engine.bias,
            partials: [Shared::new(partials), Shared::new(&mut [])],
        };
        let steps = vec![column_step(step, *batch); job.bias.len()];
        let kernels = &*engine.kernels;
        let found = engine.team.run(|member| {
            let mut found = dlogits.clone();
            for number in 0..batches {
                let images = number * job.batch..(number + 1) * job.batch;
                match stage {
                    Stage::Forward => {
                        let ahead = &job.images[images.end..];
                        forward_share(kernels, &job, &member, &job.images[images], ahead, &job.partials[0]);
                    }
                    Stage::Softmax => {
                        let labels = &job.labels[images];
                        softmax_share(kernels, &job, &job.partials[0], labels, job.bias, &mut found);
                    }
                    Stage::Backward => {
                        let batch = Batch { images: &job.images[images], dlogits, steps: &steps };
                        kernels.backward(batch, own(&job, &member));
                    }
                }
            }
            found
        })?;
        self.dlogits = found.into_iter().next_back().expect("a team has members");
        Ok(())
    }
}

/// The features whose weights `member` steps.
fn own<'a>(job: &'a Training, member: &Member) -> Features<'a> {
    let owned = job.mean.len().div_ceil(BLOCK).is_multiple_of(member.threads());
    let range = own_features(job, member, owned);
    let columns = job.bias.len();
    // SAFETY: feature ranges of different members do not overlap, and nobody reads weights in this stage.
    let weight = unsafe { job.weight.write(range.start * columns..range.end * columns) };
    let (mean, scale) = (&job.mean[range.clone()], &job.squared_scale[range.clone()]);
    Features { first: range.start, mean, scale, weight }
}
