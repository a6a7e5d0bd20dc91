//! `partial logits [B, C] <- (pixels - mean) [B, block] . weight^T [block, C]`, for one block of features.
//!
//! A tile is two images by up to five columns: their sums, of exact products of bytes with 16-bit weights, stay in
//! registers while a block of features passes.

use super::super::forward::Block;
use super::super::layout::{tiles, with_width};
use super::super::vector::{LANES, Lanes, Vector};
use super::dot::{Dot, LINE, Numbers};
use super::{Weights, tail};

/// Images of a tile.
const IMAGES: usize = 2;

/// Adds the block's share of the logits of `images` to `logits`, `[groups of 16 images][C]`. Of each of `ahead`
/// it prefetches the same features.
#[inline(always)]
pub(super) fn forward<D: Dot>(
    isa: D::Isa,
    block: Block,
    weights: &Weights,
    images: &[&[u8]],
    ahead: &[&[u8]],
    logits: &mut [Lanes],
) {
    for (first, width) in tiles(block.columns, D::TILE) {
        let ahead = if first == 0 { ahead } else { &[] };
        with_width!(width, columns::<D>(isa, block, weights, images, ahead, first, logits));
    }
}

/// The columns of one tile, for all images.
#[inline(always)]
fn columns<D: Dot, const COLUMNS: usize>(
    isa: D::Isa,
    block: Block,
    weights: &Weights,
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
            let ahead = ahead.next().map_or(pair, |ahead| ahead.first_chunk().expect("a pair"));
            let sums = tile::<D, IMAGES, COLUMNS>(isa, block, weights, pair, ahead, first);
            add::<D, IMAGES, COLUMNS>(isa, weights, first, &sums, IMAGES * index, logits);
        }
        if let [image] = last {
            let sums = tile::<D, 1, COLUMNS>(isa, block, weights, &[image], &[image], first);
            add::<D, 1, COLUMNS>(isa, weights, first, &sums, images.len() - 1, logits);
        }
    }
}

/// The block's whole lines in `image`.
#[inline(always)]
fn lines<'i>(block: &Block, image: &'i [u8]) -> &'i [[u8; LINE]] {
    let lines = &image.as_chunks::<LINE>().0[block.first * LANES / LINE..];
    &lines[..lines.len().min(block.mean.len() * LANES / LINE)]
}

/// The sums of one tile, lane by lane.
#[inline(always)]
fn tile<D: Dot, const N: usize, const COLUMNS: usize>(
    isa: D::Isa,
    block: Block,
    weights: &Weights,
    images: &[&[u8]; N],
    ahead: &[&[u8]; N],
    first: usize,
) -> [[Lanes; COLUMNS]; N] {
    let whole = lines(&block, images[0]).len();
    let (mut pixels, mut pixels_ahead) = ([&[][..]; N], [&[][..]; N]);
    for i in 0..N {
        pixels[i] = &lines(&block, images[i])[..whole];
        pixels_ahead[i] = &lines(&block, ahead[i])[..whole];
    }
    let numbers = weights.numbers.chunks_exact(block.columns).map(|line| {
        let line: &[_; COLUMNS] = line[first..].first_chunk().expect("a tile of columns");
        line
    });

    let mut lanes = [[Lanes::ZERO; COLUMNS]; N];
    for part in 0..D::PARTS {
        let mut sums = [[D::zero(isa); COLUMNS]; N];
        let mut numbers = numbers.clone();
        for line in 0..whole {
            let Some(numbers) = numbers.next() else { break };
            for i in 0..N {
                D::Floats::prefetch(D::floats(isa), &pixels_ahead[i][line][0]);
            }
            let mut bytes = [D::pixels(isa, &pixels[0][line], part); N];
            for i in 1..N {
                bytes[i] = D::pixels(isa, &pixels[i][line], part);
            }
            accumulate::<D, N, COLUMNS>(isa, part, &mut sums, bytes, numbers);
        }
        if let Some(numbers) = numbers.next() {
            let mut bytes = [D::pixels(isa, &tail(images[0]), part); N];
            for i in 1..N {
                bytes[i] = D::pixels(isa, &tail(images[i]), part);
            }
            accumulate::<D, N, COLUMNS>(isa, part, &mut sums, bytes, numbers);
        }
        for (lanes, sum) in lanes.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
            sum.store(lanes, part);
        }
    }
    lanes
}

/// `sums += pixels . numbers`, for one line of features.
#[inline(always)]
fn accumulate<D: Dot, const N: usize, const COLUMNS: usize>(
    isa: D::Isa,
    part: usize,
    sums: &mut [[D; COLUMNS]; N],
    pixels: [D::Pixels; N],
    numbers: &[Numbers; COLUMNS],
) {
    for (c, numbers) in numbers.iter().enumerate() {
        let factors = D::factors(isa, numbers, part);
        for (sums, pixels) in sums.iter_mut().zip(pixels) {
            sums[c] = sums[c].add(pixels, factors);
        }
    }
}

/// Adds up the lanes of each sum, four sums at a time, scales the totals, and adds them to the logits of image `lane`
/// and the one behind it.
#[inline(always)]
fn add<D: Dot, const N: usize, const COLUMNS: usize>(
    isa: D::Isa,
    weights: &Weights,
    first: usize,
    sums: &[[Lanes; COLUMNS]; N],
    lane: usize,
    logits: &mut [Lanes; COLUMNS],
) {
    let floats = D::floats(isa);
    let scales: &[_; COLUMNS] = weights.scales[first..].first_chunk().expect("a tile of columns");
    let offsets: &[f32; COLUMNS] = weights.offsets[first..].first_chunk().expect("a tile of columns");
    for c in (0..COLUMNS).step_by(2) {
        let next = (c + 1).min(COLUMNS - 1);
        let totals =
            D::Floats::sums(floats, [&sums[0][c], &sums[N - 1][c], &sums[0][next], &sums[N - 1][next]]);
        for (column, totals) in (c..=next).zip(totals.as_chunks::<2>().0) {
            for (logit, total) in logits[column].0[lane..lane + N].iter_mut().zip(totals) {
                *logit += (total + offsets[column]) * scales[column].factor;
            }
        }
    }
}
