//! `dweight [D, C] <- (pixels - mean)^T [D, B] . dlogits [B, C]`, and the step that it asks for.
//!
//! A line of features at a time: its bytes of four images each are interleaved, so that a feature's four lie in one
//! lane, and stay in the first-level cache while they are multiplied with the columns' dlogits. A tile is 32 features
//! by up to five columns. Products with the pixels are summed up exactly, 256 images at a time; the mean pixels'
//! part is taken off with the sum of the very same rounded dlogits.

use super::super::backward::{Batch, ColumnStep, Features};
use super::super::layout::{tiles, with_width};
use super::super::vector::{Lanes, Vector};
use super::dot::{DEPTH, Dot, LINE, LONGEST, Line};
use super::quantize::Scale;
use super::{GROUPS, Scratch, tail};

/// Lines of a tile, of sixteen features by four images each.
const LINES: usize = 2;
/// Images that are summed up in integers.
const IMAGES: usize = LONGEST * DEPTH;

/// One step of gradient descent for the weights of `features`, with the dlogits in `scratch`.
#[inline(always)]
pub(super) fn backward<D: Dot>(isa: D::Isa, scratch: &mut Scratch, batch: Batch, features: Features) {
    let columns = batch.steps.len();
    let Scratch { dlogits, lines, sums, .. } = scratch;
    sums.resize(GROUPS * columns, Lanes::ZERO);
    let Features { first, mean, scale, weight } = features;
    let (mean, scale) = (mean.as_chunks::<GROUPS>().0, scale.as_chunks::<GROUPS>().0);
    for (index, weight) in weight.chunks_exact_mut(GROUPS * columns).enumerate() {
        let line = first / GROUPS + index;
        let numbers = dlogits.numbers.chunks(IMAGES / DEPTH * columns);
        let ahead = batch.ahead.chunks(IMAGES).chain(std::iter::repeat(&[][..]));
        for (block, ((images, ahead), numbers)) in
            batch.images.chunks(IMAGES).zip(ahead).zip(numbers).enumerate()
        {
            prefetch(ahead, line, |byte| D::Floats::prefetch(D::floats(isa), byte));
            prefetch(images, line + 1, |byte| D::prefetch(isa, byte));
            interleave::<D>(isa, images, line, lines);
            for (column, width) in tiles(columns, D::TILE) {
                with_width!(width, products::<D>(isa, (lines, numbers), block, columns, column, sums));
            }
        }
        let pixels = (&mean[index], &scale[index]);
        step::<D>(isa, batch, &dlogits.scales, pixels, sums, weight);
    }
}

/// Asks for line `line` of each image.
#[inline(always)]
fn prefetch(images: &[&[u8]], line: usize, ask: impl Fn(&u8)) {
    for image in images {
        if let Some(byte) = image.get(line * LINE) {
            ask(byte);
        }
    }
}

/// `lines [images / 4]`, each of sixteen features by four images, of line `line` of up to 256 images; zeros behind
/// the last.
#[inline(always)]
fn interleave<D: Dot>(isa: D::Isa, images: &[&[u8]], line: usize, lines: &mut Vec<[Line; GROUPS]>) {
    lines.resize(images.len().div_ceil(DEPTH), [Line::ZERO; GROUPS]);
    let whole = images[0].len() / LINE > line;
    let (fours, rest) = images.as_chunks::<DEPTH>();
    let padded =
        (!rest.is_empty()).then(|| std::array::from_fn(|i| rest.get(i).copied().unwrap_or_default()));
    for (images, lines) in fours.iter().chain(&padded).zip(lines) {
        if whole && images[DEPTH - 1].len() == images[0].len() {
            D::interleave(isa, images.map(|image| &image.as_chunks().0[line]), lines);
        } else {
            let bytes =
                images.map(|image| image.as_chunks().0.get(line).copied().unwrap_or_else(|| tail(image)));
            D::interleave(isa, bytes.each_ref(), lines);
        }
    }
}

/// The exact sums over up to 256 images of pixels times 16-bit dlogits, which go to `sums`, `[4 groups][C]`: those
/// of the first block are written there, and those of the others added.
#[inline(always)]
fn products<D: Dot, const COLUMNS: usize>(
    isa: D::Isa,
    (lines, numbers): (&[[Line; GROUPS]], &[[u32; 2]]),
    block: usize,
    columns: usize,
    column: usize,
    sums: &mut [Lanes],
) {
    for first in (0..GROUPS).step_by(LINES) {
        for part in 0..D::PARTS {
            let mut products = [[D::zero(isa); COLUMNS]; LINES];
            for (lines, numbers) in lines.iter().zip(numbers.chunks_exact(columns)) {
                let numbers: &[[u32; 2]; COLUMNS] =
                    numbers[column..].first_chunk().expect("a tile of columns");
                let pixels: [D::Pixels; LINES] =
                    std::array::from_fn(|i| D::pixels(isa, &lines[first + i].0, part));
                for (c, four) in numbers.iter().enumerate() {
                    let factors = D::splat(isa, four);
                    for (products, pixels) in products.iter_mut().zip(pixels) {
                        products[c] = products[c].add(pixels, factors);
                    }
                }
            }
            for (i, products) in products.iter().enumerate() {
                for (c, product) in products.iter().enumerate() {
                    let sum = &mut sums[(first + i) * columns + column + c];
                    let mut floats = product.to_floats(isa);
                    if block > 0 {
                        floats = D::Floats::load(D::floats(isa), sum, part) + floats;
                    }
                    floats.store(sum, part);
                }
            }
        }
    }
}

/// One step of gradient descent for a line of features, given the sums of pixels times 16-bit dlogits.
#[inline(always)]
fn step<D: Dot>(
    isa: D::Isa,
    batch: Batch,
    scales: &[Scale],
    (mean, scale): (&[Lanes; GROUPS], &[Lanes; GROUPS]),
    sums: &[Lanes],
    weight: &mut [Lanes],
) {
    let floats = D::floats(isa);
    let splat = |value| D::Floats::splat(floats, value);
    let columns = batch.steps.len();
    let of_columns = batch.steps.iter().zip(batch.dbias).zip(scales);
    for (column, ((&ColumnStep { rate, decay }, &dbias), factors)) in of_columns.enumerate() {
        let (rate, decay) = (splat(-rate), splat(decay));
        let (dbias, factor) = (splat(-dbias), splat(factors.factor));
        for group in 0..GROUPS {
            let at = group * columns + column;
            for part in 0..D::Floats::PARTS {
                let load = |lanes| D::Floats::load(floats, lanes, part);
                let dweight = load(&mean[group]).mul_add(dbias, load(&sums[at]) * factor);
                let decayed = load(&weight[at]) * decay;
                dweight.mul_add(load(&scale[group]) * rate, decayed).store(&mut weight[at], part);
            }
        }
    }
}
