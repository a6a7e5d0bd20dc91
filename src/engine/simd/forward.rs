//! `partial logits [B, C] <- (x - mean) [B, block] . weight^T [block, C]`, for one block of features.
//!
//! A tile is two images by up to ten columns: twenty sums, each of sixteen lanes along the features, stay in
//! registers while a block of features passes. Pixels become numbers in registers, and the mean is subtracted
//! there, on the adders beside the multiply-add units.

use super::layout::{tail, tiles, with_width};
use super::vector::{LANES, Lanes, Vector};

/// Images of a tile.
const IMAGES: usize = 2;

/// A block of features, and the weights on it.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    /// The block's first group.
    pub(super) first: usize,
    /// `[groups]`: the mean pixel of each feature.
    pub(super) mean: &'a [Lanes],
    /// `[groups][C]`.
    pub(super) weight: &'a [Lanes],
    /// C.
    pub(super) columns: usize,
}

impl Block<'_> {
    /// The block's whole groups in `image`.
    #[inline(always)]
    fn groups<'i>(&self, image: &'i [u8]) -> &'i [[u8; LANES]] {
        let groups = &image.as_chunks::<LANES>().0[self.first..];
        &groups[..groups.len().min(self.mean.len())]
    }
}

/// Adds the block's share of the logits of `images` to `logits`, `[groups of 16 images][C]`. Of each of `ahead`
/// it prefetches the same features.
#[inline(always)]
pub(super) fn forward<V: Vector>(
    isa: V::Isa,
    block: Block,
    images: &[&[u8]],
    ahead: &[&[u8]],
    logits: &mut [Lanes],
) {
    for (first, width) in tiles(block.columns, V::TILE) {
        let ahead = if first == 0 { ahead } else { &[] };
        with_width!(width, columns::<V>(isa, block, images, ahead, first, logits));
    }
}

/// The columns of one tile, for all images.
#[inline(always)]
fn columns<V: Vector, const COLUMNS: usize>(
    isa: V::Isa,
    block: Block,
    images: &[&[u8]],
    ahead: &[&[u8]],
    first: usize,
    logits: &mut [Lanes],
) {
    let mut ahead = ahead.chunks(IMAGES);
    for (images, logits) in images.chunks(LANES).zip(logits.chunks_exact_mut(block.columns)) {
        let logits: &mut [Lanes; COLUMNS] = logits[first..].first_chunk_mut().expect("a tile of columns");
        let (pairs, last) = images.as_chunks::<IMAGES>();
        for (index, pair) in pairs.iter().enumerate() {
            prefetch::<V>(isa, block, ahead.next());
            let sums = tile::<V, IMAGES, COLUMNS>(isa, block, *pair, first);
            add::<V, IMAGES, COLUMNS>(isa, &sums, IMAGES * index, logits);
        }
        if let [image] = last {
            prefetch::<V>(isa, block, ahead.next());
            let sums = tile::<V, 1, COLUMNS>(isa, block, [image], first);
            add::<V, 1, COLUMNS>(isa, &sums, images.len() - 1, logits);
        }
    }
}

/// Prefetches the block's features of `images`.
#[inline(always)]
fn prefetch<V: Vector>(isa: V::Isa, block: Block, images: Option<&[&[u8]]>) {
    for image in images.unwrap_or_default() {
        for line in block.groups(image).chunks(64 / LANES) {
            V::prefetch(isa, &line[0][0]);
        }
    }
}

/// The sums of one tile, lane by lane.
#[inline(always)]
fn tile<V: Vector, const N: usize, const COLUMNS: usize>(
    isa: V::Isa,
    block: Block,
    images: [&[u8]; N],
    first: usize,
) -> [[Lanes; COLUMNS]; N] {
    let mut groups: [&[[u8; LANES]]; N] = [&[]; N];
    let mut tails = [[0; LANES]; N];
    for i in 0..N {
        groups[i] = block.groups(images[i]);
    }
    let whole = groups[0].len();
    if whole < block.mean.len() {
        for i in 0..N {
            tails[i] = tail(images[i]);
        }
    }
    let (mean, weight) = (block.mean.iter(), block.weight.chunks_exact(block.columns));

    let mut sums = [[Lanes::ZERO; COLUMNS]; N];
    for part in 0..V::PARTS {
        let mut accumulators = [[V::splat(isa, 0.0); COLUMNS]; N];
        for (group, (mean, weight)) in mean.clone().zip(weight.clone()).enumerate() {
            let mean = V::load(isa, mean, part);
            let mut x = [mean; N];
            for i in 0..N {
                let bytes = if group < whole { &groups[i][group] } else { &tails[i] };
                x[i] = V::bytes(isa, bytes, part) - mean;
            }
            let weight: &[Lanes; COLUMNS] = weight[first..].first_chunk().expect("a tile of columns");
            for c in 0..COLUMNS {
                let w = V::load(isa, &weight[c], part);
                for i in 0..N {
                    accumulators[i][c] = x[i].mul_add(w, accumulators[i][c]);
                }
            }
        }
        for i in 0..N {
            for c in 0..COLUMNS {
                accumulators[i][c].store(&mut sums[i][c], part);
            }
        }
    }
    sums
}

/// Adds up the lanes of each sum, four sums at a time, and adds the totals to the logits of image `lane` and the
/// one behind it.
#[inline(always)]
fn add<V: Vector, const N: usize, const COLUMNS: usize>(
    isa: V::Isa,
    sums: &[[Lanes; COLUMNS]; N],
    lane: usize,
    logits: &mut [Lanes; COLUMNS],
) {
    for c in (0..COLUMNS).step_by(2) {
        let next = (c + 1).min(COLUMNS - 1);
        let totals = V::sums(isa, [&sums[0][c], &sums[N - 1][c], &sums[0][next], &sums[N - 1][next]]);
        for (column, totals) in (c..=next).zip(totals.as_chunks::<2>().0) {
            for i in 0..N {
                logits[column].0[lane + i] += totals[i];
            }
        }
    }
}
