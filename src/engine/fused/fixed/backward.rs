//! `dweight [D, C] <- (pixels - mean)^T [D, B] . dlogits [B, C]`, and the update of the weights.
//!
//! It takes a line of features at a time. The bytes of four images are interleaved, so that the four bytes of a feature
//! are in one lane. The first tile of a line does that while it multiplies; the others find the interleaved lines in the
//! first-level cache. A tile is 64 features by five columns (32 with AVX2). The products with the pixels are added
//! exactly, 256 images at a time. The part of the mean is subtracted with the sum of the same rounded dlogits, and the
//! weights are updated at once.

use super::dot::{DEPTH, Dot, GROUPS, LINE, LONGEST, Line, PASSES, tail};
use super::quantize::{Dlogits, Scale};
use crate::engine::fused::gathered::Images;
use crate::engine::fused::isa::vector::{Lanes, Vector};
use crate::engine::fused::kernels::backward::{Batch, Features};
use crate::engine::fused::kernels::forward::AHEAD;
use crate::engine::fused::kernels::update::update;
use crate::engine::fused::layout::{row, tiles, with_width};

/// Images that are added in integers.
const IMAGES: usize = LONGEST * DEPTH;

/// The working memory of [`backward`].
#[derive(Default)]
pub(crate) struct Scratch {
    /// `[images / 4]`: a line of features, interleaved.
    lines: Vec<[Line; GROUPS]>,
    /// `[4 groups][C]`: the sums of that line.
    sums: Vec<Lanes>,
}

/// Updates the weights of `features`.
#[inline(always)]
pub(super) fn backward<D: Dot>(
    isa: D::Isa,
    dlogits: &Dlogits,
    scratch: &mut Scratch,
    batch: Batch,
    mut features: Features,
) {
    let columns = batch.steps.len();
    let Scratch { lines, sums } = scratch;
    sums.resize(GROUPS * columns, Lanes::ZERO);
    for first in (0..features.mean.len()).step_by(GROUPS) {
        let line = features.part(first..first + GROUPS, columns);
        for first_image in (0..batch.images.len()).step_by(IMAGES) {
            let block = Block {
                images: batch.images.slice(first_image..first_image + IMAGES),
                numbers: &dlogits.numbers[first_image / DEPTH * columns..],
                columns,
                line: line.first / GROUPS,
                is_first: first_image == 0,
            };
            lines.resize(block.images.len().div_ceil(DEPTH), [Line::ZERO; GROUPS]);
            if !block.is_whole() {
                interleave::<D>(isa, block, lines);
            }
            for (column, width) in tiles(columns, D::TILE) {
                with_width!(width, rows::<D>(isa, block, column, lines, sums));
            }
        }
        step::<D>(isa, batch, &dlogits.scales, sums, line);
    }
}

/// A line of features of up to 256 images.
#[derive(Clone, Copy)]
struct Block<'a> {
    images: Images<'a>,
    /// `[images / 4][C]`: the dlogits of the images.
    numbers: &'a [[u32; PASSES]],
    /// C.
    columns: usize,
    line: usize,
    /// Whether they are the first images of the batch.
    is_first: bool,
}

impl Block<'_> {
    /// Whether the number of images is a multiple of four, and each has the line in full.
    fn is_whole(self) -> bool {
        self.images.len().is_multiple_of(DEPTH) && self.images.features() / LINE > self.line
    }
}

/// `lines [images / 4]`, each of sixteen features by four images, padded with zeros.
#[inline(always)]
fn interleave<D: Dot>(isa: D::Isa, block: Block, lines: &mut [[Line; GROUPS]]) {
    for (images, lines) in block.images.chunks(DEPTH).zip(lines) {
        let mut bytes = [[0; LINE]; DEPTH];
        for (bytes, image) in bytes.iter_mut().zip(images.iter()) {
            *bytes = image.as_chunks().0.get(block.line).copied().unwrap_or_else(|| tail(image));
        }
        D::interleave(isa, bytes.each_ref(), lines);
    }
}

/// The columns of one tile, from `column` on, for all groups of the line.
#[inline(always)]
fn rows<D: Dot, const COLUMNS: usize>(
    isa: D::Isa,
    block: Block,
    column: usize,
    lines: &mut [[Line; GROUPS]],
    sums: &mut [Lanes],
) {
    match (D::ROWS, column == 0 && block.is_whole()) {
        (GROUPS, true) => products::<D, GROUPS, COLUMNS, true>(isa, block, 0, column, lines, sums),
        (GROUPS, false) => products::<D, GROUPS, COLUMNS, false>(isa, block, 0, column, lines, sums),
        (_, fresh) => {
            if fresh {
                products::<D, 2, COLUMNS, true>(isa, block, 0, column, lines, sums);
            } else {
                products::<D, 2, COLUMNS, false>(isa, block, 0, column, lines, sums);
            }
            products::<D, 2, COLUMNS, false>(isa, block, 2, column, lines, sums);
        }
    }
}

