//! The matrix-product engine: sgemm forward and backward over flat f32 buffers, in parallel by rayon.
//!
//! ```text
//! for each batch
//!     for each block of features, in parallel                     forward
//!         block [F, B] <- x^
//!         partial logits [B, C] <- block^T . weight [F, C]
//!     for each 32 images, in parallel                             objective
//!         logits [B, C] <- bias + partial logits, in block order
//!         dlogits [B, C] <- 1/B dloss/dlogits
//!     bias [C] -= eta times the sum of the dlogits, in image order
//!     for each block of features, in parallel                     backward
//!         block [B, F] <- x^
//!         weight [F, C] -= eta (block^T . dlogits + 2 lambda weight)
//! ```
//!
//! sgemm copies ("packs") both operands into panels of 16 numbers, then multiplies panels. A packed number of `x^`
//! takes part in K multiply-adds, so with ten classes packing, not multiplying, decides the speed.
//!
//! 1. Both products have the form `a^T . b` of [`product`], in which a row of a panel is contiguous in memory. That
//!    takes `x^` in two layouts, so bytes are standardized twice, which is cheaper than packing a transposed layout.
//! 2. Columns, images and features are padded to whole tiles of 16, the width of the AVX-512 kernel. It multiplies whole
//!    tiles in any case, and would pack an incomplete one number by number.
//! 3. A block of 256 features and up to 128 images is standardized, packed and multiplied while it is in L2. Its
//!    rows are 1 KiB apart. Rows of whole images, 12 KiB apart, would all map to one set of L1.
//!
//! Useful GFLOP/s of one core (Zen 5, AVX-512, 4 GHz, matrixmultiply 0.3.11), B = 100, D = 3072, packing included:
//!
//! | forward                              | K = 10 | 4 runs |  | backward                      | K = 10 | 4 runs |
//! |--------------------------------------|--------|--------|--|-------------------------------|--------|--------|
//! | `x^ [B, D] . weight^T`, weight [K, D] | 31     | 72     |  | `dlogits^T . x^`, weight [K, D] | 39     | 98     |
//! | `weight . x^^T`                      | 32     | 72     |  | `x^^T . dlogits`, weight [D, K] | 39     | 99     |
//! | `x^` as [D, B]                       | 69     | 104    |  | columns in whole tiles        | 42     | 102    |
//! | weight as [D, K]                     | 69     | 124    |  | 256 features a call           | 79     | 138    |
//! | images and columns in whole tiles    | 76     | 129    |  |                               |        |        |
//!
//! It makes no difference which operand is the pixels: the tile is square. With blocks of 128 to 768 features and 64 to
//! 256 images, training times are within 11 % of each other and evaluation times within 13 %. The sizes here are near the
//! best, and small enough to give twelve threads work.
//!
//! The lab's run 2, 40 epochs with two evaluations of 10,000 images each, takes 0.71 times as long as NumPy with
//! OpenBLAS (six runs of each in turns, both cores: medians 1.55 and 2.17 s, best 1.32 and 1.87 s). One thread takes
//! 2.44 s at best; four runs at once take 1.9 times as long as one.
//!
//! The bits of the result do not depend on the number of threads, as blocks, chunks and their order are fixed. Nor do
//! those of a run depend on the runs beside it, as sgemm sums each column over the features, or the images, in order.

mod block;
mod gradient;
mod model;
mod objective;
mod product;
mod step;

use rayon::prelude::*;

use self::block::{Blocks, IMAGES};
use self::gradient::Sums;
use self::model::{Coefficients, Model};
use self::step::{Buffers, STRETCH};
use super::contract::{Batches, Engine, EngineInfo, Planes, RunState, from_bytes, to_bytes};
use super::evaluation::Evaluation;
use super::gradient::Gradient;
use super::problem::{Problem, Shape};
use super::team::Team;
use crate::error::Result;
use crate::model::Parameters;
use crate::samples::{Rows, Sample, Samples, Values};

/// The matrix-product engine.
pub struct Gemm {
    model: Model,
    team: Team,
    blocks: Blocks,
    buffers: Buffers,
}

impl Gemm {
    /// An engine for `problem`, on `team`.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn new(problem: &Problem, team: Team) -> Self {
        let blocks = Blocks::new(team.threads());
        Self { model: Model::new(problem), team, blocks, buffers: Buffers::default() }
    }
}

impl Engine for Gemm {
    fn info(&self) -> EngineInfo {
        EngineInfo {
            name: "gemm".into(),
            isa: product::isa().into(),
            threads: self.team.threads(),
            reason: None,
        }
    }

