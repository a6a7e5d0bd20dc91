//! The matrix-product engine: `matrixmultiply::sgemm` forward and backward, rayon-parallel softmax, flat f32.

mod block;
mod product;
mod softmax;

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use self::block::Standardizer;
use self::product::{TILE, isa, transposed_product};
use super::{Engine, EngineInfo, Evaluation, Shape, Step, Team, argmax, batches};
use crate::data::Standardization;
use crate::error::Result;
use crate::model::Parameters;
use crate::objective::Objective;
use crate::samples::{Rows, Samples};

/// The features of a block. Part of the bits: partial logits are rounded at its bounds.
const FEATURES: usize = 256;
/// The images of a block, and of a chunk of the forward pass outside training.
const IMAGES: usize = 256;
/// The images of a batch whose partial logits are kept at one time.
const STRETCH: usize = 1024;
/// The images whose softmax is one piece of work.
const SOFTMAX_IMAGES: usize = 32;

/// The matrix-product engine.
pub struct Gemm {
    model: Model,
    team: Team,
    buffers: Buffers,
}

/// The parameters, and what a forward pass needs beside them.
struct Model {
    shape: Shape,
    /// C: R x K in whole tiles.
    columns: usize,
    objective: Objective,
    standardizer: Standardizer,
    /// `[D, C]`, D in whole tiles: the transposed weights of all runs; 0 in the padding.
    weight: Vec<f32>,
    /// `[C]`
    bias: Vec<f32>,
}

/// Memory that is allocated once.
struct Buffers {
    /// For each thread, its block.
    blocks: Vec<Mutex<Vec<f32>>>,
    /// `[blocks of features, images of a stretch, C]`
    partials: Vec<f32>,
    /// `[B, C]`
    dlogits: Vec<f32>,
}

impl Gemm {
    /// An engine for the runs of `parameters`, on `team`.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn new(
        parameters: &[Parameters],
        standardization: &Standardization,
        objective: Objective,
        team: Team,
    ) -> Self {
        let model = Model::new(parameters, standardization, objective);
        let blocks = (0..team.threads()).map(|_| Mutex::new(vec![0.0; FEATURES * IMAGES])).collect();
        let buffers = Buffers { blocks, partials: Vec::new(), dlogits: Vec::new() };
        let mut engine = Self { model, team, buffers };
        engine.load(parameters);
        engine
    }
}

impl Engine for Gemm {
    fn info(&self) -> EngineInfo {
        EngineInfo { name: "gemm".into(), isa: isa().into(), threads: self.team.threads() }
    }

    fn train(&mut self, samples: &Samples, order: &[u32], batch: usize, steps: &[Step]) -> Result<()> {
        let Self { model, team, buffers } = self;
        assert_eq!(samples.features(), model.shape.features, "features of an image");
        team.install(|| {
            let (mut images, mut labels) = (Vec::with_capacity(batch), Vec::with_capacity(batch));
            for (batch, steps) in batches(order, batch, steps, model.shape.runs) {
                images.clear();
                images.extend(batch.iter().map(|&index| samples.image(index as usize)));
                labels.clear();
                labels.extend(batch.iter().map(|&index| samples.label(index as usize)));
                model.step(&images, &labels, steps, buffers);
            }
        })
    }

    fn evaluate(&mut self, samples: &Samples) -> Result<Vec<Evaluation>> {
        let Self { model, team, buffers } = self;
        assert_eq!(samples.features(), model.shape.features, "features of an image");
        let evaluate = |chunk| {
            let samples = samples.slice(chunk_range(chunk, samples.len()));
            model.evaluate(&samples, &buffers.blocks)
        };
        let chunks: Vec<Vec<Evaluation>> =
            team.install(|| (0..samples.len().div_ceil(IMAGES)).into_par_iter().map(evaluate).collect())?;
        let mut evaluations = vec![Evaluation::empty(model.shape.classes); model.shape.runs];
        for chunk in chunks {
            evaluations.iter_mut().zip(&chunk).for_each(|(evaluation, part)| evaluation.add(part));
        }
        Ok(evaluations)
    }

    fn forward(&mut self, rows: &Rows, logits: &mut [f32]) -> Result<()> {
        let Self { model, team, buffers } = self;
        let columns = model.shape.columns();
        assert_eq!(rows.features(), model.shape.features, "features of an image");
        assert_eq!(logits.len(), rows.len() * columns, "logits [N, R * K]");
        let forward = |(chunk, logits): (usize, &mut [f32])| {
            let images: Vec<&[u8]> = chunk_range(chunk, rows.len()).map(|index| rows.row(index)).collect();
            let padded = model.logits(&images, &buffers.blocks);
            for (logits, padded) in logits.chunks_mut(columns).zip(padded.chunks(model.columns)) {
                logits.copy_from_slice(&padded[..columns]);
            }
        };
        team.install(|| logits.par_chunks_mut(IMAGES * columns).enumerate().for_each(forward))
    }

