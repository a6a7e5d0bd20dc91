//! f32 numbers become 16-bit numbers with a common scale, a power of two: `number = 16-bit number * scale`.
//!
//! The scale depends on the largest of the numbers, so that none saturates: with `2^e <= 129/128 largest < 2^(e + 1)` the
//! scale is `2^(e - 14)`, and the largest 16-bit number at most `2^15 * 128/129`, which is less than
//! [`LARGEST`](super::dot::LARGEST). The error of a number is at most half the scale: 2^-15 of the largest.

use super::dot::{Dot, GROUPS, Line, Numbers, PASSES};
use super::outliers;
use crate::engine::fused::isa::vector::{LANES, Lanes, Vector};
use crate::engine::fused::kernels::forward::Block;
use crate::engine::fused::layout::{row, tiles, with_width};

/// The weights of a block, as the forward pass multiplies them.
#[derive(Default)]
pub(crate) struct Weights {
    /// `[lines][row(C)]`
    pub(super) numbers: Vec<Numbers>,
    /// `[C]`
    pub(super) scales: Vec<Scale>,
    /// `[C]`: minus the products with the mean pixels.
    pub(super) offsets: Vec<f32>,
    /// `[C]`: the offsets, lane by lane.
    lanes: Vec<Lanes>,
    /// `[outliers][C]`: the weights that are multiplied apart.
    pub(super) apart: Vec<f32>,
    /// Where there are such: the weights without them.
    others: Vec<Lanes>,
}

/// The dlogits of a batch, as the backward pass multiplies them.
#[derive(Default)]
pub(crate) struct Dlogits {
    /// `[images / 4][C]`
    pub(super) numbers: Vec<[u32; PASSES]>,
    /// `[C]`
    pub(super) scales: Vec<Scale>,
}

/// 1.5 * 2^23: adding it leaves the nearest integer in the low bits.
const ROUND: f32 = 12_582_912.0;

/// A scale, as a factor and as its reciprocal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) factor: f32,
    pub(super) reciprocal: f32,
}

impl Scale {
    /// The scale of numbers up to `largest` in magnitude.
    pub(super) fn of(largest: f32) -> Self {
        const BIAS: u32 = 127;
        let exponent = (largest * (129.0 / 128.0)).to_bits() >> 23;
        // Both powers are normal numbers. Values far smaller than any weight lose digits instead.
        let factor = exponent.max(16) - 14;
        let power = |biased: u32| f32::from_bits(biased << 23);
        Self { factor: power(factor), reciprocal: power(2 * BIAS - factor) }
    }
}

/// The scales of columns whose values are in `groups`, `[groups][row]`.
#[inline(always)]
fn scales<D: Dot>(isa: D::Isa, groups: &[Lanes], columns: usize, row: usize, scales: &mut Vec<Scale>) {
    scales.clear();
    for (first, width) in tiles(columns, D::TILE) {
        with_width!(width, largest::<D>(isa, groups, row, first, scales));
    }
}

/// The scales of one tile of columns.
#[inline(always)]
fn largest<D: Dot, const COLUMNS: usize>(
    isa: D::Isa,
    groups: &[Lanes],
    row: usize,
    first: usize,
    scales: &mut Vec<Scale>,
) {
    let floats = D::floats(isa);
    let zero = D::Floats::splat(floats, 0.0);
    let mut lanes = [Lanes::ZERO; COLUMNS];
    for part in 0..D::Floats::PARTS {
        let mut largest = [zero; COLUMNS];
        for group in groups.chunks_exact(row) {
            let group: &[Lanes; COLUMNS] = group[first..].first_chunk().expect("a tile of columns");
            for (largest, lanes) in largest.iter_mut().zip(group) {
                let value = D::Floats::load(floats, lanes, part);
                *largest = value.max(zero - value).max(*largest);
            }
        }
        for (lanes, largest) in lanes.iter_mut().zip(largest) {
            largest.store(lanes, part);
        }
    }
    scales.extend(lanes.iter().map(|lanes| Scale::of(lanes.0.into_iter().fold(0.0, f32::max))));
}

