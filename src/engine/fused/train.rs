//! What each member of the team does in training: its part of every step, with one barrier between the passes.

use std::ops::Range;

use super::arithmetic::{Arithmetic, Passes};
use super::gathered::{Gathered, Images};
use super::isa::vector::{LANES, Lanes};
use super::kernels::backward::{Batch, Features};
use super::kernels::forward::{AHEAD, Block};
use super::kernels::objective::Partials;
use super::kernels::update::ColumnStep;
use super::layer::Layer;
use super::layout::row;
use super::lent::Lent;
use super::partition::{Partition, Piece, stride};
use crate::engine::contract::Batches;
use crate::engine::problem::Shape;
use crate::engine::team::{Member, Rank};
use crate::samples::{Sample, Samples};

/// The training of some batches, for all members.
pub(super) struct Training<'a> {
    pub(super) layer: &'a Layer,
    pub(super) samples: &'a Samples<'a>,
    pub(super) batches: Batches<'a>,
    /// `[groups][row(C)]`
    pub(super) weight: Lent<'a, Lanes>,
    /// The same of the velocity; empty where there is no momentum.
    pub(super) velocity: Lent<'a, Lanes>,
    /// The bias before the first step.
    pub(super) bias: &'a Bias,
    /// The slots of [`Partition::slot`], once for even and once for odd steps. With two buffers, a member may begin the
    /// next step while others still read the partial logits of this one.
    pub(super) partials: [Lent<'a, Lanes>; 2],
}

/// The bias of all columns, and its velocity.
#[derive(Clone, Default)]
pub(super) struct Bias {
    /// `[C]`
    pub(super) value: Vec<f32>,
    /// `[C]`; empty where there is no momentum.
    pub(super) velocity: Vec<f32>,
}

impl Bias {
    /// One step, given the gradient of each column's.
    fn step(&mut self, dbias: &[f32], steps: &[ColumnStep]) {
        for (column, (value, step)) in self.value.iter_mut().zip(steps).enumerate() {
            step.bias(dbias[column], value, self.velocity.get_mut(column));
        }
    }
}

impl Training<'_> {
    /// The images and labels of the batch that begins at `first` in the order, followed by up to `AHEAD` images to
    /// prefetch.
    fn images(&self, first: usize) -> impl Iterator<Item = Sample<'_>> {
        let Batches { order, size, .. } = self.batches;
        let order = order[first..].iter().take(size.saturating_add(AHEAD));
        self.samples.select(order.map(|&index| index as usize))
    }
}

/// The part of one member. Returns the bias after the last step, the same for every member.
pub(super) fn train<A: Arithmetic>(passes: &dyn Passes<A>, job: &Training, member: &Member) -> Bias {
    let columns = job.layer.shape.columns();
    let mut worker = Worker::new(passes, job, member.rank());
    let (mut bias, mut dbias) = (job.bias.clone(), vec![0.0; columns]);
    let Batches { order, size, .. } = job.batches;
    let mut dlogits = vec![Lanes::ZERO; size.min(order.len()).div_ceil(LANES) * columns];
    let mut steps = vec![ColumnStep::default(); columns];
    let mut gathered = Gathered::new();

    for (number, (batch, batch_steps)) in job.batches.iter(job.layer.shape.runs).enumerate() {
        let (images, labels) = gathered.fill(job.images(number * size));
        let labels = &labels[..batch.len()];
        let (images, ahead) = (images.slice(0..batch.len()), images.slice(AHEAD..usize::MAX));
        let partials = &job.partials[number % 2];
        worker.forward(images, ahead, partials);
        assert!(
            labels.iter().all(|&(label, _)| usize::from(label) < job.layer.shape.classes),
            "a label that is no class"
        );
        member.wait();

        let dlogits = &mut dlogits[..images.len().div_ceil(LANES) * columns];
        worker.gradient(partials, labels, &bias.value, dlogits);
        sum_images(dlogits, &mut dbias);
        for (column, step) in steps.iter_mut().enumerate() {
            *step = ColumnStep::new(batch_steps[column / job.layer.shape.classes], batch.len());
        }
        bias.step(&dbias, &steps);
        worker.backward(Batch { images, dlogits, dbias: &dbias, steps: &steps });
        if !worker.partition.owns() {
            member.wait();
        }
    }
    worker.finish();
    bias
}

