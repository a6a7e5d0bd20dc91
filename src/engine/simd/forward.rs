//! `partial logits [B, C] <- (x - mean) [B, block] . weight^T [block, C]`, for one block of features.
//!
//! A tile is two images by up to ten columns: twenty sums, each of sixteen lanes along the features, stay in
//! registers while a block of features passes. Pixels become numbers in registers, and the mean is subtracted
//! there, on the adders beside the multiply-add units.
//!
//! When a tile is done, the lanes of its sums that are 8 apart are added, two images in one register. What is left is
//! added up for sixteen images together, a column at a time. So few sums wait in the first-level cache (5 KB) that
//! weights and pixels keep their place there.
//!
//! Each line of the tile's features is preceded by a prefetch of that line in the images to come. Without it, the lab's
//! run 2 takes 0.31 s instead of 0.25 on two threads; which cache it names makes no difference. It must not depend on a
//! condition: with one in the loop, AVX2's sums do not stay in registers, which halves its speed.

use std::array;

use super::images::Images;
use super::layout::{BLOCK, row, tail, tiles, with_width};
use super::vector::{LANES, Lanes, Vector};

/// Images of a tile.
const IMAGES: usize = 2;
/// How many images before their turn images are asked for: some 900 ns with two threads, and half of that in fixed point,
/// where 8 are too few; with 32 and more, both passes find less of what they work on in the caches.
pub(super) const AHEAD: usize = LANES;
/// Groups of sixteen pixels in a cache line.
const GROUPS_A_LINE: usize = 4;

/// A block of features, and the weights on it.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    /// The block's first group.
    pub(super) first: usize,
    /// `[groups]`: the mean pixel of each feature.
    pub(super) mean: &'a [Lanes],
    /// `[groups][row(C)]`.
    pub(super) weight: &'a [Lanes],
    /// C.
    pub(super) columns: usize,
}

impl<'a> Block<'a> {
    /// The tile of columns from `first` on.
    #[inline(always)]
    fn tile<const COLUMNS: usize>(self, first: usize) -> Tile<'a, COLUMNS> {
        let last = self.mean.len() - 1;
        let weights = array::from_fn(|group| {
            let row = &self.weight[group.min(last) * row(self.columns)..][first..];
            row.first_chunk().expect("a tile of columns")
        });
        Tile { first: self.first, mean: self.mean, weights }
    }
}

/// A block of features by a tile of its columns. The weights on each group are found once for all images, so that
/// the loop over groups has no bounds to check.
struct Tile<'a, const COLUMNS: usize> {
    /// The block's first group.
    first: usize,
    /// `[groups]`: the mean pixel of each feature.
    mean: &'a [Lanes],
    /// The weights on each group; behind the last one, that one's again.
    weights: [&'a [Lanes; COLUMNS]; BLOCK],
}

impl<const COLUMNS: usize> Tile<'_, COLUMNS> {
    /// The block's whole groups in `image`.
    #[inline(always)]
    fn groups<'i>(&self, image: &'i [u8]) -> &'i [[u8; LANES]] {
        let groups = &image.as_chunks::<LANES>().0[self.first..];
        &groups[..groups.len().min(self.mean.len())]
    }

    /// Those of them that fill cache lines.
    #[inline(always)]
    fn lines<'i>(&self, image: &'i [u8]) -> &'i [Line] {
        self.groups(image).as_chunks().0
    }
}

/// The pixels of a cache line, in groups.
type Line = [[u8; LANES]; GROUPS_A_LINE];

/// Adds the block's share of the logits of `images` to `logits`, `[groups of 16 images][C]`. Of each of `ahead`
/// it prefetches the same features.
#[inline(always)]
pub(super) fn forward<V: Vector>(
    isa: V::Isa,
    block: Block,
    images: Images,
    ahead: Images,
    logits: &mut [Lanes],
) {
    for (first, width) in tiles(block.columns, V::TILE) {
        let ahead = if first == 0 { ahead } else { Images::NONE };
        with_width!(width, columns::<V>(isa, block, images, ahead, first, logits));
    }
}