/// Quantizes the weights of a block, and multiplies them with the mean pixels.
#[inline(always)]
pub(super) fn weights<D: Dot>(isa: D::Isa, block: Block, weights: &mut Weights) {
    let Block { mean, columns, .. } = block;
    let row = row(columns);
    let mut weight = block.weight;
    if !block.outliers.is_empty() {
        weights.others.clear();
        weights.others.extend_from_slice(weight);
        outliers::take(block, row, &mut weights.others, &mut weights.apart);
        weight = &weights.others;
    }
    scales::<D>(isa, weight, columns, row, &mut weights.scales);
    weights.lanes.clear();
    weights.lanes.resize(columns, Lanes::ZERO);
    weights.numbers.resize(mean.len() / GROUPS * row, [Line::ZERO; PASSES]);
    let lines = mean.as_chunks::<GROUPS>().0.iter().zip(weight.chunks_exact(GROUPS * row));
    for ((mean, weight), numbers) in lines.zip(weights.numbers.chunks_exact_mut(row)) {
        for (column, numbers) in numbers[..columns].iter_mut().enumerate() {
            let weight = std::array::from_fn(|group| &weight[group * row + column]);
            let reciprocal = weights.scales[column].reciprocal;
            line::<D>(isa, mean, weight, reciprocal, numbers, &mut weights.lanes[column]);
        }
    }
    weights.offsets.clear();
    weights.offsets.extend(weights.lanes.iter().map(|lanes| lanes.sum()));
}

/// Quantizes 64 numbers of one column, and subtracts their products with the mean pixels from `offset`.
#[inline(always)]
fn line<D: Dot>(
    isa: D::Isa,
    mean: &[Lanes; GROUPS],
    weight: [&Lanes; GROUPS],
    reciprocal: f32,
    numbers: &mut Numbers,
    offset: &mut Lanes,
) {
    let floats = D::floats(isa);
    let mut rounded = [Lanes::ZERO; GROUPS];
    for part in 0..D::Floats::PARTS {
        let (magic, reciprocal) = (splat::<D>(isa, ROUND), splat::<D>(isa, reciprocal));
        let mut sum = D::Floats::load(floats, offset, part);
        for ((mean, weight), rounded) in mean.iter().zip(weight).zip(&mut rounded) {
            let bits = D::Floats::load(floats, weight, part).mul_add(reciprocal, magic);
            bits.store(rounded, part);
            sum = (magic - bits).mul_add(D::Floats::load(floats, mean, part), sum);
        }
        sum.store(offset, part);
    }
    D::pack(isa, rounded.each_ref(), numbers);
}

/// Rounds `dlogits`, `[groups of 16 images][C]`, in place, and lists them as 16-bit numbers.
#[inline(always)]
pub(super) fn dlogits<D: Dot>(isa: D::Isa, columns: usize, dlogits: &mut [Lanes], quantized: &mut Dlogits) {
    let floats = D::floats(isa);
    scales::<D>(isa, dlogits, columns, columns, &mut quantized.scales);
    quantized.numbers.resize(dlogits.len() * LANES / 4, [0; PASSES]);
    let fours = quantized.numbers.chunks_exact_mut(columns * LANES / 4);
    for (dlogits, fours) in dlogits.chunks_exact_mut(columns).zip(fours) {
        for (column, dlogits) in dlogits.iter_mut().enumerate() {
            let Scale { factor, reciprocal } = quantized.scales[column];
            let mut bits = Lanes::ZERO;
            for part in 0..D::Floats::PARTS {
                let magic = splat::<D>(isa, ROUND);
                let dlogit = D::Floats::load(floats, dlogits, part);
                let sum = dlogit.mul_add(splat::<D>(isa, reciprocal), magic);
                sum.store(&mut bits, part);
                ((sum - magic) * splat::<D>(isa, factor)).store(dlogits, part);
            }
            let numbers = bits.0.map(|bits| i32::from(bits.to_bits() as i16));
            for (four, fours) in D::fours(&numbers).iter().zip(fours.chunks_exact_mut(columns)) {
                fours[column] = *four;
            }
        }
    }
}

#[inline(always)]
fn splat<D: Dot>(isa: D::Isa, value: f32) -> D::Floats {
    D::Floats::splat(D::floats(isa), value)
}