    fn train(&mut self, samples: &Samples, batches: Batches) -> Result<()> {
        let Self { model, team, blocks, buffers } = self;
        assert_eq!(samples.features(), model.shape.features, "features of an image");
        team.install(|| {
            let (mut images, mut batch_samples) = (Vec::new(), Vec::new());
            for (batch, steps) in batches.iter(model.shape.runs) {
                batch_samples.clear();
                batch_samples.extend(samples.select(batch.iter().map(|&index| index as usize)));
                images.clear();
                images.extend(batch_samples.iter().map(|sample| sample.image));
                model.step(&images, &batch_samples, steps, blocks, buffers);
            }
        })
    }

    fn evaluate(&mut self, samples: &Samples) -> Result<Vec<Evaluation>> {
        let Self { model, team, blocks, .. } = self;
        assert_eq!(samples.features(), model.shape.features, "features of an image");
        let count = samples.len();
        let evaluate = |chunk| {
            let first = chunk * IMAGES;
            model.evaluate(&samples.slice(first..count.min(first + IMAGES)), blocks)
        };
        let chunks: Vec<_> =
            team.install(|| (0..count.div_ceil(IMAGES)).into_par_iter().map(evaluate).collect())?;
        let mut evaluations = vec![Evaluation::empty(model.shape.classes); model.shape.runs];
        for chunk in chunks {
            evaluations.iter_mut().zip(&chunk).for_each(|(evaluation, part)| evaluation.add(part));
        }
        Ok(evaluations)
    }

    fn gradient(
        &mut self,
        samples: &Samples,
        at: &[Parameters],
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Vec<Gradient>>> {
        let Self { model, team, blocks, buffers } = self;
        assert_eq!(samples.features(), model.shape.features, "features of an image");
        let model = model.at(at);
        let mut sums = Sums::new(&model);
        for first in (0..samples.len()).step_by(STRETCH) {
            if stop() {
                return Ok(None);
            }
            let stretch: Vec<Sample> = samples.select(first..samples.len().min(first + STRETCH)).collect();
            team.install(|| sums.add(&model, &stretch, blocks, buffers))?;
        }
        Ok(Some(sums.gradients(&model)))
    }

    fn forward(&mut self, rows: &Rows, logits: &mut [f32]) -> Result<()> {
        let Self { model, team, blocks, .. } = self;
        let columns = model.shape.columns();
        assert_eq!(rows.features(), model.shape.features, "features of an image");
        assert_eq!(logits.len(), rows.len() * columns, "logits [N, R * K]");
        let forward = |(chunk, logits): (usize, &mut [f32])| {
            let first = chunk * IMAGES;
            let images: Vec<Values> =
                (first..first + logits.len() / columns).map(|index| rows.row(index)).collect();
            let padded = model.logits(&images, blocks);
            for (logits, padded) in logits.chunks_mut(columns).zip(padded.chunks(model.columns)) {
                logits.copy_from_slice(&padded[..columns]);
            }
        };
        team.install(|| logits.par_chunks_mut(IMAGES * columns).enumerate().for_each(forward))
    }

    fn parameters(&self) -> Vec<Parameters> {
        self.model.parameters()
    }

    fn load(&mut self, parameters: &[Parameters]) {
        assert_eq!(Shape::of(parameters), self.model.shape);
        self.model.load(parameters);
    }

    fn state(&self) -> Vec<RunState> {
        let Model { shape: Shape { classes, runs, .. }, columns, parameters, velocity, .. } = &self.model;
        let planes = |values: &Coefficients, first: usize| {
            let weight = values.weight.chunks(*columns).flat_map(|row| &row[first..first + classes]);
            Planes { weight: to_bytes(weight), bias: to_bytes(&values.bias[first..first + classes]) }
        };
        let state = |first: usize| RunState {
            parameters: planes(parameters, first),
            velocity: velocity.as_ref().map(|velocity| planes(velocity, first)),
        };
        (0..*runs).map(|index| state(index * classes)).collect()
    }

    fn restore(&mut self, states: &[RunState]) -> Result<(), usize> {
        let Model { shape: Shape { classes, runs, .. }, columns, parameters, velocity, .. } = &mut self.model;
        let (columns, classes) = (*columns, *classes);
        let of_column = size_of_val(&parameters.weight[..]) / columns;
        RunState::check(states, *runs, of_column * classes, size_of::<f32>() * classes)?;
        let fill = |values: &mut Coefficients, planes: &Planes, first: usize| {
            let weight = values.weight.chunks_mut(columns).flat_map(|row| &mut row[first..first + classes]);
            from_bytes(&planes.weight, weight);
            from_bytes(&planes.bias, &mut values.bias[first..]);
        };
        *velocity = states.iter().any(|state| state.velocity.is_some()).then(|| parameters.zeros());
        for (state, first) in states.iter().zip((0..).step_by(classes)) {
            fill(parameters, &state.parameters, first);
            if let (Some(velocity), Some(planes)) = (&mut *velocity, &state.velocity) {
                fill(velocity, planes, first);
            }
        }
        Ok(())
    }
}
