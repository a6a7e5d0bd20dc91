//! One step of gradient descent.

use rayon::prelude::*;

use super::block::{Block, Blocks, FEATURES, IMAGES};
use super::model::Model;
use super::objective;
use super::product::{TILE, transposed_product};
use crate::engine::contract::Step;
use crate::samples::{Sample, Values};

/// The images of a batch whose partial logits are in memory at the same time.
pub(super) const STRETCH: usize = 1024;
/// The images whose dlogits are one piece of work.
pub(super) const OBJECTIVE_IMAGES: usize = 32;

/// The values between the passes of a step. Their memory grows to the size of the largest batch.
#[derive(Default)]
pub(super) struct Buffers {
    /// `[blocks of features, B, C]`, of the B images of a stretch, padded to whole tiles.
    pub(super) partials: Vec<f32>,
    /// `[B, C]`; 0 in the padding columns.
    pub(super) dlogits: Vec<f32>,
}

impl Model {
    /// Takes one step on a batch, whose `images` are those of `samples`; `steps` has one element for each run.
    pub(super) fn step(
        &mut self,
        images: &[Values],
        samples: &[Sample],
        steps: &[Step],
        blocks: &Blocks,
        buffers: &mut Buffers,
    ) {
        let columns = self.columns;
        let dlogits = grown(&mut buffers.dlogits, images.len() * columns);
        let stretches = images.chunks(STRETCH).zip(samples.chunks(STRETCH));
        let scale = 1.0 / images.len() as f32;
        for ((images, samples), dlogits) in stretches.zip(dlogits.chunks_mut(STRETCH * columns)) {
            let partials = self.forward(images, blocks, &mut buffers.partials);
            self.gradient(partials, samples, scale, dlogits);
        }
        if self.velocity.is_none() && steps.iter().any(|step| step.momentum != 0.0) {
            self.velocity = Some(self.parameters.zeros());
        }
        let mut of_column = vec![Step::default(); columns];
        for (column, step) in of_column.chunks_mut(self.shape.classes).zip(steps) {
            column.fill(*step);
        }
        let mut dbias = vec![0.0; columns];
        for dlogits in dlogits.chunks(columns) {
            dbias.iter_mut().zip(dlogits).for_each(|(sum, &dlogit)| *sum += f64::from(dlogit));
        }
        self.backward(images, dlogits, &of_column, blocks);
        of_column.iter_mut().for_each(|step| step.lambda = 0.0);
        let dbias: Vec<f32> = dbias.into_iter().map(|dbias| dbias as f32).collect();
        let velocity = self.velocity.as_mut().map(|velocity| &mut velocity.bias[..]);
        update(&of_column, &dbias, &mut self.parameters.bias, velocity);
    }