/// One tile of N groups from group `group` on: the exact sums over the images of pixels times 16-bit dlogits. Those of
/// the first images are written to `sums`, `[4 groups][C]`, those of later images added. With `FRESH` it interleaves each
/// line before it multiplies it.
#[inline(always)]
fn products<D: Dot, const N: usize, const COLUMNS: usize, const FRESH: bool>(
    isa: D::Isa,
    block: Block,
    group: usize,
    column: usize,
    lines: &mut [[Line; GROUPS]],
    sums: &mut [Lanes],
) {
    for part in 0..D::PARTS {
        let mut products = [[D::zero(isa); COLUMNS]; N];
        if FRESH && part == 0 {
            let images = block.images.groups::<GROUPS>(block.line * GROUPS);
            let numbers = block.numbers.chunks_exact(block.columns);
            for (four, (lines, numbers)) in lines.iter_mut().zip(numbers).enumerate() {
                let mut bytes = [&[0; LINE]; DEPTH];
                for (i, bytes) in bytes.iter_mut().enumerate() {
                    let image = DEPTH * four + i;
                    let ahead = images.at((image + AHEAD).min(images.len() - 1));
                    D::Floats::prefetch(D::floats(isa), &ahead[0][0]);
                    *bytes = images.at(image).as_flattened().first_chunk().expect("a line");
                }
                D::interleave(isa, bytes, lines);
                let numbers = numbers[column..].first_chunk().expect("a tile of columns");
                accumulate::<D, N, COLUMNS, 0>(isa, part, &mut products, &lines[group..], numbers);
            }
        } else {
            pass::<D, N, COLUMNS, 0>(isa, part, block, group, column, lines, &mut products);
        }
        products.as_flattened_mut().iter_mut().for_each(|product| *product = product.turn());
        pass::<D, N, COLUMNS, 1>(isa, part, block, group, column, lines, &mut products);
        for (i, products) in products.iter().enumerate() {
            for (c, product) in products.iter().enumerate() {
                let sum = &mut sums[(group + i) * block.columns + column + c];
                let mut floats = product.to_floats(isa);
                if !block.is_first {
                    floats = D::Floats::load(D::floats(isa), sum, part) + floats;
                }
                floats.store(sum, part);
            }
        }
    }
}

/// A pass over all images.
#[inline(always)]
fn pass<D: Dot, const N: usize, const COLUMNS: usize, const PASS: usize>(
    isa: D::Isa,
    part: usize,
    block: Block,
    group: usize,
    column: usize,
    lines: &[[Line; GROUPS]],
    products: &mut [[D; COLUMNS]; N],
) {
    for (lines, numbers) in lines.iter().zip(block.numbers.chunks_exact(block.columns)) {
        let numbers = numbers[column..].first_chunk().expect("a tile of columns");
        accumulate::<D, N, COLUMNS, PASS>(isa, part, products, &lines[group..], numbers);
    }
}

/// `products += lines . numbers`, for four images.
#[inline(always)]
fn accumulate<D: Dot, const N: usize, const COLUMNS: usize, const PASS: usize>(
    isa: D::Isa,
    part: usize,
    products: &mut [[D; COLUMNS]; N],
    lines: &[Line],
    numbers: &[[u32; PASSES]; COLUMNS],
) {
    let mut pixels = [D::pixels(isa, &lines[0].0, part, PASS); N];
    for i in 1..N {
        pixels[i] = D::pixels(isa, &lines[i].0, part, PASS);
    }
    for (c, four) in numbers.iter().enumerate() {
        let factors = D::splat(isa, four[PASS]);
        for (products, pixels) in products.iter_mut().zip(pixels) {
            products[c] = products[c].add(pixels, factors);
        }
    }
}

/// Updates the weights of a line of features, given the sums of pixels times 16-bit dlogits. The gradient of a weight is
/// `scale sum - mean dbias`.
#[inline(always)]
fn step<D: Dot>(isa: D::Isa, batch: Batch, scales: &[Scale], sums: &[Lanes], line: Features) {
    let floats = D::floats(isa);
    let columns = batch.steps.len();
    let Features { mean, scale, reciprocal, weight, velocity, .. } = line;
    for (group, sums) in sums.chunks_exact(columns).enumerate() {
        let plane = group * row(columns)..group * row(columns) + columns;
        for part in 0..D::Floats::PARTS {
            let mean = D::Floats::load(floats, &mean[group], part);
            let of_scale = [
                D::Floats::load(floats, &scale[group], part),
                D::Floats::load(floats, &reciprocal[group], part),
            ];
            let mut velocities = velocity.get_mut(plane.clone()).unwrap_or_default().iter_mut();
            for (column, weight) in weight[plane.clone()].iter_mut().enumerate() {
                let dbias = D::Floats::splat(floats, -batch.dbias[column]);
                let factor = D::Floats::splat(floats, scales[column].factor);
                let gradient = mean.mul_add(dbias, D::Floats::load(floats, &sums[column], part) * factor);
                update(floats, part, &batch.steps[column], of_scale, gradient, weight, velocities.next());
            }
        }
    }
}
