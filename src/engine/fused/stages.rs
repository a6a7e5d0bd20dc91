//! The stages of a training step, one at a time: for measuring each against the bounds of the machine.
//!
//! Forward, softmax and backward, in this order, are one step of training except for the bias: the same kernels on the
//! same partition of the work. Where training has barriers, a parallel region ends.

use super::arithmetic::{Arithmetic, Passes};
use super::engine::{Chosen, Fused, with_passes};
use super::gathered::Gathered;
use super::isa::vector::{LANES, Lanes};
use super::kernels::backward::Batch;
use super::kernels::forward::AHEAD;
use super::kernels::update::ColumnStep;
use super::layout::Blocks;
use super::lent::Lent;
use super::partition::{Partition, Piece, room, slot_count};
use super::train::{Training, Worker, sum_images};
use crate::engine::contract::{Batches, Step};
use crate::engine::team::{Member, Rank};
use crate::error::Result;
use crate::samples::Samples;

/// A stage of a training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// From the images of a batch to partial logits.
    Forward,
    /// From the partial logits to the gradient of the logits.
    Softmax,
    /// From that gradient to the update of the weights.
    Backward,
}

/// What one member of a team does in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Groups of sixteen features by groups of sixteen images that it multiplies in the forward pass.
    pub forward: usize,
    /// How many partial logits it adds up for each logit of the batch.
    pub partial_logits: usize,
    /// The same groups as in the forward pass, in the backward pass.
    pub backward: usize,
    /// How often it waits for the others.
    pub barriers: usize,
}

/// An engine that runs the stages of its steps one at a time, on one batch. The batch stays in the caches, as in
/// training, where it has been prefetched.
pub struct Stages<'a> {
    engine: Fused,
    samples: Samples<'a>,
    order: Vec<u32>,
    partials: Vec<Lanes>,
}

impl<'a> Stages<'a> {
    /// The stages of `engine` on the batch that is all of `samples`.
    ///
    /// # Panics
    /// If there are no samples, or they do not fit the engine.
    pub fn new(engine: Fused, samples: &Samples<'a>) -> Self {
        assert!(!samples.is_empty(), "a batch of no images");
        assert_eq!(samples.features(), engine.layer.shape.features, "features of an image");
        let is_class = |index| usize::from(samples.label(index)) < engine.layer.shape.classes;
        assert!((0..samples.len()).all(is_class), "labels");
        let lanes = samples.len().div_ceil(LANES) * engine.bias.value.len();
        Self {
            samples: samples.clone(),
            order: (0..samples.len() as u32).collect(),
            partials: vec![Lanes::ZERO; room(engine.layer.blocks, lanes)],
            engine,
        }
    }

    /// How many partial logits the softmax stage adds up for each logit, with D `features`, on `threads` threads.
    pub fn partial_logits(features: usize, threads: usize) -> usize {
        slot_count(Blocks::new(features.div_ceil(LANES)), threads)
    }

    /// What each of `threads` members does in a step on `batch` samples of D `features`, with C `columns`: classes times
    /// runs.
    pub fn shares(features: usize, columns: usize, batch: usize, threads: usize) -> Vec<Share> {
        let (blocks, images) = (Blocks::new(features.div_ceil(LANES)), batch.div_ceil(LANES));
        let share = |index| {
            let partition = Partition::new(Rank { index, threads }, blocks, columns);
            let groups =
                |piece: Piece| blocks.groups(piece.block..piece.block + 1).len() * piece.images.len();
            Share {
                forward: partition.pieces(images).map(groups).sum(),
                partial_logits: slot_count(blocks, threads),
                backward: partition.features().len() * images,
                barriers: if partition.owns() { 1 } else { 2 },
            }
        };
        (0..threads).map(share).collect()
    }

    /// The engine, after the steps that were taken.
    pub fn engine(&self) -> &Fused {
        &self.engine
    }

    /// Runs one stage `times` times. A backward stage first computes, once, the gradient of the logits that the last
    /// forward stage left; then each time it takes the step `step` from that gradient.
    ///
    /// # Errors
    /// If a thread panics.
    pub fn run(&mut self, stage: Stage, times: usize, step: Step) -> Result<()> {
        let Self { engine, samples, order, partials } = self;
        let job = Training {
            layer: &engine.layer,
            samples,
            batches: Batches { order, size: order.len(), steps: &[] },
            weight: Lent::new(&mut engine.weight),
            velocity: Lent::new(&mut []),
            bias: &engine.bias,
            partials: [Lent::new(partials), Lent::new(&mut [])],
        };
        engine.team.run(
            |member| with_passes!(&engine.passes, passes => work(passes, &job, &member, stage, times, step)),
        )?;
        Ok(())
    }
}

/// The part of one member in [`Stages::run`].
fn work<A: Arithmetic>(
    passes: &dyn Passes<A>,
    job: &Training,
    member: &Member,
    stage: Stage,
    times: usize,
    step: Step,
) {
    let (images, columns) = (job.samples.len(), job.bias.value.len());
    let steps = vec![ColumnStep::new(step, images); columns];
    let (mut dlogits, mut dbias) = (vec![Lanes::ZERO; images.div_ceil(LANES) * columns], vec![0.0; columns]);
    let mut worker = Worker::new(passes, job, member.rank());
    let mut gathered = Gathered::new();
    let (images, labels) = gathered.fill(job.samples.select(0..images));
    let partials = &job.partials[0];
    if stage == Stage::Backward {
        worker.gradient(partials, labels, &job.bias.value, &mut dlogits);
        sum_images(&dlogits, &mut dbias);
    }
    member.wait();
    for _ in 0..times {
        match stage {
            Stage::Forward => worker.forward(images, images.slice(AHEAD..usize::MAX), partials),
            Stage::Softmax => worker.gradient(partials, labels, &job.bias.value, &mut dlogits),
            Stage::Backward => {
                worker.backward(Batch { images, dlogits: &dlogits, dbias: &dbias, steps: &steps });
            }
        }
    }
    worker.finish();
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;
    use crate::engine::contract::Engine;
    use crate::engine::fused::isa::Isa;
    use crate::engine::problem::Problem;
    use crate::engine::team::Team;
    use crate::model::{Parameters, Standardization};
    use crate::objective::Objective;
    use crate::samples::Rows;

    #[test]
    fn members_share_out_a_step() {
        let (groups, images) = (3072 / LANES, 7);
        for threads in 1..=9 {
            let shares = Stages::shares(3072, 10, 100, threads);
            let sum = |of: fn(&Share) -> usize| shares.iter().map(of).sum::<usize>();
            assert_eq!(shares.len(), threads);
            assert_eq!(sum(|share| share.forward), groups * images, "{threads}");
            assert_eq!(sum(|share| share.backward), groups * images, "{threads}");
            // Four blocks, of which up to four members own as many each.
            assert!(shares.iter().all(|share| (share.barriers == 1) == [1, 2, 4].contains(&threads)));
        }
    }

    /// Weights, bit for bit. There are so many dlogits that some would change if they were rounded to 16 bits twice.
    #[test]
    fn forward_softmax_and_backward_are_a_step_of_training() {
        let (classes, images) = (256, 4);
        let team = Team::new(NonZeroUsize::new(2).unwrap()).unwrap();
        let step = Step { eta: 0.5, lambda: 0.25, ..Step::default() };
        // With 3,072 features each member owns two blocks, and adds their partial logits.
        let cases = (0..200).map(|seed| (5, seed)).chain([(3072, 0), (3072, 1)]);
        for (create, (features, seed)) in [Fused::simd, Fused::fixed]
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
                objective: &Objective::default(),
                element: samples.element(),
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
