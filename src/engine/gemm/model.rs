//! The parameters in the layout that suits sgemm, and the forward pass over a chunk of images.

use std::ops::Range;

use super::block::{Block, Blocks, FEATURES, Standardizer};
use super::objective;
use super::product::{TILE, transposed_product};
use crate::engine::evaluation::{Evaluation, argmax};
use crate::engine::problem::{Problem, Shape};
use crate::model::Parameters;
use crate::objective::Objective;
use crate::samples::{Sample, Samples, Values};

/// The parameters of all runs, and whatever else a forward pass needs.
pub(super) struct Model {
    pub(super) shape: Shape,
    /// C: R x K, padded to whole tiles.
    pub(super) columns: usize,
    pub(super) objective: Objective,
    pub(super) standardizer: Standardizer,
    pub(super) parameters: Coefficients,
    /// None before there was momentum.
    pub(super) velocity: Option<Coefficients>,
}

/// A value for each weight and each bias.
pub(super) struct Coefficients {
    /// `[D, C]`, D padded to whole tiles: those of the transposed weights, a column for each class of each run. 0 in the
    /// padding, where `x^` and `dlogits` are 0 too.
    pub(super) weight: Vec<f32>,
    /// `[C]`
    pub(super) bias: Vec<f32>,
}

impl Coefficients {
    /// As many zeros.
    pub(super) fn zeros(&self) -> Self {
        Self { weight: vec![0.0; self.weight.len()], bias: vec![0.0; self.bias.len()] }
    }
}

impl Model {
    /// The model that training begins with.
    pub(super) fn new(problem: &Problem) -> Self {
        let (shape, objective) = (problem.shape(), problem.objective.clone());
        let standardizer = Standardizer::new(problem.standardization, problem.element);
        let columns = shape.columns().next_multiple_of(TILE);
        let weight = vec![0.0; standardizer.features() * columns];
        let parameters = Coefficients { weight, bias: vec![0.0; columns] };
        let mut model = Self { shape, columns, objective, standardizer, parameters, velocity: None };
        model.load(problem.initial);
        model
    }

    /// The same with runs that have the parameters `at`.
    pub(super) fn at(&self, at: &[Parameters]) -> Self {
        let shape = Shape::of(at);
        let own = (self.shape.features, self.shape.classes);
        assert_eq!((shape.features, shape.classes), own, "parameters of the engine's shape");
        let columns = shape.columns().next_multiple_of(TILE);
        let weight = vec![0.0; self.standardizer.features() * columns];
        let mut model = Self {
            shape,
            columns,
            objective: self.objective.clone(),
            standardizer: self.standardizer.clone(),
            parameters: Coefficients { weight, bias: vec![0.0; columns] },
            velocity: None,
        };
        model.load(at);
        model
    }

    /// Replaces the parameters by `parameters`, one for each run.
    pub(super) fn load(&mut self, parameters: &[Parameters]) {
        let Shape { features, classes, .. } = self.shape;
        let Coefficients { weight, bias } = &mut self.parameters;
        self.velocity = None;
        for (parameters, first) in parameters.iter().zip((0..).step_by(classes)) {
            for (row, column) in parameters.weight.chunks(features).zip(first..) {
                let column = weight[column..].iter_mut().step_by(self.columns);
                column.zip(row).for_each(|(slot, &w)| *slot = w);
            }
            bias[first..first + classes].copy_from_slice(&parameters.bias);
        }
    }

    /// The parameters of each run.
    pub(super) fn parameters(&self) -> Vec<Parameters> {
        let Shape { features, classes, .. } = self.shape;
        let Coefficients { weight, bias } = &self.parameters;
        let row = |column: usize| weight[column..].iter().step_by(self.columns).take(features).copied();
        let run = |first: usize| Parameters {
            classes,
            features,
            weight: (first..first + classes).flat_map(row).collect(),
            bias: bias[first..first + classes].to_vec(),
        };
        (0..self.shape.columns()).step_by(classes).map(run).collect()
    }

    /// The features of block `index`, in whole tiles.
    pub(super) fn block_features(&self, index: usize) -> Range<usize> {
        let first = index * FEATURES;
        first..self.standardizer.features().min(first + FEATURES)
    }

    /// `logits [B, C] <- x^ [B, F] . weight [F, C] + beta logits`, over the F `features` alone. B is the number of images,
    /// padded to whole tiles; the values in the padding have no meaning.
    pub(super) fn partial_logits(
        &self,
        images: &[Values],
        features: Range<usize>,
        beta: f32,
        logits: &mut [f32],
        block: &mut [f32],
    ) {
        let height = images.len().next_multiple_of(TILE);
        let block = &mut block[..features.len() * height];
        let weight = &self.parameters.weight[features.start * self.columns..features.end * self.columns];
        self.standardizer.columns(images, features.clone(), block);
        transposed_product([features.len(), height, self.columns], block, weight, beta, logits);
    }

    /// The logits `[B, C]` of at most [`IMAGES`](super::block::IMAGES) images, B padded to whole tiles.
    pub(super) fn logits(&self, images: &[Values], blocks: &Blocks) -> Vec<f32> {
        let mut logits = self.parameters.bias.repeat(images.len().next_multiple_of(TILE));
        blocks.with(|Block { x, .. }| {
            for index in 0..self.standardizer.features().div_ceil(FEATURES) {
                self.partial_logits(images, self.block_features(index), 1.0, &mut logits, x);
            }
        });
        logits
    }

    /// The evaluation of at most [`IMAGES`](super::block::IMAGES) images.
    pub(super) fn evaluate(&self, samples: &Samples, blocks: &Blocks) -> Vec<Evaluation> {
        let Shape { classes, runs, .. } = self.shape;
        let images: Vec<Values> = (0..samples.len()).map(|index| samples.image(index)).collect();
        let logits = self.logits(&images, blocks);
        let mut evaluations = vec![Evaluation::empty(classes); runs];
        for (logits, index) in logits.chunks(self.columns).zip(0..samples.len()) {
            let Sample { label, weight, .. } = samples.sample(index);
            for (evaluation, logits) in evaluations.iter_mut().zip(logits.chunks(classes)) {
                let loss = f64::from(weight) * objective::loss(&self.objective, logits, label.into());
                evaluation.count(loss, label.into(), argmax(logits));
            }
        }
        evaluations
    }
}
