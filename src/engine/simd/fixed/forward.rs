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
    let mut pairs = [[Lanes::ZERO; LANES / IMAGES]; WIDEST];
    let groups = images.chunks(LANES).zip(logits.chunks_exact_mut(block.columns));
    for (group, (images, logits)) in groups.enumerate() {
        let ahead = ahead.chunks(LANES).nth(group).unwrap_or_default();
        for (first, width) in tiles(block.columns, D::TILE) {
            let tile = Tile { block, weights, first };
            let ahead = if first == 0 { ahead } else { &[] };
            with_width!(width, columns::<D>(isa, tile, images, ahead, &mut pairs, logits));
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
    pairs: &mut [[Lanes; LANES / IMAGES]; WIDEST],
    logits: &mut [Lanes],
) {
    let pairs: &mut [_; COLUMNS] = pairs.first_chunk_mut().expect("a tile of columns");
    let (whole, last) = images.as_chunks::<IMAGES>();
    let ahead = ahead.as_chunks::<IMAGES>().0;
    for (index, images) in whole.iter().enumerate() {
        let next = whole.get(index + 1).unwrap_or(images);
        match ahead.get(index) {
            Some(ahead) => products::<D, IMAGES, COLUMNS, true>(isa, tile, images, [next, ahead], index, pairs),
            None => products::<D, IMAGES, COLUMNS, false>(isa, tile, images, [next; 2], index, pairs),
        }
    }
    if let [image] = last {
        products::<D, 1, COLUMNS, false>(isa, tile, &[image], [&[image]; 2], whole.len(), pairs);
    }
    add::<D, COLUMNS>(isa, tile, pairs, logits);
}

/// The block's whole lines in `image`.
#[inline(always)]
fn lines<'i>(block: &Block, image: &'i [u8]) -> &'i [[u8; LINE]] {
    let lines = &image.as_chunks::<LINE>().0[block.first * LANES / LINE..];
    &lines[..lines.len().min(block.mean.len() * LANES / LINE)]
}

/// The sums of one tile, lane by lane; halved, they go to pair `index` of the eight of each column. Meanwhile it asks for the next images of the
/// batch, and with `AHEAD` for images of the next.
#[inline(always)]
fn products<D: Dot, const N: usize, const COLUMNS: usize, const AHEAD: bool>(
    isa: D::Isa,
    Tile { block, weights, first }: Tile,
    images: &[&[u8]; N],
    [next, ahead]: [&[&[u8]; N]; 2],
    index: usize,
    pairs: &mut [[Lanes; LANES / IMAGES]; COLUMNS],
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
        for (c, pairs) in pairs.iter_mut().enumerate() {
            let second = if N == IMAGES { sums[N - 1][c] } else { D::zero(isa) };
            let rows = [sums[0][c], second].map(|sums| sums.to_floats(isa));
            D::Floats::halve(D::floats(isa), rows, part, &mut pairs[index]);
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
    pairs: &[[Lanes; LANES / IMAGES]; COLUMNS],
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
