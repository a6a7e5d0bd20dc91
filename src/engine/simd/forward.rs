//! `partial logits [B, C] <- (x - mean) [B, block] . weight^T [block, C]`, for one block of features.
//!
//! A tile is two images by up to ten columns: twenty sums, each of sixteen lanes along the features, stay in
//! registers while a block of features passes. Pixels become numbers in registers, and the mean is subtracted
//! there, on the adders beside the multiply-add units.

use super::layout::{tail, tiles, with_width};
use super::vector::{LANES, Lanes, Vector};

/// Images of a tile.
const IMAGES: usize = 2;
/// Groups of sixteen pixels in a cache line.
const GROUPS_A_LINE: usize = 4;

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
        let groups = image.as_chunks::<LANES>().0.get(self.first..).unwrap_or_default();
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
    let mut ahead = ahead.iter().copied();
    for (images, logits) in images.chunks(LANES).zip(logits.chunks_exact_mut(block.columns)) {
        let logits: &mut [Lanes; COLUMNS] = logits[first..].first_chunk_mut().expect("a tile of columns");
        let (pairs, last) = images.as_chunks::<IMAGES>();
        for (index, pair) in pairs.iter().enumerate() {
            let ahead = [ahead.next().unwrap_or_default(), ahead.next().unwrap_or_default()];
            let sums = tile::<V, IMAGES, COLUMNS>(isa, block, *pair, ahead, first);
            add::<V, IMAGES, COLUMNS>(isa, &sums, IMAGES * index, logits);
        }
        if let [image] = last {
            let sums = tile::<V, 1, COLUMNS>(isa, block, [image], [&[]], first);
            add::<V, 1, COLUMNS>(isa, &sums, images.len() - 1, logits);
        }
    }
}

/// The sums of one tile, lane by lane.
#[inline(always)]
fn tile<V: Vector, const N: usize, const COLUMNS: usize>(
    isa: V::Isa,
    block: Block,
    images: [&[u8]; N],
    ahead: [&[u8]; N],
    first: usize,
) -> [[Lanes; COLUMNS]; N] {
    let mut groups: [&[[u8; LANES]]; N] = [&[]; N];
    let mut groups_ahead = groups;
    for i in 0..N {
        groups[i] = block.groups(images[i]);
        groups_ahead[i] = block.groups(ahead[i]);
    }
    let whole = groups[0].len();
    let (whole_mean, tail_mean) = block.mean.split_at(whole);
    let (whole_weight, tail_weight) = block.weight.split_at(whole * block.columns);

    let mut sums = [[Lanes::ZERO; COLUMNS]; N];
    for part in 0..V::PARTS {
        let mut partial = [[V::splat(isa, 0.0); COLUMNS]; N];
        let mut bytes = [&[0; LANES]; N];
        let weights = whole_weight.chunks_exact(block.columns);
        for (group, (mean, weight)) in whole_mean.iter().zip(weights).enumerate() {
            for i in 0..N {
                bytes[i] = &groups[i][group];
                if group % GROUPS_A_LINE == 0 && group < groups_ahead[i].len() {
                    V::prefetch(isa, &groups_ahead[i][group][0]);
                }
            }
            accumulate::<V, N, COLUMNS>(isa, part, &mut partial, bytes, mean, &weight[first..]);
        }
        if let [mean] = tail_mean {
            let tails = images.map(tail);
            for i in 0..N {
                bytes[i] = &tails[i];
            }
            accumulate::<V, N, COLUMNS>(isa, part, &mut partial, bytes, mean, &tail_weight[first..]);
        }
        for i in 0..N {
            for c in 0..COLUMNS {
                partial[i][c].store(&mut sums[i][c], part);
            }
        }
    }
    sums
}

/// `sums += (x - mean) * weight`, for one group of features.
#[inline(always)]
fn accumulate<V: Vector, const N: usize, const COLUMNS: usize>(
    isa: V::Isa,
    part: usize,
    sums: &mut [[V; COLUMNS]; N],
    bytes: [&[u8; LANES]; N],
    mean: &Lanes,
    weight: &[Lanes],
) {
    let mean = V::load(isa, mean, part);
    let mut x = [mean; N];
    for i in 0..N {
        x[i] = V::bytes(isa, bytes[i], part) - mean;
    }
    let weight: &[Lanes; COLUMNS] = weight.first_chunk().expect("a tile of columns");
    for c in 0..COLUMNS {
        let weight = V::load(isa, &weight[c], part);
        for i in 0..N {
            sums[i][c] = x[i].mul_add(weight, sums[i][c]);
        }
    }
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
