//! The loss of many samples and its gradient, at any number of parameters.
//!
//! The passes are those of a step, a stretch of images at a time. Sums over the images of a stretch are in f32, those over
//! the stretches in f64.

use rayon::prelude::*;

use super::block::{Block, Blocks, FEATURES, IMAGES};
use super::model::Model;
use super::objective;
use super::product::transposed_product;
use super::step::{Buffers, OBJECTIVE_IMAGES, grown};
use crate::engine::evaluation::{Evaluation, argmax};
use crate::engine::gradient::Gradient;
use crate::engine::problem::Shape;
use crate::samples::{Sample, Values};

/// The sums of all stretches.
pub(super) struct Sums {
    evaluations: Vec<Evaluation>,
    /// `[D, C]`, as the weights of the model.
    weight: Vec<f64>,
    /// `[C]`
    bias: Vec<f64>,
}

impl Sums {
    /// Those of no image, for `model`.
    pub(super) fn new(model: &Model) -> Self {
        let Shape { classes, runs, .. } = model.shape;
        Self {
            evaluations: vec![Evaluation::empty(classes); runs],
            weight: vec![0.0; model.parameters.weight.len()],
            bias: vec![0.0; model.columns],
        }
    }

    /// Adds a stretch of images, those of `samples`.
    pub(super) fn add(&mut self, model: &Model, samples: &[Sample], blocks: &Blocks, buffers: &mut Buffers) {
        let images: Vec<Values> = samples.iter().map(|sample| sample.image).collect();
        let columns = model.columns;
        let partials = model.forward(&images, blocks, &mut buffers.partials);
        let dlogits = grown(&mut buffers.dlogits, samples.len() * columns);
        for found in score(model, partials, samples, dlogits) {
            self.evaluations.iter_mut().zip(&found).for_each(|(sum, found)| sum.add(found));
        }
        for dlogits in dlogits.chunks(columns) {
            self.bias.iter_mut().zip(dlogits).for_each(|(sum, &dlogit)| *sum += f64::from(dlogit));
        }
        let sums = self.weight.par_chunks_mut(FEATURES * columns).enumerate();
        sums.for_each(|(index, sums)| {
            let features = model.block_features(index);
            blocks.with(|Block { x, dweight }| {
                let dweight = grown(dweight, sums.len());
                let mut beta = 0.0;
                for (images, dlogits) in images.chunks(IMAGES).zip(dlogits.chunks(IMAGES * columns)) {
                    let x = &mut x[..images.len() * features.len()];
                    model.standardizer.rows(images, features.clone(), x);
                    transposed_product([images.len(), features.len(), columns], x, dlogits, beta, dweight);
                    beta = 1.0;
                }
                sums.iter_mut().zip(&*dweight).for_each(|(sum, &value)| *sum += f64::from(value));
            });
        });
    }

    /// What was found for each run of `model`.
    pub(super) fn gradients(self, model: &Model) -> Vec<Gradient> {
        let Shape { features, classes, .. } = model.shape;
        let row = |column: usize| {
            self.weight[column..].iter().step_by(model.columns).take(features).copied().collect::<Vec<_>>()
        };
        let runs = self.evaluations.into_iter().zip((0..).step_by(classes));
        runs.map(|(evaluation, first)| Gradient {
            evaluation,
            weight: (first..first + classes).flat_map(row).collect(),
            bias: self.bias[first..first + classes].to_vec(),
        })
        .collect()
    }
}

/// `dlogits [B, C] <- dloss/dlogits`, at the logits that are the sum of bias and `partials`; and the evaluations of the
/// runs on the images, piece by piece.
fn score(model: &Model, partials: &[f32], samples: &[Sample], dlogits: &mut [f32]) -> Vec<Vec<Evaluation>> {
    let Shape { classes, runs, .. } = model.shape;
    let pieces = dlogits
        .par_chunks_mut(OBJECTIVE_IMAGES * model.columns)
        .zip(samples.par_chunks(OBJECTIVE_IMAGES))
        .enumerate();
    pieces
        .map(|(piece, (dlogits, of_piece))| {
            model.sum_partials(partials, samples.len(), piece, dlogits);
            let mut evaluations = vec![Evaluation::empty(classes); runs];
            for (dlogits, sample) in dlogits.chunks_mut(model.columns).zip(of_piece) {
                let label = usize::from(sample.label);
                let runs = dlogits[..model.shape.columns()].chunks_mut(classes);
                for (logits, evaluation) in runs.zip(&mut evaluations) {
                    let loss = f64::from(sample.weight) * objective::loss(&model.objective, logits, label);
                    evaluation.count(loss, label, argmax(logits));
                    objective::gradient(&model.objective, logits, label, sample.weight);
                }
            }
            evaluations
        })
        .collect()
}
