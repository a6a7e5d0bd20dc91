//! What each member of the team does in training: its share of every step, and one barrier between the halves.

use std::ops::Range;

use super::arithmetic::{Arithmetic, Scratch};
use super::backward::{Batch, ColumnStep, Features};
use super::forward::{AHEAD, Block};
use super::images::{Gathered, Images};
use super::layout::{BLOCK, row};
use super::shared::Shared;
use super::sharing::{Piece, Sharing, stride};
use super::softmax::Partials;
use super::vector::{LANES, Lanes};
use crate::engine::contract::{Batches, Step};
use crate::engine::problem::Shape;
use crate::engine::team::Member;
use crate::objective::Objective;
use crate::samples::Samples;

/// A stretch of an epoch, as the members share it.
pub(super) struct Training<'a> {
    pub(super) shape: Shape,
    pub(super) objective: Objective,
    pub(super) samples: &'a Samples<'a>,
    pub(super) batches: Batches<'a>,
    /// `[groups]`: the mean pixel, and the square of the weights' scale.
    pub(super) mean: &'a [Lanes],
    pub(super) squared_scale: &'a [Lanes],
    /// `[groups][row(C)]`
    pub(super) weight: Shared<'a, Lanes>,
    /// `[R * K]`: the bias before the first step.
    pub(super) bias: &'a [f32],
    /// Twice the slots of [`Sharing::slot`]: the partial logits of even and of odd steps. With two buffers,
    /// a member may begin the next step while others still read this one's.
    pub(super) partials: [Shared<'a, Lanes>; 2],
}

impl Training<'_> {
    /// The images of the batch that begins at `first` in the order, those behind it that it asks for, and the labels.
    fn images(&self, first: usize) -> impl Iterator<Item = (&[u8], u8)> {
        let Batches { order, size, .. } = self.batches;
        let order = order[first..].iter().take(size.saturating_add(AHEAD));
        self.samples.select(order.map(|&index| index as usize))
    }
}

/// Runs one member's share of the training. Returns the bias after the last step, the same for every member.
pub(super) fn train(arithmetic: &dyn Arithmetic, job: &Training, member: &Member) -> Vec<f32> {
    let columns = job.shape.columns();
    let mut share = Share::new(arithmetic, job, member);
    let (mut bias, mut dbias) = (job.bias.to_vec(), vec![0.0; columns]);
    let Batches { order, size, .. } = job.batches;
    let mut dlogits = vec![Lanes::ZERO; size.min(order.len()).div_ceil(LANES) * columns];
    let mut steps = vec![ColumnStep::default(); columns];
    let mut gathered = Gathered::default();

    for (number, (batch, batch_steps)) in job.batches.iter(job.shape.runs).enumerate() {
        let (images, labels) = gathered.fill(job.images(number * size));
        let labels = &labels[..batch.len()];
        let (images, ahead) = (images.slice(0..batch.len()), images.slice(AHEAD..usize::MAX));
        let partials = &job.partials[number % 2];
        share.forward(images, ahead, partials);
        assert!(
            labels.iter().all(|&label| usize::from(label) < job.shape.classes),
            "a label that is no class"
        );
        member.wait();

        let dlogits = &mut dlogits[..images.len().div_ceil(LANES) * columns];
        share.softmax(partials, labels, &bias, dlogits);
        sum_images(dlogits, &mut dbias);
        for (column, step) in steps.iter_mut().enumerate() {
            *step = column_step(batch_steps[column / job.shape.classes], batch.len());
        }
        for ((bias, dbias), step) in bias.iter_mut().zip(&dbias).zip(&steps) {
            *bias = (-step.rate).mul_add(*dbias, *bias);
        }
        share.backward(Batch { images, dlogits, dbias: &dbias, steps: &steps });
        if !share.sharing.owns() {
            member.wait();
        }
    }
    share.finish();
    bias
}

/// One member's share of a job: what it does in each stage of a step, and what it keeps from step to step.
pub(super) struct Share<'a> {
    arithmetic: &'a dyn Arithmetic,
    job: &'a Training<'a>,
    sharing: Sharing<'a>,
    scratch: Scratch,
    weights: MemberWeights,
}

impl<'a> Share<'a> {
    pub(super) fn new(arithmetic: &'a dyn Arithmetic, job: &'a Training<'a>, member: &'a Member<'a>) -> Self {
        let sharing = Sharing::new(member, job.mean.len(), job.shape.columns());
        let weights = MemberWeights::new(job, sharing);
        Self { arithmetic, job, sharing, scratch: Scratch::default(), weights }
    }