    fn parameters(&self) -> Vec<Parameters> {
        let Model { shape: Shape { features, classes, runs }, columns, weight, bias, .. } = &self.model;
        (0..*runs)
            .map(|run| {
                let range = run * classes..(run + 1) * classes;
                let column =
                    |column: usize| weight[column..].iter().step_by(*columns).take(*features).copied();
                Parameters {
                    classes: *classes,
                    features: *features,
                    weight: range.clone().flat_map(column).collect(),
                    bias: bias[range].to_vec(),
                }
            })
            .collect()
    }

    fn load(&mut self, parameters: &[Parameters]) {
        assert_eq!(Shape::of(parameters), self.model.shape);
        let Model { shape, columns, weight, bias, .. } = &mut self.model;
        for (run, parameters) in parameters.iter().enumerate() {
            for (class, row) in parameters.weight.chunks(shape.features).enumerate() {
                let column = weight[run * shape.classes + class..].iter_mut().step_by(*columns);
                column.zip(row).for_each(|(slot, &w)| *slot = w);
            }
            bias[run * shape.classes..][..shape.classes].copy_from_slice(&parameters.bias);
        }
    }

    fn state(&self) -> Vec<u8> {
        self.model.weight.iter().chain(&self.model.bias).flat_map(|value| value.to_le_bytes()).collect()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), usize> {
        let Model { weight, bias, .. } = &mut self.model;
        let expected = 4 * (weight.len() + bias.len());
        if state.len() != expected {
            return Err(expected);
        }
        let values = state.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
        weight.iter_mut().chain(bias).zip(values).for_each(|(slot, value)| *slot = value);
        Ok(())
    }
}

impl Model {
    fn new(parameters: &[Parameters], standardization: &Standardization, objective: Objective) -> Self {
        let shape = Shape::of(parameters);
        assert_eq!(standardization.mean.len(), shape.features, "mean [D]");
        assert_eq!(standardization.std.len(), shape.features, "std [D]");
        let columns = shape.columns().next_multiple_of(TILE);
        let standardizer = Standardizer::new(standardization);
        let weight = vec![0.0; standardizer.features() * columns];
        Self { shape, columns, objective, standardizer, weight, bias: vec![0.0; columns] }
    }

    /// One step of gradient descent.
    fn step(&mut self, images: &[&[u8]], labels: &[u8], steps: &[Step], buffers: &mut Buffers) {
        let columns = self.columns;
        grow(&mut buffers.dlogits, images.len() * columns);
        let dlogits = &mut buffers.dlogits[..images.len() * columns];
        let scales: Vec<f32> = steps.iter().map(|step| -step.eta / images.len() as f32).collect();

        let stretches = images.chunks(STRETCH).zip(labels.chunks(STRETCH));
        for ((images, labels), dlogits) in stretches.zip(dlogits.chunks_mut(STRETCH * columns)) {
            self.forward_by_features(images, &buffers.blocks, &mut buffers.partials);
            self.softmax(&buffers.partials, labels, &scales, dlogits);
        }
        for dlogits in dlogits.chunks(columns) {
            self.bias.iter_mut().zip(dlogits).for_each(|(b, db)| *b += db);
        }
        self.backward(images, dlogits, steps, &buffers.blocks);
    }

    /// `partials [blocks of features, B, C] <- x^ [B, D] . weight [D, C]`, a block of features at a time.
    fn forward_by_features(&self, images: &[&[u8]], blocks: &[Mutex<Vec<f32>>], partials: &mut Vec<f32>) {
        let (columns, height) = (self.columns, images.len().next_multiple_of(TILE));
        let ranges = self.weight.par_chunks(FEATURES * columns);
        grow(partials, ranges.len() * height * columns);
        ranges.zip(partials.par_chunks_mut(height * columns)).enumerate().for_each(
            |(index, (weight, partial))| {
                with_block(blocks, |block| {
                    let features = feature_range(index, weight.len() / columns);
                    for (images, partial) in images.chunks(IMAGES).zip(partial.chunks_mut(IMAGES * columns)) {
                        self.partial_logits(images, features.clone(), 0.0, partial, block);
                    }
                });
            },
        );
    }

    /// `logits [B, C] <- x^ [B, F] . weight [F, C] + beta logits` for the F `features`; B in whole tiles.
    fn partial_logits(
        &self,
        images: &[&[u8]],
        features: Range<usize>,
        beta: f32,
        logits: &mut [f32],
        block: &mut [f32],
    ) {
        let height = images.len().next_multiple_of(TILE);
        let block = &mut block[..features.len() * height];
        let weight = &self.weight[features.start * self.columns..features.end * self.columns];
        self.standardizer.columns(images, features.clone(), block);
        transposed_product([features.len(), height, self.columns], block, weight, beta, logits);
    }

