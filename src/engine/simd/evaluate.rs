//! What each member of the team does to score images: its own chunks of them, over all features.

use std::ops::Range;

use super::arithmetic::{Arithmetic, Weights};
use super::forward::{AHEAD, Block};
use super::images::{Gathered, Images};
use super::layout::{BLOCK, row};
use super::softmax::Judged;
use super::vector::{LANES, Lanes};
use crate::engine::problem::Shape;
use crate::engine::team::Member;
use crate::objective::Objective;
use crate::samples::{Rows, Samples};

/// Images of a chunk. Losses are added up chunk by chunk, so this is part of a loss's bits.
const CHUNK: usize = 128;

/// A trained model, as the members share it.
pub(super) struct Scoring<'a> {
    pub(super) shape: Shape,
    pub(super) objective: Objective,
    /// `[groups]`: the mean pixel.
    pub(super) mean: &'a [Lanes],
    /// `[groups][row(C)]`
    pub(super) weight: &'a [Lanes],
    /// `[R * K]`
    pub(super) bias: &'a [f32],
}

impl<'a> Scoring<'a> {
    /// The weights, block by block.
    fn blocks(&self) -> impl Iterator<Item = Block<'a>> {
        let columns = self.bias.len();
        let blocks = self.mean.chunks(BLOCK).zip(self.weight.chunks(BLOCK * row(columns))).enumerate();
        blocks.map(move |(block, (mean, weight))| Block { first: BLOCK * block, mean, weight, columns })
    }

    /// The weights, block by block, as the forward pass takes them.
    fn weights(&self, arithmetic: &dyn Arithmetic) -> Vec<Weights> {
        let prepared = |block| {
            let mut weights = Weights::default();
            arithmetic.prepare(block, &mut weights);
            weights
        };
        self.blocks().map(prepared).collect()
    }

    /// Room for the logits of a chunk.
    fn logits(&self) -> Vec<Lanes> {
        vec![Lanes::ZERO; CHUNK / LANES * self.bias.len()]
    }
}

/// What a member finds in its share of the images.
pub(super) struct Found {
    /// `[chunks][R]`: the loss sums, in order.
    pub(super) losses: Vec<f64>,
    /// `[R]`: the confusion matrices.
    pub(super) confusions: Vec<Vec<u64>>,
}

/// Evaluates one member's share of `samples`.
pub(super) fn evaluate(
    arithmetic: &dyn Arithmetic,
    scoring: &Scoring,
    samples: &Samples,
    member: &Member,
) -> Found {
    let Shape { classes, runs, .. } = scoring.shape;
    let (weights, mut logits) = (scoring.weights(arithmetic), scoring.logits());
    let mut share = Found { losses: Vec::new(), confusions: vec![vec![0; classes * classes]; runs] };
    let mut gathered = Gathered::default();
    for (chunk, asked) in chunks(samples.len(), member) {
        let (images, labels) = gathered.fill(samples.select(chunk.start..asked));
        score(arithmetic, scoring, &weights, images, chunk.len(), &mut logits);

        let first = share.losses.len();
        share.losses.resize(first + runs, 0.0);
        for (labels, logits) in
            labels[..chunk.len()].chunks(LANES).zip(logits.chunks_exact_mut(scoring.bias.len()))
        {
            let mut padded = [0; LANES];
            padded[..labels.len()].copy_from_slice(labels);
            for (run, logits) in logits.chunks_exact_mut(classes).enumerate() {
                let judged = match scoring.objective {
                    Objective::Softmax => arithmetic.kernels().judge_softmax(logits, &padded),
                };
                share.losses[first + run] += count(&judged, labels, &mut share.confusions[run]);
            }
        }
    }
    share
}

/// One member's share of the logits of `rows`, row-major `[images, R * K]`.
pub(super) fn logits(
    arithmetic: &dyn Arithmetic,
    scoring: &Scoring,
    rows: &Rows,
    member: &Member,
) -> Vec<f32> {
    let (weights, mut logits) = (scoring.weights(arithmetic), scoring.logits());
    let (mut gathered, mut result) = (Gathered::default(), Vec::new());
    for (chunk, asked) in chunks(rows.len(), member) {
        let (images, _) = gathered.fill((chunk.start..asked).map(|index| (rows.row(index), 0)));
        score(arithmetic, scoring, &weights, images, chunk.len(), &mut logits);
        for image in 0..chunk.len() {
            let group = &logits[image / LANES * scoring.bias.len()..][..scoring.bias.len()];
            result.extend(group.iter().map(|logit| logit.0[image % LANES]));
        }
    }
    result
}

/// The chunks of a member's share of `count` images, each with the end of the images that it asks for.
fn chunks(count: usize, member: &Member) -> impl Iterator<Item = (Range<usize>, usize)> {
    let share = member.share(count.div_ceil(CHUNK));
    let end = (share.end * CHUNK).min(count);
    share.map(move |chunk| {
        let images = CHUNK * chunk..(CHUNK * (chunk + 1)).min(count);
        (images.clone(), (images.end + AHEAD).min(end))
    })
}

/// `logits [groups of 16 images][C] <- (x - mean) . weight^T + bias`, of the `count` images of a chunk, behind which
/// are those that it asks for.
fn score(
    arithmetic: &dyn Arithmetic,
    scoring: &Scoring,
    weights: &[Weights],
    images: Images,
    count: usize,
    logits: &mut [Lanes],
) {
    let (images, ahead) = (images.slice(0..count), images.slice(AHEAD..usize::MAX));
    let columns = scoring.bias.len();
    for group in logits.chunks_exact_mut(columns) {
        group.iter_mut().zip(scoring.bias).for_each(|(logit, &bias)| *logit = Lanes([bias; LANES]));
    }
    for (block, weights) in scoring.blocks().zip(weights) {
        arithmetic.forward(block, weights, images, ahead, logits);
    }
}

/// Counts up to sixteen judged images in a confusion matrix, and returns the sum of their losses.
fn count(judged: &Judged, labels: &[u8], confusion: &mut [u64]) -> f64 {
    let classes = confusion.len().isqrt();
    // The logarithm of a product is cheaper than a sum of logarithms: sixteen factors of at most 256 each.
    let (mut product, mut label_logits) = (1.0, 0.0);
    for (lane, &label) in labels.iter().enumerate() {
        product *= f64::from(judged.sum.0[lane]);
        label_logits += f64::from(judged.label.0[lane]);
        confusion[usize::from(label) * classes + judged.predicted.0[lane] as usize] += 1;
    }
    libm::log(product) - label_logits
}
