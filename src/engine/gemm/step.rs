//! One step of gradient descent.

use rayon::prelude::*;

use super::block::{Block, Blocks, FEATURES, IMAGES};
use super::model::Model;
use super::objective;
use super::product::{TILE, transposed_product};
use crate::engine::contract::Step;

/// The images of a batch whose partial logits are in memory at the same time.
const STRETCH: usize = 1024;
/// The images whose softmax is one piece of work.
const SOFTMAX_IMAGES: usize = 32;

/// The values between the passes of a step. Their memory grows to the size of the largest batch.
#[derive(Default)]
pub(super) struct Buffers {
    /// `[blocks of features, B, C]`, of the B images of a stretch, padded to whole tiles.
    partials: Vec<f32>,
    /// `[B, C]`; 0 in the padding columns.
    dlogits: Vec<f32>,
}

impl Model {
    /// Takes one step on a batch; `steps` has one element for each run.
    pub(super) fn step(
        &mut self,
        images: &[&[u8]],
        labels: &[u8],
        steps: &[Step],
        blocks: &Blocks,
        buffers: &mut Buffers,
    ) {
        let columns = self.columns;
        let dlogits = grown(&mut buffers.dlogits, images.len() * columns);
        let scales: Vec<f32> = steps.iter().map(|step| -step.eta / images.len() as f32).collect();
        let stretches = images.chunks(STRETCH).zip(labels.chunks(STRETCH));
        for ((images, labels), dlogits) in stretches.zip(dlogits.chunks_mut(STRETCH * columns)) {
            let partials = self.forward(images, blocks, &mut buffers.partials);
            self.softmax(partials, labels, &scales, dlogits);
        }
        let mut dbias = vec![0.0; columns];
        for dlogits in dlogits.chunks(columns) {
            dbias.iter_mut().zip(dlogits).for_each(|(sum, &dlogit)| *sum += f64::from(dlogit));
        }
        self.bias.iter_mut().zip(dbias).for_each(|(b, db)| *b = (f64::from(*b) + db) as f32);
        self.backward(images, dlogits, steps, blocks);
    }

    /// `partials [blocks of features, B, C] <- x^ [B, F] . weight [F, C]`, B padded to whole tiles.
    fn forward<'a>(&self, images: &[&[u8]], blocks: &Blocks, partials: &'a mut Vec<f32>) -> &'a [f32] {
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

    /// `dlogits [B, C] <- scale (p - y)`, from the sum of bias and `partials`.
    fn softmax(&self, partials: &[f32], labels: &[u8], scales: &[f32], dlogits: &mut [f32]) {
        let columns = self.columns;
        let partial_len = labels.len().next_multiple_of(TILE) * columns;
        let chunks = dlogits.par_chunks_mut(SOFTMAX_IMAGES * columns).zip(labels.par_chunks(SOFTMAX_IMAGES));
        chunks.enumerate().for_each(|(chunk, (dlogits, labels))| {
            dlogits.chunks_mut(columns).for_each(|logits| logits.copy_from_slice(&self.bias));
            for partial in partials.chunks(partial_len) {
                let partial = &partial[chunk * SOFTMAX_IMAGES * columns..];
                dlogits.iter_mut().zip(partial).for_each(|(logit, partial)| *logit += partial);
            }
            for (dlogits, &label) in dlogits.chunks_mut(columns).zip(labels) {
                for (dlogits, &scale) in dlogits.chunks_mut(self.shape.classes).zip(scales) {
                    objective::gradient(self.objective, dlogits, label.into(), scale);
                }
            }
        });
    }

    /// `weight [D, C] += x^^T [D, B] . dlogits [B, C] - 2 eta lambda weight`, rounded once: of terms added one by one, those
    /// below half an ulp of the weight would be lost.
    fn backward(&mut self, images: &[&[u8]], dlogits: &[f32], steps: &[Step], blocks: &Blocks) {
        let Self { columns, standardizer, weight, .. } = self;
        let columns = *columns;
        let mut decay = vec![0.0; columns];
        for (decay, step) in decay.chunks_mut(self.shape.classes).zip(steps) {
            decay.fill(2.0 * step.eta * step.lambda);
        }
        weight.par_chunks_mut(FEATURES * columns).enumerate().for_each(|(index, weight)| {
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
                for (weight, dweight) in weight.chunks_mut(columns).zip(dweight.chunks(columns)) {
                    for ((w, dw), decay) in weight.iter_mut().zip(dweight).zip(&decay) {
                        *w += dw - decay * *w;
                    }
                }
            });
        });
    }
}

/// The first `count` values of `buffer`, which grows to hold as many.
fn grown(buffer: &mut Vec<f32>, count: usize) -> &mut [f32] {
    if buffer.len() < count {
        buffer.resize(count, 0.0);
    }
    &mut buffer[..count]
}