    /// `dlogits [B, C] <- scale (p - y)`, from the sum of the partial logits.
    fn softmax(&self, partials: &[f32], labels: &[u8], scales: &[f32], dlogits: &mut [f32]) {
        let columns = self.columns;
        let height = labels.len().next_multiple_of(TILE);
        let partials = &partials[..self.weight.len().div_ceil(FEATURES * columns) * height * columns];
        let chunks = dlogits.par_chunks_mut(SOFTMAX_IMAGES * columns).zip(labels.par_chunks(SOFTMAX_IMAGES));
        chunks.enumerate().for_each(|(chunk, (dlogits, labels))| {
            dlogits.chunks_mut(columns).for_each(|logits| logits.copy_from_slice(&self.bias));
            for partial in partials.chunks(height * columns) {
                let partial = &partial[chunk * SOFTMAX_IMAGES * columns..];
                dlogits.iter_mut().zip(partial).for_each(|(logit, partial)| *logit += partial);
            }
            for (dlogits, &label) in dlogits.chunks_mut(columns).zip(labels) {
                for (dlogits, &scale) in dlogits.chunks_mut(self.shape.classes).zip(scales) {
                    softmax::gradient(self.objective, dlogits, label.into(), scale);
                }
            }
        });
    }

    /// `weight [D, C] <- decay weight + x^^T [D, B] . dlogits [B, C]`, a block of features at a time.
    fn backward(&mut self, images: &[&[u8]], dlogits: &[f32], steps: &[Step], blocks: &[Mutex<Vec<f32>>]) {
        let Self { shape, columns, standardizer, weight, .. } = self;
        let columns = *columns;
        let mut decay = vec![1.0; columns];
        for (decay, step) in decay.chunks_mut(shape.classes).zip(steps) {
            decay.fill(1.0 - 2.0 * step.eta * step.lambda);
        }
        let decays = decay.iter().any(|&decay| decay != 1.0);
        weight.par_chunks_mut(FEATURES * columns).enumerate().for_each(|(index, weight)| {
            with_block(blocks, |block| {
                if decays {
                    for weight in weight.chunks_mut(columns) {
                        weight.iter_mut().zip(&decay).for_each(|(w, decay)| *w *= decay);
                    }
                }
                let features = feature_range(index, weight.len() / columns);
                for (images, dlogits) in images.chunks(IMAGES).zip(dlogits.chunks(IMAGES * columns)) {
                    let block = &mut block[..images.len() * features.len()];
                    standardizer.rows(images, features.clone(), block);
                    let shape = [images.len(), features.len(), columns];
                    transposed_product(shape, block, dlogits, 1.0, weight);
                }
            });
        });
    }

    /// The logits `[B, C]` of up to `IMAGES` images.
    fn logits(&self, images: &[&[u8]], blocks: &[Mutex<Vec<f32>>]) -> Vec<f32> {
        let height = images.len().next_multiple_of(TILE);
        let mut logits = self.bias.repeat(height);
        with_block(blocks, |block| {
            for (index, weight) in self.weight.chunks(FEATURES * self.columns).enumerate() {
                let features = feature_range(index, weight.len() / self.columns);
                self.partial_logits(images, features, 1.0, &mut logits, block);
            }
        });
        logits
    }

    /// The evaluation of up to `IMAGES` images.
    fn evaluate(&self, samples: &Samples, blocks: &[Mutex<Vec<f32>>]) -> Vec<Evaluation> {
        let images: Vec<&[u8]> = (0..samples.len()).map(|index| samples.image(index)).collect();
        let logits = self.logits(&images, blocks);
        let mut evaluations = vec![Evaluation::empty(self.shape.classes); self.shape.runs];
        for (index, logits) in logits.chunks(self.columns).take(images.len()).enumerate() {
            let label = samples.label(index).into();
            for (evaluation, logits) in evaluations.iter_mut().zip(logits.chunks(self.shape.classes)) {
                let loss = softmax::loss(self.objective, logits, label);
                evaluation.count(loss, label, argmax(logits));
            }
        }
        evaluations
    }
}

/// Gives `work` this thread's block.
fn with_block<R>(blocks: &[Mutex<Vec<f32>>], work: impl FnOnce(&mut [f32]) -> R) -> R {
    let thread = rayon::current_thread_index().expect("work runs in the team's pool");
    work(&mut blocks[thread].lock().unwrap_or_else(PoisonError::into_inner))
}

/// The images of a chunk.
fn chunk_range(chunk: usize, images: usize) -> Range<usize> {
    chunk * IMAGES..((chunk + 1) * IMAGES).min(images)
}

/// The features of block `index`, which has `count` of them.
fn feature_range(index: usize, count: usize) -> Range<usize> {
    index * FEATURES..index * FEATURES + count
}

/// Makes `buffer` hold at least `count` values.
fn grow(buffer: &mut Vec<f32>, count: usize) {
    if buffer.len() < count {
        buffer.resize(count, 0.0);
    }
}
