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
use crate::engine::fused::layout::{BLOCK, Outlier, Place};

/// The largest deviation that shares a scale, over the smallest. CIFAR's are within a factor of 2.
pub(super) const RATIO: f32 = 16.0;

/// The outliers of each block. A constant feature, whose deviation is 1 by convention, is none.
pub(super) fn outliers(std: &[f32], place: fn(usize) -> Place) -> Vec<Vec<Outlier>> {
    let blocks = std.chunks(BLOCK * LANES).zip((0..).step_by(BLOCK * LANES));
    let of_block = |(std, first): (&[f32], usize)| {
        let mut sorted: Vec<f32> = std.iter().copied().filter(|&std| std != 1.0).collect();
        sorted.sort_by(f32::total_cmp);
        let within = |&first: &usize| sorted.partition_point(|&std| std <= RATIO * sorted[first]) - first;
        let low = (0..sorted.len()).max_by_key(within).map_or(1.0, |first| sorted[first]);
        let apart = (first..).zip(std).filter(|&(_, &std)| std != 1.0 && !(low..=RATIO * low).contains(&std));
        apart.map(|(feature, _)| Outlier { feature, place: place(feature) }).collect()
    };
    blocks.map(of_block).collect()
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
