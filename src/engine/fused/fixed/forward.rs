//! `partial logits [B, C] <- (pixels - mean) [B, block] . weight^T [block, C]`, for one block of features.
//!
//! A tile is four images by five columns (two by five with AVX2). Its sums, of exact products of bytes with 16-bit
//! weights, stay in registers during two passes over the features of the block.

use std::array;

use super::dot::{Dot, GROUPS, LINE, Numbers, PASSES, tail};
use super::outliers;
use super::quantize::Weights;
use crate::engine::fused::gathered::Images;
use crate::engine::fused::isa::vector::{LANES, Lanes, Vector};
use crate::engine::fused::kernels::forward::Block;
use crate::engine::fused::layout::{BLOCK, row, tiles, with_width};

/// Columns of the widest tile.
const WIDEST: usize = 5;

/// The sums of sixteen images of a column, halved in pairs.
type Pairs = [Lanes; LANES / 2];

/// Adds the partial logits of `images` to `logits`, `[groups of 16 images][C]`. Meanwhile it prefetches the same
/// features of `ahead`.
#[inline(always)]
pub(super) fn forward<D: Dot>(
    isa: D::Isa,
    block: Block,
    weights: &Weights,
    images: Images,
    ahead: Images,
    logits: &mut [Lanes],
) {
    if block.outliers.is_empty() {
        return shared::<D>(isa, block, weights, images, ahead, logits);
    }
    // The sum of the block before it is added: the bits do not depend on which other blocks are added to the same logits.
    let mut partial = vec![Lanes::ZERO; logits.len()];
    shared::<D>(isa, block, weights, images, ahead, &mut partial);
    outliers::add::<D>(isa, block, &weights.apart, images, &mut partial);
    for (logit, partial) in logits.iter_mut().zip(&partial) {
        logit.0.iter_mut().zip(partial.0).for_each(|(logit, partial)| *logit += partial);
    }
}

/// The same of the features that share a scale.
#[inline(always)]
fn shared<D: Dot>(
    isa: D::Isa,
    block: Block,
    weights: &Weights,
    images: Images,
    ahead: Images,
    logits: &mut [Lanes],
) {
    let mut pairs = [[Lanes::ZERO; LANES / 2]; WIDEST];
    let groups = images.chunks(LANES).zip(logits.chunks_exact_mut(block.columns));
    for (group, (images, logits)) in groups.enumerate() {
        let ahead = ahead.slice(LANES * group..LANES * (group + 1));
        for (first, width) in tiles(block.columns, D::TILE) {
            // Every tile prefetches: before the second one begins, the first-level cache may have evicted the pixels.
            with_width!(width, columns::<D>(isa, block, weights, first, (images, ahead), &mut pairs, logits));
        }
    }
}

/// A block of features by a tile of its columns.
struct Tile<'a, const COLUMNS: usize> {
    block: Block<'a>,
    /// The weights of each line; after the last line, its weights again.
    numbers: [&'a [Numbers; COLUMNS]; BLOCK / GROUPS],
}

impl<'a, const COLUMNS: usize> Tile<'a, COLUMNS> {
    /// The tile of columns from `first` on.
    #[inline(always)]
    fn new(block: Block<'a>, weights: &'a Weights, first: usize) -> Self {
        let row = row(block.columns);
        let last = weights.numbers.len() / row - 1;
        let numbers = array::from_fn(|line| {
            let numbers = &weights.numbers[line.min(last) * row..][first..];
            numbers.first_chunk().expect("a tile of columns")
        });
        Self { block, numbers }
    }

    /// The lines of the block that `image` has in full.
    #[inline(always)]
    fn lines<'i>(&self, image: &'i [u8]) -> &'i [[u8; LINE]] {
        let lines = &image.as_chunks::<LINE>().0[self.block.first * LANES / LINE..];
        &lines[..lines.len().min(self.block.mean.len() * LANES / LINE)]
    }
}

/// The columns of one tile, for up to sixteen images.
#[inline(always)]
fn columns<D: Dot, const COLUMNS: usize>(
    isa: D::Isa,
    block: Block,
    weights: &Weights,
    first: usize,
    images: (Images, Images),
    pairs: &mut [Pairs; WIDEST],
    logits: &mut [Lanes],
) {
    let tile = Tile::new(block, weights, first);
    let pairs: &mut [_; COLUMNS] = pairs.first_chunk_mut().expect("a tile of columns");
    let mut done = 0;
    if D::ROWS == 4 {
        done = rows::<D, 4, COLUMNS>(isa, &tile, images, done, pairs);
    }
    done = rows::<D, 2, COLUMNS>(isa, &tile, images, done, pairs);
    rows::<D, 1, COLUMNS>(isa, &tile, images, done, pairs);
    add::<D, COLUMNS>(isa, weights, first, pairs, logits);
}

