//! `partial logits [B, C] <- (x - mean) [B, block] . weight^T [block, C]`, for one block of features.
//!
//! A tile is two images by up to ten columns: twenty sums, each of sixteen lanes along the features, stay in
//! registers while a block of features passes. Pixels become numbers in registers, and the mean is subtracted
//! there, on the adders beside the multiply-add units.
//!
//! Each line of the tile's features is preceded by a prefetch of that line in the images to come. Without it, one
//! thread takes 0.92 s instead of 0.54 s for the lab's run 2; which cache it names makes no difference (2 cores, AMD
//! Zen 5). It must not depend on a condition: with one in the loop, AVX2's sums do not stay in registers, and a
//! batch in the caches is evaluated at 44 instead of 94 GFLOP/s.

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

impl<'a> Block<'a> {
    /// The block's whole groups in `image`.
    #[inline(always)]
    fn groups<'i>(&self, image: &'i [u8]) -> &'i [[u8; LANES]] {
        let groups = &image.as_chunks::<LANES>().0[self.first..];
        &groups[..groups.len().min(self.mean.len())]
    }

    /// One group's means, and the weights on it of the tile's columns, from `first` on.
    #[inline(always)]
    fn group<const COLUMNS: usize>(&self, group: usize, first: usize) -> (&'a Lanes, &'a [Lanes; COLUMNS]) {
        let weights = &self.weight[group * self.columns + first..];
        (&self.mean[group], weights.first_chunk().expect("a tile of columns"))
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
    let mut ahead = ahead.chunks_exact(IMAGES);
    for (images, logits) in images.chunks(LANES).zip(logits.chunks_exact_mut(block.columns)) {
        let logits: &mut [Lanes; COLUMNS] = logits[first..].first_chunk_mut().expect("a tile of columns");
        let (pairs, last) = images.as_chunks::<IMAGES>();
        for (index, pair) in pairs.iter().enumerate() {
            // Where nothing follows, what is here is asked for again: that costs less than to ask whether to.
            let ahead = ahead.next().map_or(pair, |ahead| ahead.first_chunk().expect("a pair"));
            let sums = tile::<V, IMAGES, COLUMNS>(isa, block, pair, ahead, first);
            add::<V, IMAGES, COLUMNS>(isa, &sums, IMAGES * index, logits);
        }
        if let [image] = last {
            let sums = tile::<V, 1, COLUMNS>(isa, block, &[image], &[image], first);
            add::<V, 1, COLUMNS>(isa, &sums, images.len() - 1, logits);
        }
    }
}

/// The sums of one tile, lane by lane.
#[inline(always)]
fn tile<V: Vector, const N: usize, const COLUMNS: usize>(
    isa: V::Isa,
    block: Block,
    images: &[&[u8]; N],
    ahead: &[&[u8]; N],
    first: usize,
) -> [[Lanes; COLUMNS]; N] {
    let whole = block.groups(images[0]).len();
    let (mut groups, mut groups_ahead) = ([&[][..]; N], [&[][..]; N]);
    for i in 0..N {
        groups[i] = &block.groups(images[i])[..whole];
        groups_ahead[i] = &block.groups(ahead[i])[..whole];
    }
    let in_lines = whole / GROUPS_A_LINE * GROUPS_A_LINE;

    let mut lanes = [[Lanes::ZERO; COLUMNS]; N];
    for part in 0..V::PARTS {
        let mut sums = [[V::splat(isa, 0.0); COLUMNS]; N];
        for line in (0..in_lines).step_by(GROUPS_A_LINE) {
            for groups in groups_ahead {
                V::prefetch(isa, &groups[line][0]);
            }
            for group in line..line + GROUPS_A_LINE {
                accumulate(isa, part, &mut sums, at(&groups, group), block.group(group, first));
            }
        }
        for group in in_lines..whole {
            accumulate(isa, part, &mut sums, at(&groups, group), block.group(group, first));
        }
        if whole < block.mean.len() {
            let tails = images.map(tail);
            accumulate(isa, part, &mut sums, tails.each_ref(), block.group(whole, first));
        }
        for (lanes, sum) in lanes.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
            sum.store(lanes, part);
        }
    }
    lanes
}

/// Group `group` of each image.
#[inline(always)]
fn at<'a, const N: usize>(images: &[&'a [[u8; LANES]]; N], group: usize) -> [&'a [u8; LANES]; N] {
    let mut groups = [&[0; LANES]; N];
    for (bytes, image) in groups.iter_mut().zip(images) {
        *bytes = &image[group];
    }
    groups
}

/// `sums += (x - mean) * weight`, for one group of features.
#[inline(always)]
fn accumulate<V: Vector, const N: usize, const COLUMNS: usize>(
    isa: V::Isa,
    part: usize,
    sums: &mut [[V; COLUMNS]; N],
    bytes: [&[u8; LANES]; N],
    (mean, weights): (&Lanes, &[Lanes; COLUMNS]),
) {
    let mean = V::load(isa, mean, part);
    let mut x = [mean; N];
    for (x, bytes) in x.iter_mut().zip(bytes) {
        *x = V::bytes(isa, bytes, part) - mean;
    }
    for (c, weight) in weights.iter().enumerate() {
        let weight = V::load(isa, weight, part);
        for (sums, x) in sums.iter_mut().zip(x) {
            sums[c] = x.mul_add(weight, sums[c]);
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
            for (logit, total) in logits[column].0[lane..lane + N].iter_mut().zip(totals) {
                *logit += total;
            }
        }
    }
}
