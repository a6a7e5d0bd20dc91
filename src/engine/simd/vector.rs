//! Sixteen virtual lanes, and what an instruction set must do with them.
//!
//! The order of every sum is defined over sixteen lanes, whatever a register holds. An instruction set has
//! registers of 16, 8 or 4 lanes and walks a group of sixteen in [`Vector::PARTS`] parts, one after the other.
//! Since each lane is a chain of its own, the result is the same bits.

use std::ops::{Add, Div, Mul, Sub};

/// Virtual lanes, the number of features (or images) that are worked on side by side.
pub(super) const LANES: usize = 16;

/// Sixteen values, aligned for any instruction set here.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(super) struct Lanes(pub(super) [f32; LANES]);

impl Lanes {
    pub(super) const ZERO: Self = Self([0.0; LANES]);

    /// The [`sum`] of all lanes.
    pub(super) fn sum(self) -> f32 {
        sum(self.0)
    }
}

/// The sum of N values, a power of two, in the one defined order: those N / 2 apart, then N / 4, and so on to 1.
#[inline(always)]
pub(super) fn sum<const N: usize>(mut values: [f32; N]) -> f32 {
    let mut distance = N / 2;
    while distance > 0 {
        for i in 0..distance {
            values[i] += values[i + distance];
        }
        distance /= 2;
    }
    values[0]
}

/// A register of f32 lanes. A value exists only where the machine has its instructions: each is made from an
/// [`Vector::Isa`], and that only by detection.
pub(super) trait Vector:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The proof that the machine has the instructions.
    type Isa: Copy;

    /// How many registers hold sixteen lanes.
    const PARTS: usize;

    /// Columns of a tile: two rows of so many accumulators, the operands, and no spill.
    const TILE: usize;

    /// Whether the backward pass asks for pixels to come: sums must stay in registers all the same.
    const ASKS_BACKWARD: bool;

    /// `value` in every lane.
    fn splat(isa: Self::Isa, value: f32) -> Self;

    /// Part `part` of `lanes`.
    fn load(isa: Self::Isa, lanes: &Lanes, part: usize) -> Self;

    /// Writes this register to part `part` of `lanes`.
    fn store(self, lanes: &mut Lanes, part: usize);

    /// Part `part` of sixteen bytes, as numbers.
    fn bytes(isa: Self::Isa, bytes: &[u8; LANES], part: usize) -> Self;

    /// `self * factor + addend`, rounded once.
    fn mul_add(self, factor: Self, addend: Self) -> Self;

    /// The larger of the two, lane by lane; `other` where `self` is not a number.
    fn max(self, other: Self) -> Self;

    /// Lane by lane: `then` where `self < bound`, `otherwise` elsewhere.
    fn if_less(self, bound: Self, then: Self, otherwise: Self) -> Self;

    /// Lane by lane: `then` where `self == value`, `otherwise` elsewhere.
    fn if_equal(self, value: Self, then: Self, otherwise: Self) -> Self;

    /// `2^n`, where the low bits of `self`'s representation are the integer n, -126 to 127.
    fn exp2_of_low_bits(self) -> Self;

    /// The first step of two rows' [`sum`]: the lanes of each that are 8 apart are added, and the first row's
    /// eight go to the low half of `pair`, the second's to the high half. Takes part after part of the rows.
    #[inline(always)]
    fn halve(isa: Self::Isa, rows: [Self; 2], part: usize, pair: &mut Lanes) {
        let half = Self::PARTS / 2;
        for (row, low) in rows.into_iter().zip([0, half]) {
            let at = low + part % half;
            let sum = if part < half { row } else { Self::load(isa, pair, at) + row };
            sum.store(pair, at);
        }
    }

    /// Part `part` of the sums of sixteen rows that were halved two by two: lane i has the [`sum`] of row i.
    fn sums(isa: Self::Isa, pairs: &[Lanes; LANES / 2], part: usize) -> Self;

    /// Asks for the cache line at `byte` to be brought near.
    fn prefetch(isa: Self::Isa, byte: &u8);
}
