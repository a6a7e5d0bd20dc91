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

    /// The sum of all lanes, in the one defined order: lanes 8 apart, then 4, 2 and 1.
    pub(super) fn sum(mut self) -> f32 {
        for distance in [8, 4, 2, 1] {
            for lane in 0..distance {
                self.0[lane] += self.0[lane + distance];
            }
        }
        self.0[0]
    }
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

    /// Part `part` of the sums of `rows`: lane i has the [`Lanes::sum`] of row i, added up in the same order.
    fn sums(isa: Self::Isa, rows: &[Lanes; LANES], part: usize) -> Self;

    /// Asks for the cache line at `byte` to be brought near.
    fn prefetch(isa: Self::Isa, byte: &u8);
}
