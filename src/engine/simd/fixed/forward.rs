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
/// Columns of the widest tile.
const WIDEST: usize = 5;

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
    let mut sums = [[Lanes::ZERO; LANES]; WIDEST];
    let groups = images.chunks(LANES).zip(logits.chunks_exact_mut(block.columns));
    for (group, (images, logits)) in groups.enumerate() {
        let ahead = ahead.chunks(LANES).nth(group).unwrap_or_default();
        for (first, width) in tiles(block.columns, D::TILE) {
            let tile = Tile { block, weights, first };
            let ahead = if first == 0 { ahead } else { &[] };
            with_width!(width, columns::<D>(isa, tile, images, ahead, &mut sums, logits));
        }
    }
}

/// A tile's columns in a block.
#[derive(Clone, Copy)]
struct Tile<'a> {
    block: Block<'a>,
    weights: &'a Weights,
    /// The first column.
    first: usize,
}

/// The columns of one tile, for up to sixteen images.
#[inline(always)]
fn columns<D: Dot, const COLUMNS: usize>(
    isa: D::Isa,
    tile: Tile,
    images: &[&[u8]],
    ahead: &[&[u8]],
    sums: &mut [[Lanes; LANES]; WIDEST],
    logits: &mut [Lanes],
) {
    let sums: &mut [_; COLUMNS] = sums.first_chunk_mut().expect("a tile of columns");
    let (pairs, last) = images.as_chunks::<IMAGES>();
    let ahead = ahead.as_chunks::<IMAGES>().0;
    for (index, pair) in pairs.iter().enumerate() {
        let next = pairs.get(index + 1).unwrap_or(pair);
        let image = IMAGES * index;
        match ahead.get(index) {
            Some(ahead) => products::<D, IMAGES, COLUMNS, true>(isa, tile, pair, [next, ahead], image, sums),
            None => products::<D, IMAGES, COLUMNS, false>(isa, tile, pair, [next; 2], image, sums),
        }
    }
    if let [image] = last {
        let last = images.len() - 1;
        products::<D, 1, COLUMNS, false>(isa, tile, &[image], [&[image]; 2], last, sums);
    }
    add::<D, COLUMNS>(isa, tile, sums, logits);
}

/// The block's whole lines in `image`.
#[inline(always)]
fn lines<'i>(block: &Block, image: &'i [u8]) -> &'i [[u8; LINE]] {
    let lines = &image.as_chunks::<LINE>().0[block.first * LANES / LINE..];
    &lines[..lines.len().min(block.mean.len() * LANES / LINE)]
}

/// The sums of one tile for the images from `image` on, lane by lane. Meanwhile it asks for the next images of the
/// batch, and with `AHEAD` for images of the next.
#[inline(always)]
fn products<D: Dot, const N: usize, const COLUMNS: usize, const AHEAD: bool>(
    isa: D::Isa,
    Tile { block, weights, first }: Tile,
    images: &[&[u8]; N],
    [next, ahead]: [&[&[u8]; N]; 2],
    image: usize,
    to: &mut [[Lanes; LANES]; COLUMNS],
) {
    let whole = lines(&block, images[0]).len();
    let mut pixels = [[&[][..]; N]; 3];
    for i in 0..N {
        for (pixels, images) in pixels.iter_mut().zip([images, next, ahead]) {
            pixels[i] = &lines(&block, images[i])[..whole];
        }
    }
    let [pixels, next, ahead] = pixels;
    let numbers = weights.numbers.chunks_exact(block.columns).map(|line| {
        let line: &[_; COLUMNS] = line[first..].first_chunk().expect("a tile of columns");
        line
    });

    for part in 0..D::PARTS {
        let mut sums = [[D::zero(isa); COLUMNS]; N];
        let mut numbers = numbers.clone();
        for line in 0..whole {
            let Some(numbers) = numbers.next() else { break };
            for i in 0..N {
                D::prefetch(isa, &next[i][line][0]);
                if AHEAD {
                    D::Floats::prefetch(D::floats(isa), &ahead[i][line][0]);
                }
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
        for (i, sums) in sums.iter().enumerate() {
            for (to, sum) in to.iter_mut().zip(sums) {
                sum.store(&mut to[image + i], part);
            }
        }
    }
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

/// Adds up the lanes of the sums of sixteen images, scales the totals, and adds them to the logits. What lies behind
/// the last image means nothing.
#[inline(always)]
fn add<D: Dot, const COLUMNS: usize>(
    isa: D::Isa,
    Tile { weights, first, .. }: Tile,
    sums: &[[Lanes; LANES]; COLUMNS],
    logits: &mut [Lanes],
) {
    let floats = D::floats(isa);
    let splat = |value| D::Floats::splat(floats, value);
    let of_columns = weights.scales[first..].iter().zip(&weights.offsets[first..]);
    for ((logit, sums), (scale, &offset)) in logits[first..].iter_mut().zip(sums).zip(of_columns) {
        for part in 0..D::Floats::PARTS {
            let difference = D::Floats::sums(floats, sums, part) + splat(offset);
            let before = D::Floats::load(floats, logit, part);
            difference.mul_add(splat(scale.factor), before).store(logit, part);
        }
    }
}
