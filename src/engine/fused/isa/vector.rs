//! Sixteen virtual lanes, and the operations on them that every instruction set provides.
//!
//! The order of every sum is defined over sixteen lanes, however many a register holds. An instruction set has
//! registers of 16, 8 or 4 lanes and processes a group of sixteen in [`Vector::PARTS`] parts, one after the other.
//! No lane depends on another, so the result has the same bits.

use std::ops::{Add, Div, Mul, Sub};

/// Virtual lanes: the number of features (or images) that are processed side by side.
pub(crate) const LANES: usize = 16;

/// Sixteen values, aligned for every instruction set.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Lanes(pub(in crate::engine::fused) [f32; LANES]);

impl Lanes {
    pub(crate) const ZERO: Self = Self([0.0; LANES]);

    /// The [`sum`] of all lanes.
    pub(crate) fn sum(self) -> f32 {
        sum(self.0)
    }
}

/// The sum of N values, a power of two, in the one defined order: those N / 2 apart, then N / 4, and so on to 1.
#[inline(always)]
pub(crate) fn sum<const N: usize>(mut values: [f32; N]) -> f32 {
    let mut distance = N / 2;
    while distance > 0 {
        for i in 0..distance {
            values[i] += values[i + distance];
        }
        distance /= 2;
    }
    values[0]
}

/// Calls an intrinsic.
#[cfg(target_arch = "x86_64")]
macro_rules! intrinsic {
    ($call:expr) => {
        // SAFETY: the proof that the machine has the instructions is made by detection alone, and every register is
        // made from a proof; what is read or written lies behind a reference that covers all of it.
        unsafe { $call }
    };
}
#[cfg(target_arch = "x86_64")]
pub(crate) use intrinsic;

/// Implements the operators of a register.
macro_rules! operators {
    ($register:ident, |$a:ident, $b:ident| $($operator:ident::$method:ident => $result:expr),+ $(,)?) => {
        $(impl std::ops::$operator for $register {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                let ($a, $b) = (self.0, other.0);
                $register($result)
            }
        })+
    };
}
pub(crate) use operators;

/// A register of f32 lanes. Every register is made from a [`Vector::Isa`], which exists only where the machine has
/// the instructions.
pub(crate) trait Vector:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The proof that the machine has the instructions.
    type Isa: Copy;

    /// The number of registers that hold sixteen lanes.
    const PARTS: usize;

    /// Columns of a tile: two rows of as many accumulators and the operands fit into the registers.
    const TILE: usize;

    /// Whether the backward pass prefetches pixels: only where its sums stay in registers all the same.
    const PREFETCHES_BACKWARD: bool;

    /// Independent multiply-adds that keep all units busy: at least units times latency, at most the registers.
    const CHAINS: usize;

    /// `value` in every lane.
    fn splat(isa: Self::Isa, value: f32) -> Self;

    /// Part `part` of `lanes`.
    fn load(isa: Self::Isa, lanes: &Lanes, part: usize) -> Self;

    /// Writes this register to part `part` of `lanes`.
    fn store(self, lanes: &mut Lanes, part: usize);

    /// Part `part` of sixteen bytes, as numbers.
    fn bytes(isa: Self::Isa, bytes: &[u8; LANES], part: usize) -> Self;

    /// Part `part` of sixteen numbers that lie anywhere.
    fn floats(isa: Self::Isa, floats: &[f32; LANES], part: usize) -> Self;

    /// `self * factor + addend`, rounded once.
    fn mul_add(self, factor: Self, addend: Self) -> Self;

    /// The larger of the two, lane by lane; `other` where `self` is not a number.
    fn max(self, other: Self) -> Self;

    /// Lane by lane: `then` where `self < bound`, `otherwise` elsewhere.
    fn if_less(self, bound: Self, then: Self, otherwise: Self) -> Self;

    /// Lane by lane: `then` where `self == value`, `otherwise` elsewhere.
    fn if_equal(self, value: Self, then: Self, otherwise: Self) -> Self;

    /// `2^n`, where the low bits of the representation of `self` are the integer n, -126 to 127.
    fn exp2_of_low_bits(self) -> Self;

    /// The first step of the [`sum`] of two rows: the lanes of each that are 8 apart are added. The eight results of
    /// the first row go to the low half of `pair`, those of the second row to the high half. Called once for each
    /// part of the rows, in order.
    #[inline(always)]
    fn halve(isa: Self::Isa, rows: [Self; 2], part: usize, pair: &mut Lanes) {
        let half = Self::PARTS / 2;
        for (row, low) in rows.into_iter().zip([0, half]) {
            let at = low + part % half;
            let sum = if part < half { row } else { Self::load(isa, pair, at) + row };
            sum.store(pair, at);
        }
    }

    /// Part `part` of the sums of sixteen rows that were halved in pairs: lane i is the [`sum`] of row i.
    fn sums(isa: Self::Isa, pairs: &[Lanes; LANES / 2], part: usize) -> Self;

    /// Prefetches the cache line in which `at` begins.
    fn prefetch<T>(isa: Self::Isa, at: &T);

    /// The same, to the second-level cache alone.
    fn prefetch_second<T>(isa: Self::Isa, at: &T);
}
