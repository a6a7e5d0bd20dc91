//! What each member of the team does in an evaluation: its own chunks of the images, with all features.

use std::ops::Range;

use super::arithmetic::{Arithmetic, Passes};
use super::gathered::{Gathered, Images};
use super::isa::vector::{LANES, Lanes};
use super::kernels::forward::{AHEAD, Block};
use super::kernels::objective::{Labels, Score};
use super::layer::Layer;
use super::layout::row;
use crate::engine::counts::Counts;
use crate::engine::problem::Shape;
use crate::engine::team::Member;
use crate::samples::{Rows, Sample, Samples};

/// Images in a chunk. Losses are added chunk by chunk: the bits of a loss depend on it.
pub(super) const CHUNK: usize = 128;

/// The model, for all members.
pub(super) struct Scoring<'a> {
    pub(super) layer: &'a Layer,
    /// `[groups][row(C)]`
    pub(super) weight: &'a [Lanes],
    /// `[C]`
    pub(super) bias: &'a [f32],
}

impl<'a> Scoring<'a> {
    /// The weights, block by block.
    fn blocks(&self) -> impl Iterator<Item = Block<'a>> {
        let columns = self.bias.len();
        let Layer { blocks, mean, outliers, .. } = self.layer;
        blocks.iter().zip(outliers).map(move |(groups, outliers)| {
            let weight = &self.weight[groups.start * row(columns)..groups.end * row(columns)];
            Block { first: groups.start, mean: &mean[groups], weight, columns, outliers }
        })
    }

    /// The weights of each block, packed for the forward pass.
    pub(super) fn pack<A: Arithmetic>(&self, passes: &dyn Passes<A>) -> Vec<A::Weights> {
        let pack = |block| {
            let mut weights = A::Weights::default();
            passes.pack(block, &mut weights);
            weights
        };
        self.blocks().map(pack).collect()
    }

    /// Memory for the logits of a chunk.
    pub(super) fn logits(&self) -> Vec<Lanes> {
        vec![Lanes::ZERO; CHUNK / LANES * self.bias.len()]
    }
}

/// What a member finds in its portion of the images.
pub(super) struct Found {
    /// `[chunks][R]`: the sums of the losses, in order.
    pub(super) losses: Vec<f64>,
    /// `[R]`: what was predicted.
    pub(super) counts: Vec<Counts>,
}

/// The evaluation of one member's portion of `samples`.
pub(super) fn evaluate<A: Arithmetic>(
    passes: &dyn Passes<A>,
    scoring: &Scoring,
    samples: &Samples,
    member: &Member,
) -> Found {
    let Shape { classes, runs, .. } = scoring.layer.shape;
    let (weights, mut logits) = (scoring.pack(passes), scoring.logits());
    let mut found = Found { losses: Vec::new(), counts: vec![Counts::none(classes); runs] };
    let mut gathered = Gathered::new();
    for (chunk, end) in chunks(samples.len(), member) {
        let (images, labels) = gathered.fill(samples.select(chunk.start..end));
        chunk_logits(passes, scoring, &weights, images, chunk.len(), &mut logits);

        let first = found.losses.len();
        found.losses.resize(first + runs, 0.0);
        let labels = &labels[..chunk.len()];
        for (group, logits) in logits[..chunk.len().div_ceil(LANES) * scoring.bias.len()]
            .chunks_exact_mut(scoring.bias.len())
            .enumerate()
        {
            let Layer { kernels, aim, .. } = scoring.layer;
            let (count, labels) = (labels.len() - LANES * group, scoring.layer.labels(labels, group));
            for (run, logits) in logits.chunks_exact_mut(classes).enumerate() {
                let score = kernels.score(*aim, logits, &labels.classes);
                let counts = &mut found.counts[run];
                found.losses[first + run] += tally(&score, &labels, count.min(LANES), counts);
            }
        }
    }
    found
}

/// The logits of one member's portion of `rows`, row-major `[images, C]`.
pub(super) fn logits<A: Arithmetic>(
    passes: &dyn Passes<A>,
    scoring: &Scoring,
    rows: &Rows,
    member: &Member,
) -> Vec<f32> {
    let (weights, mut logits) = (scoring.pack(passes), scoring.logits());
    let (mut gathered, mut result) = (Gathered::new(), Vec::new());
    let unlabelled = |index| Sample { image: rows.row(index), label: 0, weight: 1.0 };
    for (chunk, end) in chunks(rows.len(), member) {
        let (images, _) = gathered.fill((chunk.start..end).map(unlabelled));
        chunk_logits(passes, scoring, &weights, images, chunk.len(), &mut logits);
        for image in 0..chunk.len() {
            let group = &logits[image / LANES * scoring.bias.len()..][..scoring.bias.len()];
            result.extend(group.iter().map(|logit| logit.0[image % LANES]));
        }
    }
    result
}

/// The chunks of one member's portion of `count` images, each with the end of the images to prefetch after it.
fn chunks(count: usize, member: &Member) -> impl Iterator<Item = (Range<usize>, usize)> {
    let portion = member.rank().portion(count.div_ceil(CHUNK));
    let end = (portion.end * CHUNK).min(count);
    portion.map(move |chunk| {
        let images = CHUNK * chunk..(CHUNK * (chunk + 1)).min(count);
        (images.clone(), (images.end + AHEAD).min(end))
    })
}

/// `logits [groups of 16 images][C] <- (x - mean) . weight^T + bias`, of the first `count` images, which are followed by
/// up to `AHEAD` images to prefetch.
pub(super) fn chunk_logits<A: Arithmetic>(
    passes: &dyn Passes<A>,
    scoring: &Scoring,
    weights: &[A::Weights],
    images: Images<A::Number>,
    count: usize,
    logits: &mut [Lanes],
) {
    let (images, ahead) = (images.slice(0..count), images.slice(AHEAD..usize::MAX));
    let columns = scoring.bias.len();
    for group in logits.chunks_exact_mut(columns) {
        group.iter_mut().zip(scoring.bias).for_each(|(logit, &bias)| *logit = Lanes([bias; LANES]));
    }
    for (block, weights) in scoring.blocks().zip(weights) {
        passes.forward(block, weights, images, ahead, logits);
    }
}

/// Counts the first `count` of sixteen samples, and returns the sum of their losses.
pub(super) fn tally(score: &Score, labels: &Labels, count: usize, counts: &mut Counts) -> f64 {
    // One logarithm of a product is cheaper than a sum of logarithms, and sixteen factors are at most 256 each. Where
    // samples have weights, each has a logarithm of its own.
    let (mut product, mut aims, mut weighted) = (1.0, 0.0, 0.0);
    for lane in 0..count {
        let [sum, aim, weight] =
            [&score.sum, &score.aim, &labels.weights].map(|lanes| f64::from(lanes.0[lane]));
        if weight == 1.0 {
            product *= sum;
            aims += aim;
        } else {
            weighted += weight * (libm::log(sum) - aim);
        }
        counts.count(labels.classes.0[lane] as usize, score.predicted.0[lane] as usize);
    }
    libm::log(product) - aims + weighted
}
