//! The stages of a training step, one at a time: for measuring each against what the machine can do.
//!
//! Forward, softmax and backward, in this order, are one step of training, but for the bias: the same kernels on
//! the same shares, with the ends of parallel regions where training has barriers.

use super::backward::Batch;
use super::forward::AHEAD;
use super::images::Gathered;
use super::shared::Shared;
use super::train::{Share, Training, column_step, sum_images};
use super::vector::{LANES, Lanes};
use super::{Simd, sharing};
use crate::engine::contract::{Batches, Step};
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

/// An engine that takes the stages of its steps one at a time, on one batch. In training the images of a batch were
/// prefetched when its turn comes; so here, where it stays in the caches.
pub struct Stages<'a> {
    engine: Simd,
    samples: Samples<'a>,
    labels: Vec<u8>,
    order: Vec<u32>,
    partials: Vec<Lanes>,
}

impl<'a> Stages<'a> {
    /// The stages of `engine` on the batch that is all of `samples`.
    ///
    /// # Panics
    /// If there are no samples, or they do not fit the engine.
    pub fn new(engine: Simd, samples: &Samples<'a>) -> Self {
        assert!(!samples.is_empty(), "a batch of no images");
        assert_eq!(samples.features(), engine.shape.features, "features of an image");
        let labels: Vec<u8> = (0..samples.len()).map(|index| samples.label(index)).collect();
        assert!(labels.iter().all(|&label| usize::from(label) < engine.shape.classes), "labels");
        let groups = samples.len().div_ceil(LANES) * engine.bias.len();
        Self {
            samples: samples.clone(),
            labels,
            order: (0..samples.len() as u32).collect(),
            partials: vec![Lanes::ZERO; sharing::room(engine.mean.len(), groups)],
            engine,
        }
    }

    /// The engine, after the steps that were taken.
    pub fn engine(&self) -> &Simd {
        &self.engine
    }

    /// Does one stage `times` times. A backward stage first makes the softmax of the last forward stage's logits, once,
    /// and takes a step of `step` from that each time.
    ///
    /// # Errors
    /// If a thread panics.
    pub fn run(&mut self, stage: Stage, times: usize, step: Step) -> Result<()> {
        let Self { engine, samples, labels, order, partials } = self;
        let groups = labels.len().div_ceil(LANES) * engine.bias.len();
        let job = Training {
            shape: engine.shape,
            objective: engine.objective,
            samples,
            batches: Batches { order, size: order.len(), steps: &[] },
            mean: &engine.mean,
            squared_scale: &engine.squared_scale,
            weight: Shared::new(&mut engine.weight),
            bias: &engine.bias,
            partials: [Shared::new(partials), Shared::new(&mut [])],
        };
        let steps = vec![column_step(step, job.batches.size); job.bias.len()];
        let arithmetic = &*engine.arithmetic;
        engine.team.run(|member| {
            let (mut dlogits, mut dbias) = (vec![Lanes::ZERO; groups], vec![0.0; job.bias.len()]);
            let mut share = Share::new(arithmetic, &job, &member);
            let mut gathered = Gathered::default();
            let (images, _) = gathered.fill(samples.select(0..samples.len()));
            let partials = &job.partials[0];
            if stage == Stage::Backward {
                share.softmax(partials, labels, job.bias, &mut dlogits);
                sum_images(&dlogits, &mut dbias);
            }
            member.wait();
            for _ in 0..times {
                match stage {
                    Stage::Forward => share.forward(images, images.slice(AHEAD..usize::MAX), partials),
                    Stage::Softmax => share.softmax(partials, labels, job.bias, &mut dlogits),
                    Stage::Backward => {
                        share.backward(Batch { images, dlogits: &dlogits, dbias: &dbias, steps: &steps });
                    }
                }
            }
            share.finish();
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::super::Isa;
    use super::*;
    use crate::engine::contract::Engine;
    use crate::engine::problem::Problem;
    use crate::engine::team::Team;
    use crate::model::{Parameters, Standardization};
    use crate::objective::Objective;
    use crate::samples::Rows;

    /// Weights, bit for bit. Some dlogits of so many lie where rounding them again to 16 bits would move them.
    #[test]
    fn forward_softmax_and_backward_are_a_step_of_training() {
        let (classes, images) = (256, 4);
        let team = Team::new(NonZeroUsize::new(2).unwrap()).unwrap();
        let step = Step { eta: 0.5, lambda: 0.25 };
        // With 3,072 features each member owns two blocks, and adds up their partial logits.
        let cases = (0..200).map(|seed| (5, seed)).chain([(3072, 0), (3072, 1)]);
        for (create, (features, seed)) in [Simd::new, Simd::fixed]
            .into_iter()
            .flat_map(|create| cases.clone().map(move |case| (create, case)))
        {
            let standardization = Standardization { mean: vec![0.5; features], std: vec![0.25; features] };
            let mut pixels = vec![0; images * features];
            Xoshiro256PlusPlus::seed_from_u64(seed).fill_bytes(&mut pixels);
            let labels = Rows::contiguous(&[0, 7, 7, 255], 1);
            let samples = Samples::new(Rows::contiguous(&pixels, features), labels);
            let parameters = [Parameters::random(classes, features, seed)];
            let problem = Problem {
                initial: &parameters,
                standardization: &standardization,
                objective: Objective::default(),
            };
            let engine = || create(Isa::fastest(), &problem, team.handle()).unwrap();

            let mut stages = Stages::new(engine(), &samples);
            for stage in [Stage::Forward, Stage::Softmax, Stage::Backward] {
                stages.run(stage, 1, step).unwrap();
            }
            let mut trained = engine();
            let batches = Batches { order: &[0, 1, 2, 3], size: images, steps: &[step] };
            trained.train(&samples, batches).unwrap();
            let [staged, trained] =
                [stages.engine(), &trained].map(|engine| engine.parameters()[0].weight.clone());
            assert!(staged == trained, "{}, seed {seed}", stages.engine().info().name);
        }
    }
}
