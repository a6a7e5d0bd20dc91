//! `partial logits [B, C] <- (x - mean) [B, block] . weight^T [block, C]`, for one block of features.
//!
//! A tile is two images by up to ten columns. Its twenty sums, each of sixteen lanes along the features, stay in
//! registers during the loop over the features of the block. Pixels are converted to f32 in registers, and the mean is
//! subtracted there, on the adders beside the multiply-add units.
//!
//! At the end of a tile, the lanes of its sums that are 8 apart are added, two images in one register. The rest of the
//! sum is done for sixteen images together, a column at a time. The sums that wait for it take only 5 KB of the
//! first-level cache, so that weights and pixels stay there.
//!
//! Before it reads a cache line of an image, a tile prefetches the same line of a later image. Without it, the lab's
//! run 2 takes 0.31 s instead of 0.25 on two threads. It must be unconditional: with a condition in the loop, the sums of
//! AVX2 do not stay in registers, which halves the speed.

use std::array;

use crate::engine::fused::element::Number;
use crate::engine::fused::gathered::Images;
use crate::engine::fused::isa::vector::{LANES, Lanes, Vector};
use crate::engine::fused::layout::{BLOCK, Outlier, row, tail, tiles, with_width};

/// Images of a tile.
const IMAGES: usize = 2;
/// How many images ahead pixels are prefetched: about 900 ns with two threads, and half of that in fixed point, where 8
/// are too few. With 32 or more, both passes have more cache misses.
pub(crate) const AHEAD: usize = LANES;
/// Images that all tiles of columns pass over, one after the other: they stay in the second-level cache.
const CHUNK: usize = 256;
/// Groups of sixteen pixels in a cache line.
const GROUPS_A_LINE: usize = 4;

/// A block of features, and its weights.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    /// The block's first group.
    pub(crate) first: usize,
    /// `[groups]`: the mean pixel of each feature.
    pub(crate) mean: &'a [Lanes],
    /// `[groups][row(C)]`.
    pub(crate) weight: &'a [Lanes],
    /// C.
    pub(crate) columns: usize,
    /// The features that are multiplied apart, where the arithmetic has such.
    pub(crate) outliers: &'a [Outlier],
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

/// A block of features by a tile of its columns. The weights of each group are looked up once for all images, so that
/// the loop over groups has no bounds to check.
struct Tile<'a, const COLUMNS: usize> {
    /// The block's first group.
    first: usize,
    /// `[groups]`: the mean pixel of each feature.
    mean: &'a [Lanes],
    /// The weights of each group; after the last group, its weights again.
    weights: [&'a [Lanes; COLUMNS]; BLOCK],
}

impl<const COLUMNS: usize> Tile<'_, COLUMNS> {
    /// The groups of the block that `image` has in full.
    #[inline(always)]
    fn groups<'i, E>(&self, image: &'i [E]) -> &'i [[E; LANES]] {
        let groups = &image.as_chunks::<LANES>().0[self.first..];
        &groups[..groups.len().min(self.mean.len())]
    }

    /// The [`Tile::groups`] in lines.
    #[inline(always)]
    fn lines<'i, E>(&self, image: &'i [E]) -> &'i [Line<E>] {
        self.groups(image).as_chunks().0
    }
}

/// What is prefetched at a time: a cache line of pixels, or four of f32, in groups.
type Line<E> = [[E; LANES]; GROUPS_A_LINE];

/// Adds the partial logits of `images` to `logits`, `[groups of 16 images][C]`. Meanwhile it prefetches the same
/// features of `ahead`.
#[inline(always)]
pub(crate) fn forward<V: Vector, E: Number>(
    isa: V::Isa,
    block: Block,
    images: Images<E>,
    ahead: Images<E>,
    logits: &mut [Lanes],
) {
    for (chunk, logits) in logits.chunks_mut(CHUNK / LANES * block.columns).enumerate() {
        let within = CHUNK * chunk..CHUNK * (chunk + 1);
        let (images, ahead) = (images.slice(within.clone()), ahead.slice(within));
        for (first, width) in tiles(block.columns, V::TILE) {
            let ahead = if first == 0 { ahead } else { Images::NONE };
            with_width!(width, columns::<V, E>(isa, block, images, ahead, first, logits));
        }
    }
}

