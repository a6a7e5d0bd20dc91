//! What each member of the team does in training: its share of every step, and one barrier between the halves.

use std::ops::Range;

use super::arithmetic::{Arithmetic, Scratch};
use super::backward::{Batch, ColumnStep, Features};
use super::forward::{AHEAD, Block};
use super::images::{Gathered, Images};
use super::layout::BLOCK;
use super::shared::Shared;
use super::softmax::Partials;
use super::vector::{LANES, Lanes};
use crate::engine::{Member, Shape, Step, batches};
use crate::objective::Objective;
use crate::samples::Samples;

/// Groups of features, a cache line of an image, that one member steps.
const UNIT: usize = 4;

/// A stretch of an epoch, as the members share it.
pub(super) struct Training<'a> {
    pub(super) shape: Shape,
    pub(super) objective: Objective,
    pub(super) samples: &'a Samples<'a>,
    /// The images by number, in the order of training.
    pub(super) order: &'a [u32],
    pub(super) batch: usize,
    /// `[batches, R]`
    pub(super) steps: &'a [Step],
    /// `[groups]`: the mean pixel, and the square of the weights' scale.
    pub(super) mean: &'a [Lanes],
    pub(super) squared_scale: &'a [Lanes],
    /// `[groups][C]`
    pub(super) weight: Shared<'a, Lanes>,
    /// `[R * K]`: the bias before the first step.
    pub(super) bias: &'a [f32],
    /// Twice `[blocks][groups of 16 images][C]`: the partial logits of even and of odd steps. With two buffers,
    /// a member may begin the next step while others still read this one's.
    pub(super) partials: [Shared<'a, Lanes>; 2],
}

impl Training<'_> {
    fn blocks(&self) -> usize {
        self.mean.len().div_ceil(BLOCK)
    }

    /// The images of the batch that begins at `first` in the order, those behind it that it asks for, and the labels.
    fn images(&self, first: usize) -> impl Iterator<Item = (&[u8], u8)> {
        let order = self.order[first..].iter().take(self.batch + AHEAD);
        self.samples.select(order.map(|&index| index as usize))
    }
}

/// Runs one member's share of the training. Returns the bias after the last step, the same for every member.
///
/// The forward pass shares out pairs of a feature block and a group of sixteen images; the backward pass, groups
/// of features. Where the blocks divide evenly among the members, each one's weights are its own in both passes,
/// and one barrier a step is enough.
pub(super) fn train(arithmetic: &dyn Arithmetic, job: &Training, member: &Member) -> Vec<f32> {
    let columns = job.shape.columns();
    let owned = job.blocks().is_multiple_of(member.threads());
    let features = own_features(job, member, owned);
    let (mut bias, mut dbias) = (job.bias.to_vec(), vec![0.0; columns]);
    let mut scratch = Scratch::default();
    let mut dlogits = vec![Lanes::ZERO; job.batch.min(job.order.len()).div_ceil(LANES) * columns];
    let mut steps = vec![ColumnStep::default(); columns];
    let mut gathered = Gathered::default();

    let cut = batches(job.order, job.batch, job.steps, job.shape.runs);
    for (number, (batch, batch_steps)) in cut.enumerate() {
        let (images, labels) = gathered.fill(job.images(number * job.batch));
        let labels = &labels[..batch.len()];
        let (images, ahead) = (images.slice(0..batch.len()), images.slice(AHEAD..usize::MAX));
        let partials = &job.partials[number % 2];
        forward_share(arithmetic, job, member, &mut scratch, (images, ahead), partials);
        assert!(
            labels.iter().all(|&label| usize::from(label) < job.shape.classes),
            "a label that is no class"
        );
        member.wait();

        let dlogits = &mut dlogits[..images.len().div_ceil(LANES) * columns];
        softmax_share(arithmetic, job, &mut scratch, partials, labels, (&bias, &mut *dlogits));
        sum_images(dlogits, &mut dbias);
        for (column, step) in steps.iter_mut().enumerate() {
            *step = column_step(batch_steps[column / job.shape.classes], batch.len());
        }
        for ((bias, dbias), step) in bias.iter_mut().zip(&dbias).zip(&steps) {
            *bias = (-step.rate).mul_add(*dbias, *bias);
        }

        // SAFETY: feature ranges of different members do not overlap, and in this phase nobody reads weights:
        // where a member reads weights of another in the forward pass, a barrier stands on either side.
        let weight = unsafe { job.weight.write(features.start * columns..features.end * columns) };
        let batch = Batch { images, dlogits, dbias: &dbias, steps: &steps };
        let (mean, scale) = (&job.mean[features.clone()], &job.squared_scale[features.clone()]);
        arithmetic.backward(&mut scratch, batch, Features { first: features.start, mean, scale, weight });
        if !owned {
            member.wait();
        }
    }
    bias
}