    /// `partials [blocks of features, B, C] <- x^ [B, F] . weight [F, C]`, B padded to whole tiles.
    pub(super) fn forward<'a>(
        &self,
        images: &[Values],
        blocks: &Blocks,
        partials: &'a mut Vec<f32>,
    ) -> &'a [f32] {
        let (columns, height) = (self.columns, images.len().next_multiple_of(TILE));
        let count = self.standardizer.features().div_ceil(FEATURES);
        let partials = grown(partials, count * height * columns);
        partials.par_chunks_mut(height * columns).enumerate().for_each(|(index, partial)| {
            blocks.with(|Block { x, .. }| {
                for (images, partial) in images.chunks(IMAGES).zip(partial.chunks_mut(IMAGES * columns)) {
                    self.partial_logits(images, self.block_features(index), 0.0, partial, x);
                }
            });
        });
        partials
    }

    /// `dlogits [B, C] <- scale dloss/dlogits`, at the logits that are the sum of bias and `partials`.
    fn gradient(&self, partials: &[f32], samples: &[Sample], scale: f32, dlogits: &mut [f32]) {
        let columns = self.columns;
        let chunks =
            dlogits.par_chunks_mut(OBJECTIVE_IMAGES * columns).zip(samples.par_chunks(OBJECTIVE_IMAGES));
        let images = samples.len();
        chunks.enumerate().for_each(|(piece, (dlogits, samples))| {
            self.sum_partials(partials, images, piece, dlogits);
            for (dlogits, sample) in dlogits.chunks_mut(columns).zip(samples) {
                for dlogits in dlogits[..self.shape.columns()].chunks_mut(self.shape.classes) {
                    objective::gradient(&self.objective, dlogits, sample.label.into(), scale * sample.weight);
                }
            }
        });
    }

    /// `logits [B, C] <- bias + partials`, of the piece of this number of a stretch of `images` images.
    pub(super) fn sum_partials(&self, partials: &[f32], images: usize, piece: usize, logits: &mut [f32]) {
        logits.chunks_mut(self.columns).for_each(|logits| logits.copy_from_slice(&self.parameters.bias));
        for partial in partials.chunks(images.next_multiple_of(TILE) * self.columns) {
            let partial = &partial[piece * OBJECTIVE_IMAGES * self.columns..];
            logits.iter_mut().zip(partial).for_each(|(logit, partial)| *logit += partial);
        }
    }

    /// `dweight [D, C] <- x^^T [D, B] . dlogits [B, C]`, and the update of the weights.
    fn backward(&mut self, images: &[Values], dlogits: &[f32], steps: &[Step], blocks: &Blocks) {
        let Self { columns, standardizer, parameters, velocity, .. } = self;
        let (columns, chunk) = (*columns, FEATURES * *columns);
        let backward = |index: usize, weight: &mut [f32], mut velocity: Option<&mut [f32]>| {
            let first = index * FEATURES;
            let features = first..first + weight.len() / columns;
            blocks.with(|Block { x, dweight }| {
                let dweight = grown(dweight, weight.len());
                let mut beta = 0.0;
                for (images, dlogits) in images.chunks(IMAGES).zip(dlogits.chunks(IMAGES * columns)) {
                    let x = &mut x[..images.len() * features.len()];
                    standardizer.rows(images, features.clone(), x);
                    transposed_product([images.len(), features.len(), columns], x, dlogits, beta, dweight);
                    beta = 1.0;
                }
                let rows = weight.chunks_mut(columns).zip(dweight.chunks(columns));
                for (row, (weight, dweight)) in rows.enumerate() {
                    let velocity =
                        velocity.as_mut().map(|velocity| &mut velocity[row * columns..][..columns]);
                    update(steps, dweight, weight, velocity);
                }
            });
        };
        let weights = parameters.weight.par_chunks_mut(chunk).enumerate();
        match velocity {
            None => weights.for_each(|(index, weight)| backward(index, weight, None)),
            Some(velocity) => {
                let both = weights.zip(velocity.weight.par_chunks_mut(chunk));
                both.for_each(|((index, weight), velocity)| backward(index, weight, Some(velocity)));
            }
        }
    }
}

/// The update of a row of parameters, given the gradients of their part of the loss. All terms are added before a
/// parameter is rounded: those below half of its unit in the last place would be lost one by one.
fn update(steps: &[Step], gradients: &[f32], parameters: &mut [f32], velocity: Option<&mut [f32]>) {
    let columns = parameters.iter_mut().zip(gradients).zip(steps);
    let cost = |parameter: f32, gradient: f32, step: &Step| 2.0 * step.lambda * parameter + gradient;
    match velocity {
        None => {
            for ((parameter, &gradient), step) in columns {
                *parameter -= step.eta * cost(*parameter, gradient, step);
            }
        }
        Some(velocity) => {
            for (((parameter, &gradient), step), velocity) in columns.zip(velocity) {
                let gradient = cost(*parameter, gradient, step);
                *velocity = step.momentum * *velocity + gradient;
                *parameter -= step.eta * (step.momentum * *velocity + gradient);
            }
        }
    }
}

/// The first `count` values of `buffer`, which grows to hold as many.
pub(super) fn grown(buffer: &mut Vec<f32>, count: usize) -> &mut [f32] {
    if buffer.len() < count {
        buffer.resize(count, 0.0);
    }
    &mut buffer[..count]
}