/// The columns of one tile, for all images.
#[inline(always)]
fn columns<V: Vector, E: Number, const COLUMNS: usize>(
    isa: V::Isa,
    block: Block,
    images: Images<E>,
    ahead: Images<E>,
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
            // After the last image to prefetch, this one is: that costs less than a condition.
            let ahead = ahead.tile(done).unwrap_or(here);
            accumulate_tile::<V, E, IMAGES, COLUMNS>(isa, &tile, here, ahead, done / IMAGES, &mut pairs);
            done += IMAGES;
        }
        if let Some(last) = images.tile::<1>(done) {
            accumulate_tile::<V, E, 1, COLUMNS>(isa, &tile, last, last, done / IMAGES, &mut pairs);
        }
        for (logit, pairs) in logits[first..].iter_mut().zip(&pairs) {
            for part in 0..V::PARTS {
                (V::load(isa, logit, part) + V::sums(isa, pairs, part)).store(logit, part);
            }
        }
    }
}

/// The sums of one tile, lane by lane. Halved, they go to pair `index` of the eight of each column.
#[inline(always)]
fn accumulate_tile<V: Vector, E: Number, const N: usize, const COLUMNS: usize>(
    isa: V::Isa,
    tile: &Tile<COLUMNS>,
    images: [&[E]; N],
    ahead: [&[E]; N],
    index: usize,
    pairs: &mut [[Lanes; LANES / IMAGES]; COLUMNS],
) {
    // Slices of equal length, so that one bounds check serves for all.
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
                E::prefetch_all::<V>(isa, &next[line]);
            }
            for group in 0..GROUPS_A_LINE {
                let numbers = at(&here, line, group);
                accumulate(isa, part, &mut sums, numbers, &means[line][group], weights[line][group]);
            }
        }
        for group in GROUPS_A_LINE * lines..tile.mean.len() {
            let mut numbers = [[E::default(); LANES]; N];
            for (numbers, image) in numbers.iter_mut().zip(images) {
                *numbers = tile.groups(image).get(group).copied().unwrap_or_else(|| tail(image));
            }
            accumulate(isa, part, &mut sums, numbers.each_ref(), &tile.mean[group], tile.weights[group]);
        }
        for (c, pairs) in pairs.iter_mut().enumerate() {
            let second = if N == IMAGES { sums[N - 1][c] } else { V::splat(isa, 0.0) };
            V::halve(isa, [sums[0][c], second], part, &mut pairs[index]);
        }
    }
}

/// Group `group` of line `line` of each image.
#[inline(always)]
fn at<'a, E: Number, const N: usize>(
    images: &[&'a [Line<E>]; N],
    line: usize,
    group: usize,
) -> [&'a [E; LANES]; N] {
    let mut groups = [&images[0][line][group]; N];
    for (numbers, image) in groups.iter_mut().zip(images) {
        *numbers = &image[line][group];
    }
    groups
}

/// `sums += (x - mean) * weight`, for one group of features.
#[inline(always)]
fn accumulate<V: Vector, E: Number, const N: usize, const COLUMNS: usize>(
    isa: V::Isa,
    part: usize,
    sums: &mut [[V; COLUMNS]; N],
    numbers: [&[E; LANES]; N],
    mean: &Lanes,
    weights: &[Lanes; COLUMNS],
) {
    let mean = V::load(isa, mean, part);
    let mut x = [mean; N];
    for (x, numbers) in x.iter_mut().zip(numbers) {
        *x = E::load::<V>(isa, numbers, part) - mean;
    }
    for (c, weight) in weights.iter().enumerate() {
        let weight = V::load(isa, weight, part);
        for (sums, x) in sums.iter_mut().zip(x) {
            sums[c] = x.mul_add(weight, sums[c]);
        }
    }
}