/// The columns of one tile, for the images from `done` on, N at a time. Returns how many images are then done.
#[inline(always)]
fn rows<D: Dot, const N: usize, const COLUMNS: usize>(
    isa: D::Isa,
    tile: &Tile<COLUMNS>,
    (images, ahead): (Images, Images),
    mut done: usize,
    pairs: &mut [Pairs; COLUMNS],
) -> usize {
    while let Some(here) = images.tile::<N>(done) {
        // After the last image to prefetch, this one is: that costs less than a condition.
        let ahead = ahead.tile(done).unwrap_or(here);
        products::<D, N, COLUMNS>(isa, tile, here, ahead, done / 2, pairs);
        done += N;
    }
    done
}

/// The sums of one tile, lane by lane. Halved, they go to the pairs from `pair` on of each column. Meanwhile it
/// prefetches `ahead`.
#[inline(always)]
fn products<D: Dot, const N: usize, const COLUMNS: usize>(
    isa: D::Isa,
    tile: &Tile<COLUMNS>,
    images: [&[u8]; N],
    ahead: [&[u8]; N],
    pair: usize,
    pairs: &mut [Pairs; COLUMNS],
) {
    for part in 0..D::PARTS {
        let mut sums = [[D::zero(isa); COLUMNS]; N];
        pass::<D, N, COLUMNS, 0>(isa, part, tile, images, ahead, &mut sums);
        sums.as_flattened_mut().iter_mut().for_each(|sum| *sum = sum.turn());
        pass::<D, N, COLUMNS, 1>(isa, part, tile, images, ahead, &mut sums);
        for (c, pairs) in pairs.iter_mut().enumerate() {
            for i in (0..N).step_by(2) {
                let second = if i + 1 < N { sums[i + 1][c] } else { D::zero(isa) };
                let rows = [sums[i][c].to_floats(isa), second.to_floats(isa)];
                D::Floats::halve(D::floats(isa), rows, part, &mut pairs[pair + i / 2]);
            }
        }
    }
}

/// A pass over all lines of a tile. Each pass prefetches half of the images `ahead`: all at once would delay its own
/// reads.
#[inline(always)]
fn pass<D: Dot, const N: usize, const COLUMNS: usize, const PASS: usize>(
    isa: D::Isa,
    part: usize,
    tile: &Tile<COLUMNS>,
    images: [&[u8]; N],
    ahead: [&[u8]; N],
    sums: &mut [[D; COLUMNS]; N],
) {
    // Slices of equal length, so that one bounds check serves for all.
    let whole = tile.lines(images[0]).len();
    let numbers = &tile.numbers[..whole];
    let mut pixels = [[&[][..]; N]; 2];
    for i in 0..N {
        pixels[0][i] = &tile.lines(images[i])[..whole];
        pixels[1][i] = &tile.lines(ahead[i])[..whole];
    }
    let [pixels, ahead] = pixels;
    for line in 0..whole {
        let mut bytes = [&pixels[0][line]; N];
        for i in 0..N {
            bytes[i] = &pixels[i][line];
        }
        for i in (PASS..N).step_by(PASSES) {
            D::Floats::prefetch(D::floats(isa), &ahead[i][line][0]);
        }
        accumulate::<D, N, COLUMNS, PASS>(isa, part, sums, bytes, numbers[line]);
    }
    if tile.block.mean.len() / GROUPS > whole {
        let mut tails = [[0; LINE]; N];
        for (tails, image) in tails.iter_mut().zip(images) {
            *tails = tail(image);
        }
        accumulate::<D, N, COLUMNS, PASS>(isa, part, sums, tails.each_ref(), tile.numbers[whole]);
    }
}

/// `sums += pixels . numbers`, for one line of features.
#[inline(always)]
fn accumulate<D: Dot, const N: usize, const COLUMNS: usize, const PASS: usize>(
    isa: D::Isa,
    part: usize,
    sums: &mut [[D; COLUMNS]; N],
    bytes: [&[u8; LINE]; N],
    numbers: &[Numbers; COLUMNS],
) {
    let mut pixels = [D::pixels(isa, bytes[0], part, PASS); N];
    for i in 1..N {
        pixels[i] = D::pixels(isa, bytes[i], part, PASS);
    }
    for (c, numbers) in numbers.iter().enumerate() {
        let factors = D::factors(isa, &numbers[PASS], part);
        for (sums, pixels) in sums.iter_mut().zip(pixels) {
            sums[c] = sums[c].add(pixels, factors);
        }
    }
}

/// Adds the lanes of the sums of sixteen images, scales the totals, and adds them to the logits. The results after the
/// last image have no meaning.
#[inline(always)]
fn add<D: Dot, const COLUMNS: usize>(
    isa: D::Isa,
    weights: &Weights,
    first: usize,
    pairs: &[Pairs; COLUMNS],
    logits: &mut [Lanes],
) {
    let floats = D::floats(isa);
    let splat = |value| D::Floats::splat(floats, value);
    let of_columns = weights.scales[first..].iter().zip(&weights.offsets[first..]);
    for ((logit, pairs), (scale, &offset)) in logits[first..].iter_mut().zip(pairs).zip(of_columns) {
        for part in 0..D::Floats::PARTS {
            let difference = D::Floats::sums(floats, pairs, part) + splat(offset);
            let before = D::Floats::load(floats, logit, part);
            difference.mul_add(splat(scale.factor), before).store(logit, part);
        }
    }
}