/// The columns of one tile, for all images.
#[inline(always)]
fn columns<V: Vector, const COLUMNS: usize>(
    isa: V::Isa,
    block: Block,
    images: Images,
    ahead: Images,
    first: usize,
    logits: &mut [Lanes],
) {
    let tile = block.tile::<COLUMNS>(first);
    let mut pairs = [[Lanes::ZERO; LANES / IMAGES]; COLUMNS];
    let groups = images.chunks(LANES).zip(logits.chunks_exact_mut(block.columns));
    for (group, (images, logits)) in groups.enumerate() {
        let ahead = ahead.slice(LANES * group..LANES * (group + 1));
        if images.len() < LANES {
            pairs.as_flattened_mut().fill(Lanes::ZERO);
        }
        let mut done = 0;
        while let Some(here) = images.tile::<IMAGES>(done) {
            // Where nothing follows, what is here is asked for again: that costs less than to ask whether to.
            let ahead = ahead.tile(done).unwrap_or(here);
            accumulate_tile::<V, IMAGES, COLUMNS>(isa, &tile, here, ahead, done / IMAGES, &mut pairs);
            done += IMAGES;
        }
        if let Some(last) = images.tile::<1>(done) {
            accumulate_tile::<V, 1, COLUMNS>(isa, &tile, last, last, done / IMAGES, &mut pairs);
        }
        for (logit, pairs) in logits[first..].iter_mut().zip(&pairs) {
            for part in 0..V::PARTS {
                (V::load(isa, logit, part) + V::sums(isa, pairs, part)).store(logit, part);
            }
        }
    }
}

/// The sums of one tile, lane by lane; halved, they go to pair `index` of the eight of each column.
#[inline(always)]
fn accumulate_tile<V: Vector, const N: usize, const COLUMNS: usize>(
    isa: V::Isa,
    tile: &Tile<COLUMNS>,
    images: [&[u8]; N],
    ahead: [&[u8]; N],
    index: usize,
    pairs: &mut [[Lanes; LANES / IMAGES]; COLUMNS],
) {
    // Slices of one length, so that one comparison serves for all.
    let lines = tile.lines(images[0]).len();
    let means = &tile.mean.as_chunks::<GROUPS_A_LINE>().0[..lines];
    let weights = &tile.weights.as_chunks::<GROUPS_A_LINE>().0[..lines];
    let (mut here, mut next) = ([&[][..]; N], [&[][..]; N]);
    for i in 0..N {
        here[i] = &tile.lines(images[i])[..lines];
        next[i] = &tile.lines(ahead[i])[..lines];
    }

    for part in 0..V::PARTS {
        let mut sums = [[V::splat(isa, 0.0); COLUMNS]; N];
        for line in 0..lines {
            for next in next {
                V::prefetch(isa, &next[line][0][0]);
            }
            for group in 0..GROUPS_A_LINE {
                let bytes = at(&here, line, group);
                accumulate(isa, part, &mut sums, bytes, &means[line][group], weights[line][group]);
            }
        }
        for group in GROUPS_A_LINE * lines..tile.mean.len() {
            let mut bytes = [[0; LANES]; N];
            for (bytes, image) in bytes.iter_mut().zip(images) {
                *bytes = tile.groups(image).get(group).copied().unwrap_or_else(|| tail(image));
            }
            accumulate(isa, part, &mut sums, bytes.each_ref(), &tile.mean[group], tile.weights[group]);
        }
        for (c, pairs) in pairs.iter_mut().enumerate() {
            let second = if N == IMAGES { sums[N - 1][c] } else { V::splat(isa, 0.0) };
            V::halve(isa, [sums[0][c], second], part, &mut pairs[index]);
        }
    }
}

/// Group `group` of line `line` of each image.
#[inline(always)]
fn at<'a, const N: usize>(images: &[&'a [Line]; N], line: usize, group: usize) -> [&'a [u8; LANES]; N] {
    let mut groups = [&[0; LANES]; N];
    for (bytes, image) in groups.iter_mut().zip(images) {
        *bytes = &image[line][group];
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
    mean: &Lanes,
    weights: &[Lanes; COLUMNS],
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