/// One member at work: what it does in each stage of a step, and what it keeps from step to step.
pub(super) struct Worker<'a, A: Arithmetic> {
    passes: &'a dyn Passes<A>,
    job: &'a Training<'a>,
    partition: Partition,
    weights: WorkerWeights,
    packed: A::Weights,
    dlogits: A::Dlogits,
    scratch: A::Scratch,
}

impl<'a, A: Arithmetic> Worker<'a, A> {
    pub(super) fn new(passes: &'a dyn Passes<A>, job: &'a Training<'a>, rank: Rank) -> Self {
        let partition = Partition::new(rank, job.layer.blocks, job.layer.shape.columns());
        Self {
            passes,
            job,
            partition,
            weights: WorkerWeights::new(job, partition),
            packed: A::Weights::default(),
            dlogits: A::Dlogits::default(),
            scratch: A::Scratch::default(),
        }
    }

    /// Its part of the partial logits of a batch. Meanwhile it prefetches `ahead`.
    pub(super) fn forward(
        &mut self,
        images: Images<A::Number>,
        ahead: Images<A::Number>,
        partials: &Lent<Lanes>,
    ) {
        let Self { job, partition, .. } = *self;
        let columns = job.layer.shape.columns();
        let image_groups = images.len().div_ceil(LANES);
        for Piece { block, images: range } in partition.pieces(image_groups) {
            let (slot, adds) = partition.slot(block, image_groups);
            // SAFETY: pieces of different members do not overlap, and nobody reads them before the barrier.
            let logits = unsafe { partials.write(slot + range.start * columns..slot + range.end * columns) };
            if !adds {
                logits.fill(Lanes::ZERO);
            }
            let groups = job.layer.blocks.groups(block..block + 1);
            let weight = self.weights.read(job, groups.clone());
            let outliers = &job.layer.outliers[block];
            let mean = &job.layer.mean[groups.clone()];
            let block = Block { first: groups.start, mean, weight, columns, outliers };
            let within = LANES * range.start..LANES * range.end;
            let (images, ahead) = (images.slice(within.clone()), ahead.slice(within));
            self.passes.pack(block, &mut self.packed);
            self.passes.forward(block, &self.packed, images, ahead, logits);
        }
    }

    /// `dlogits [groups of 16 images][C]` of the whole batch, quantized for the backward pass, 0 in the lanes after the
    /// last image. Every member computes all of them for itself: that is cheaper than another barrier.
    pub(super) fn gradient(
        &mut self,
        partials: &Lent<Lanes>,
        labels: &[(u16, f32)],
        bias: &[f32],
        dlogits: &mut [Lanes],
    ) {
        let Self { job, partition, .. } = *self;
        let Shape { classes, .. } = job.layer.shape;
        let columns = bias.len();
        // SAFETY: after the barrier nobody writes them; the next step writes to the other buffer.
        let partials = unsafe { partials.read(0..partition.slots(dlogits.len())) };
        let (stride, in_pairs) = (stride(dlogits.len()), !partition.adds_pairs());
        for (index, group) in (0..dlogits.len()).step_by(columns).enumerate() {
            let of_group = job.layer.labels(labels, index);
            for first in (0..columns).step_by(classes) {
                let run = group + first..group + first + classes;
                let bias = &bias[first..first + classes];
                let partials = Partials { bias, logits: &partials[run.start..], stride, in_pairs };
                let Layer { kernels, aim, .. } = job.layer;
                kernels.gradient(*aim, partials, &of_group, &mut dlogits[run]);
            }
            let images = labels.len() - LANES * index;
            if images < LANES {
                let clear = |dlogit: &mut Lanes| dlogit.0[images..].fill(0.0);
                dlogits[group..group + columns].iter_mut().for_each(clear);
            }
        }
        self.passes.quantize(columns, dlogits, &mut self.dlogits);
    }