    /// Its share of the partial logits of a batch. Meanwhile it asks for `ahead`.
    pub(super) fn forward(&mut self, images: Images, ahead: Images, partials: &Shared<Lanes>) {
        let Self { job, sharing, .. } = *self;
        let columns = job.shape.columns();
        let image_groups = images.len().div_ceil(LANES);
        for Piece { block, images: range } in sharing.pieces(image_groups) {
            let (slot, adds) = sharing.slot(block, image_groups);
            // SAFETY: pieces of different members do not overlap, and all read what is here only behind the barrier.
            let logits = unsafe { partials.write(slot + range.start * columns..slot + range.end * columns) };
            if !adds {
                logits.fill(Lanes::ZERO);
            }
            let groups = BLOCK * block..(BLOCK * (block + 1)).min(job.mean.len());
            let weight = self.weights.read(job, groups.clone());
            let block = Block { first: groups.start, mean: &job.mean[groups], weight, columns };
            let within = LANES * range.start..LANES * range.end;
            let (images, ahead) = (images.slice(within.clone()), ahead.slice(within));
            self.arithmetic.prepare(block, &mut self.scratch.weights);
            self.arithmetic.forward(block, &self.scratch.weights, images, ahead, logits);
        }
    }

    /// `dlogits [groups of 16 images][C]` of the whole batch, as the backward pass takes them, 0 in the lanes behind its
    /// last image. Every member makes them for itself: that is cheaper than another barrier.
    pub(super) fn softmax(
        &mut self,
        partials: &Shared<Lanes>,
        labels: &[u8],
        bias: &[f32],
        dlogits: &mut [Lanes],
    ) {
        let Self { job, sharing, .. } = *self;
        let Shape { classes, .. } = job.shape;
        let columns = bias.len();
        // SAFETY: behind the barrier nobody writes these; the next step's go to the other buffer.
        let partials = unsafe { partials.read(0..sharing.slots(dlogits.len())) };
        let (stride, in_pairs) = (stride(dlogits.len()), !sharing.adds_pairs());
        for (group, labels) in labels.chunks(LANES).enumerate() {
            let group = group * columns;
            let mut padded = [0; LANES];
            padded[..labels.len()].copy_from_slice(labels);
            for first in (0..columns).step_by(classes) {
                let run = group + first..group + first + classes;
                let bias = &bias[first..first + classes];
                let partials = Partials { bias, logits: &partials[run.start..], stride, in_pairs };
                match job.objective {
                    Objective::Softmax => {
                        let kernels = self.arithmetic.kernels();
                        kernels.softmax_cross_entropy(partials, &padded, &mut dlogits[run]);
                    }
                }
            }
            if labels.len() < LANES {
                let behind = |dlogit: &mut Lanes| dlogit.0[labels.len()..].fill(0.0);
                dlogits[group..group + columns].iter_mut().for_each(behind);
            }
        }
        self.arithmetic.round(columns, dlogits, &mut self.scratch.dlogits);
    }

    /// The step of its features' weights.
    pub(super) fn backward(&mut self, batch: Batch) {
        self.arithmetic.backward(&mut self.scratch, batch, self.weights.features(self.job));
    }

    /// Puts the trained weights where all members have theirs.
    pub(super) fn finish(self) {
        self.weights.give_back(self.job);
    }
}

/// The weights as one member has them.
struct MemberWeights {
    /// The feature groups whose weights it steps.
    range: Range<usize>,
    /// Lanes of a group.
    row: usize,
    /// Where they are its own: a copy of them, far from those of other members.
    own: Option<Vec<Lanes>>,
}

impl MemberWeights {
    fn new(job: &Training, sharing: Sharing) -> Self {
        let (range, row) = (sharing.features(), row(job.shape.columns()));
        // SAFETY: nobody else writes any of them, and this member only when it gives them back.
        let copy = || unsafe { job.weight.read(range.start * row..range.end * row) }.to_vec();
        let own = sharing.owns().then(copy);
        Self { range, row, own }
    }

    /// The weights on the feature groups of `groups`, for the forward pass.
    fn read<'a>(&'a self, job: &'a Training, groups: Range<usize>) -> &'a [Lanes] {
        let lanes = |first: usize| (groups.start - first) * self.row..(groups.end - first) * self.row;
        match &self.own {
            Some(own) => &own[lanes(self.range.start)],
            // SAFETY: in the forward pass nobody writes weights; a barrier stands on either side.
            None => unsafe { job.weight.read(lanes(0)) },
        }
    }

    /// The features that this member steps, for the backward pass.
    fn features<'a>(&'a mut self, job: &'a Training) -> Features<'a> {
        let (mean, scale) = (&job.mean[self.range.clone()], &job.squared_scale[self.range.clone()]);
        let weight = match &mut self.own {
            Some(own) => own,
            // SAFETY: the ranges of different members do not overlap, and in the backward pass nobody reads weights; a
            // barrier stands on either side.
            None => unsafe { job.weight.write(self.range.start * self.row..self.range.end * self.row) },
        };
        Features { first: self.range.start, mean, scale, weight }
    }

    /// Puts the trained weights where all members have theirs.
    fn give_back(self, job: &Training) {
        let Self { range, row, own } = self;
        if let Some(own) = own {
            // SAFETY: the ranges of different members do not overlap, and nobody reads another's.
            unsafe { job.weight.write(range.start * row..range.end * row) }.copy_from_slice(&own);
        }
    }
}

pub(super) fn column_step(step: Step, images: usize) -> ColumnStep {
    ColumnStep { rate: step.eta / images as f32, decay: 1.0 - 2.0 * step.eta * step.lambda }
}

/// `dbias [C]`, the sum of the dlogits over the images.
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
