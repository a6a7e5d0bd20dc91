//! Features that vary so little, or so much, that they are multiplied apart, in f32.
//!
//! Weights are stored as `V = W / (255 std)`, and a block's share one scale. That of a pixel that hardly ever varies is
//! thousands of times as large as the others', and would leave them no digits. So of each block the features whose
//! deviations are within a factor of [`RATIO`] share a scale, as many as possible, and the others are outliers. Rounding
//! is then at most [`RATIO`] times as coarse for one feature as for another of the same W.

use super::dot::Dot;
use crate::engine::fused::gathered::Images;
use crate::engine::fused::isa::vector::{LANES, Lanes, Vector};
use crate::engine::fused::kernels::forward::Block;
use crate::engine::fused::layout::{Blocks, Outlier, Place};

/// The largest deviation that shares a scale, over the smallest. CIFAR's are within a factor of 2.
pub(super) const RATIO: f32 = 16.0;
/// What a 16-bit number may be off by, relative to the largest that shares its scale: half of 2^-14, and 1/128 for
/// headroom.
pub(crate) const QUANTUM: f64 = 129.0 / 128.0 / (1u64 << 15) as f64;
/// The largest weight of a column in a block, over their root mean square: about that of 768 normal numbers.
const PEAK: f64 = 4.0;
/// The deviation of a constant feature, by convention.
const CONSTANT: f32 = 1.0;

/// The outliers of each block. A constant feature, whose deviation is 1 by convention, is none.
pub(super) fn outliers(blocks: Blocks, std: &[f32], place: fn(usize) -> Place) -> Vec<Vec<Outlier>> {
    let of_block = |(first, std): (usize, &[f32])| {
        let low = lowest(std);
        let apart = (first..).zip(std).filter(|&(_, &std)| std != CONSTANT && !shares(low, std));
        apart.map(|(feature, _)| Outlier { feature, place: place(feature) }).collect()
    };
    by_block(blocks, std).map(of_block).collect()
}

/// The deviations of each block, after the number of its first feature.
fn by_block(blocks: Blocks, std: &[f32]) -> impl Iterator<Item = (usize, &[f32])> {
    blocks.iter().map(move |groups| {
        let features = (LANES * groups.start).min(std.len())..(LANES * groups.end).min(std.len());
        (features.start, &std[features])
    })
}

/// By about which part of its size rounding moves a logit, for features with these deviations; and how many of them are
/// outliers.
///
/// A weight V = W / (255 std) is off by at most `QUANTUM max |V|`, and by a third of that squared on average. With a largest |W|
/// of `PEAK` times their size w, a logit is off by about `QUANTUM / sqrt(3) PEAK w sqrt(sum_j (std_j / low)^2)`, where `low` is
/// the smallest deviation that shares the scale, as x^ has a deviation of 1; and logits have a size of about `w sqrt(D)`.
pub(crate) fn suitability(std: &[f32]) -> (f64, usize) {
    let (mut squares, mut varying, mut outliers) = (0.0, 0, 0);
    for (_, std) in by_block(Blocks::new(std.len().div_ceil(LANES)), std) {
        let low = lowest(std);
        for &std in std.iter().filter(|&&std| std != CONSTANT) {
            varying += 1;
            if shares(low, std) {
                squares += f64::from(std / low).powi(2);
            } else {
                outliers += 1;
            }
        }
    }
    (QUANTUM * PEAK * (squares / f64::from(varying.max(1)) / 3.0).sqrt(), outliers)
}

/// Whether a feature of this deviation shares the scale of a block whose lowest is `low`.
fn shares(low: f32, std: f32) -> bool {
    (low..=RATIO * low).contains(&std)
}

/// The smallest of the deviations that share a block's scale: as many as possible.
fn lowest(std: &[f32]) -> f32 {
    let mut sorted: Vec<f32> = std.iter().copied().filter(|&std| std != CONSTANT).collect();
    sorted.sort_by(f32::total_cmp);
    let within = |&first: &usize| sorted.partition_point(|&std| std <= RATIO * sorted[first]) - first;
    (0..sorted.len()).max_by_key(within).map_or(CONSTANT, |first| sorted[first])
}

/// Moves the weights of the outliers from `weight`, `[groups][row]` of a block, to `apart`, `[outliers][C]`.
pub(super) fn take(block: Block, row: usize, weight: &mut [Lanes], apart: &mut Vec<f32>) {
    apart.clear();
    for Outlier { place: Place { group, lane }, .. } in block.outliers {
        let weights = &mut weight[(group - block.first) * row..][..block.columns];
        apart.extend(weights.iter_mut().map(|lanes| std::mem::take(&mut lanes.0[*lane])));
    }
}

/// Adds the part of the outliers, whose weights are `apart`, to the partial logits of `images`, `[groups of 16 images][C]`.
#[inline(always)]
pub(super) fn add<D: Dot>(isa: D::Isa, block: Block, apart: &[f32], images: Images, logits: &mut [Lanes]) {
    let floats = D::floats(isa);
    for (images, logits) in images.chunks(LANES).zip(logits.chunks_exact_mut(block.columns)) {
        for (Outlier { feature, place }, weights) in
            block.outliers.iter().zip(apart.chunks_exact(block.columns))
        {
            let mean = block.mean[place.group - block.first].0[place.lane];
            let mut x = Lanes::ZERO;
            for (x, image) in x.0.iter_mut().zip(images.iter()) {
                *x = f32::from(image[*feature]) - mean;
            }
            for part in 0..D::Floats::PARTS {
                let x = D::Floats::load(floats, &x, part);
                for (logit, &weight) in logits.iter_mut().zip(weights) {
                    let before = D::Floats::load(floats, logit, part);
                    x.mul_add(D::Floats::splat(floats, weight), before).store(logit, part);
                }
            }
        }
    }
}