    /// Updates the weights of its features.
    pub(super) fn backward(&mut self, batch: Batch<A::Number>) {
        let features = self.weights.features(self.job);
        self.passes.backward(&self.dlogits, &mut self.scratch, batch, features);
    }

    /// Writes the weights that it owns back to those of all members.
    pub(super) fn finish(self) {
        let WorkerWeights { range, row, own, velocity } = self.weights;
        let lanes = range.start * row..range.end * row;
        // SAFETY: the ranges of different members do not overlap, and nobody reads the range of another.
        unsafe {
            if let Some(own) = own {
                self.job.weight.write(lanes.clone()).copy_from_slice(&own);
            }
            if !velocity.is_empty() {
                self.job.velocity.write(lanes).copy_from_slice(&velocity);
            }
        }
    }
}

/// The weights of one member.
struct WorkerWeights {
    /// The feature groups whose weights it updates.
    range: Range<usize>,
    /// Lanes of a group.
    row: usize,
    /// Where it owns its features: a copy of their weights, far from those of other members.
    own: Option<Vec<Lanes>>,
    /// A copy of their velocities; empty where there is no momentum.
    velocity: Vec<Lanes>,
}

impl WorkerWeights {
    fn new(job: &Training, partition: Partition) -> Self {
        let (range, row) = (partition.features(), row(job.layer.shape.columns()));
        let lanes = range.start * row..range.end * row;
        // SAFETY: nobody else writes them, and this member does only when it finishes.
        let copy = |plane: &Lent<Lanes>| unsafe { plane.read(lanes.clone()) }.to_vec();
        let own = partition.owns().then(|| copy(&job.weight));
        let velocity = if job.velocity.is_empty() { Vec::new() } else { copy(&job.velocity) };
        Self { range, row, own, velocity }
    }

    /// The weights of the feature groups `groups`, for the forward pass.
    fn read<'a>(&'a self, job: &'a Training, groups: Range<usize>) -> &'a [Lanes] {
        let lanes = |first: usize| (groups.start - first) * self.row..(groups.end - first) * self.row;
        match &self.own {
            Some(own) => &own[lanes(self.range.start)],
            // SAFETY: in the forward pass nobody writes weights; barriers separate it from the backward passes.
            None => unsafe { job.weight.read(lanes(0)) },
        }
    }

    /// The features that this member updates, for the backward pass.
    fn features<'a>(&'a mut self, job: &'a Training) -> Features<'a> {
        let Layer { mean, squared_scale, reciprocal, .. } = job.layer;
        let [mean, scale, reciprocal] =
            [mean, squared_scale, reciprocal].map(|lanes| &lanes[self.range.clone()]);
        let weight = match &mut self.own {
            Some(own) => own,
            // SAFETY: the ranges of different members do not overlap, and in the backward pass nobody reads weights;
            // barriers separate it from the forward passes.
            None => unsafe { job.weight.write(self.range.start * self.row..self.range.end * self.row) },
        };
        let velocity = &mut self.velocity;
        Features { first: self.range.start, mean, scale, reciprocal, weight, velocity }
    }
}

/// `dbias [C]`: the sum of the dlogits over the images.
pub(super) fn sum_images(dlogits: &[Lanes], dbias: &mut [f32]) {
    let columns = dbias.len();
    for (column, dbias) in dbias.iter_mut().enumerate() {
        let mut sum = Lanes::ZERO;
        for dlogit in dlogits[column..].iter().step_by(columns) {
            for lane in 0..LANES {
                sum.0[lane] += dlogit.0[lane];
            }
        }
        *dbias = sum.sum();
    }
}