/// The feature groups whose weights this member steps.
pub(super) fn own_features(job: &Training, member: &Member, owned: bool) -> Range<usize> {
    let unit = if owned { BLOCK } else { UNIT };
    let groups = job.mean.len();
    let share = member.share(groups.div_ceil(unit));
    (share.start * unit).min(groups)..(share.end * unit).min(groups)
}

/// This member's share of the partial logits of a batch.
pub(super) fn forward_share(
    arithmetic: &dyn Arithmetic,
    job: &Training,
    member: &Member,
    scratch: &mut Scratch,
    (images, ahead): (Images, Images),
    partials: &Shared<Lanes>,
) {
    let columns = job.shape.columns();
    let image_groups = images.len().div_ceil(LANES);
    let share = member.share(job.blocks() * image_groups);
    // SAFETY: shares of different members do not overlap, and all read what is here only behind the barrier.
    let partials = unsafe { partials.write(share.start * columns..share.end * columns) };
    partials.fill(Lanes::ZERO);
    let mut next = share.start;
    while next < share.end {
        let (block, from) = (next / image_groups, next % image_groups);
        let to = image_groups.min(from + share.end - next);
        let groups = BLOCK * block..(BLOCK * (block + 1)).min(job.mean.len());
        // SAFETY: in this phase nobody writes weights but their owner, who does so behind the barrier; and where
        // another reads them, a second barrier stands before the next forward pass.
        let weight = unsafe { job.weight.read(groups.start * columns..groups.end * columns) };
        let block = Block { first: groups.start, mean: &job.mean[groups], weight, columns };
        let within = LANES * from..LANES * to;
        let logits = &mut partials[(next - share.start) * columns..][..(to - from) * columns];
        let (images, ahead) = (images.slice(within.clone()), ahead.slice(within));
        arithmetic.prepare(block, &mut scratch.weights);
        arithmetic.forward(block, &scratch.weights, images, ahead, logits);
        next += to - from;
    }
}

/// `dlogits [groups of 16 images][C]` of the whole batch, as the backward pass takes them, 0 in the lanes behind its
/// last image. Every member makes them for itself: that is cheaper than another barrier.
pub(super) fn softmax_share(
    arithmetic: &dyn Arithmetic,
    job: &Training,
    scratch: &mut Scratch,
    partials: &Shared<Lanes>,
    labels: &[u8],
    (bias, dlogits): (&[f32], &mut [Lanes]),
) {
    let Shape { classes, .. } = job.shape;
    let columns = bias.len();
    // SAFETY: behind the barrier nobody writes these; the next step's go to the other buffer.
    let partials = unsafe { partials.read(0..job.blocks() * dlogits.len()) };
    let stride = dlogits.len();
    for (group, labels) in labels.chunks(LANES).enumerate() {
        let group = group * columns;
        let mut padded = [0; LANES];
        padded[..labels.len()].copy_from_slice(labels);
        for first in (0..columns).step_by(classes) {
            let run = group + first..group + first + classes;
            let bias = &bias[first..first + classes];
            let partials = Partials { bias, logits: &partials[run.start..], stride };
            match job.objective {
                Objective::SoftmaxCrossEntropy => {
                    arithmetic.kernels().softmax_cross_entropy(partials, &padded, &mut dlogits[run]);
                }
            }
        }
        if labels.len() < LANES {
            dlogits[group..group + columns].iter_mut().for_each(|dlogit| dlogit.0[labels.len()..].fill(0.0));
        }
    }
    arithmetic.round(columns, dlogits, &mut scratch.dlogits);
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
