//! Portable code, without `unsafe`: the oracle of the other instruction sets, and the fast code on aarch64.
//!
//! A register holds four lanes, as in NEON and SSE, and the compiler vectorizes. Where the target has no fused
//! multiply-add, as plain x86-64, each one is a function call: exact, and slow.

use std::array;

use super::vector::{LANES, Lanes, Vector, operators, sum};

/// The proof that the machine runs portable code, which every machine does.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

/// Four lanes.
#[derive(Clone, Copy)]
pub(crate) struct F32x4([f32; 4]);

impl F32x4 {
    /// Four integers, rounded to f32.
    #[inline(always)]
    pub(crate) fn from_integers(_: Portable, integers: [i32; 4]) -> Self {
        Self(integers.map(|integer| integer as f32))
    }

    /// Lane by lane: `then` where `condition` holds, `otherwise` elsewhere.
    #[inline(always)]
    fn choose(condition: [bool; 4], then: Self, otherwise: Self) -> Self {
        Self(array::from_fn(|lane| if condition[lane] { then.0[lane] } else { otherwise.0[lane] }))
    }
}

impl Vector for F32x4 {
    type Isa = Portable;
    const PARTS: usize = 4;
    /// On aarch64 20 accumulators, 2 operands, 1 weight: 23 of the 32 registers of NEON. Elsewhere it is an oracle, which
    /// needs no wide tiles: they take long to compile.
    const TILE: usize = if cfg!(target_arch = "aarch64") { 10 } else { 2 };
    const PREFETCHES_BACKWARD: bool = false;
    const CHAINS: usize = 20;

    #[inline(always)]
    fn splat(_: Portable, value: f32) -> Self {
        Self([value; 4])
    }

    #[inline(always)]
    fn load(_: Portable, lanes: &Lanes, part: usize) -> Self {
        Self(lanes.0.as_chunks().0[part])
    }

    #[inline(always)]
    fn store(self, lanes: &mut Lanes, part: usize) {
        lanes.0.as_chunks_mut().0[part] = self.0;
    }

    #[inline(always)]
    fn bytes(_: Portable, bytes: &[u8; LANES], part: usize) -> Self {
        Self(bytes.as_chunks::<4>().0[part].map(f32::from))
    }

    #[inline(always)]
    fn floats(_: Portable, floats: &[f32; LANES], part: usize) -> Self {
        Self(floats.as_chunks().0[part])
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(array::from_fn(|lane| self.0[lane].mul_add(factor.0[lane], addend.0[lane])))
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self::choose(array::from_fn(|lane| self.0[lane] > other.0[lane]), self, other)
    }

    #[inline(always)]
    fn if_less(self, bound: Self, then: Self, otherwise: Self) -> Self {
        Self::choose(array::from_fn(|lane| self.0[lane] < bound.0[lane]), then, otherwise)
    }

    #[inline(always)]
    fn if_equal(self, value: Self, then: Self, otherwise: Self) -> Self {
        Self::choose(array::from_fn(|lane| self.0[lane] == value.0[lane]), then, otherwise)
    }

    #[inline(always)]
    fn exp2_of_low_bits(self) -> Self {
        Self(self.0.map(|x| f32::from_bits((x.to_bits() << 23).wrapping_add(1f32.to_bits()))))
    }

    #[inline(always)]
    fn sums(_: Portable, pairs: &[Lanes; LANES / 2], part: usize) -> Self {
        Self(array::from_fn(|lane| {
            let row = 4 * part + lane;
            sum::<{ LANES / 2 }>(pairs[row / 2].0.as_chunks().0[row % 2])
        }))
    }

    #[inline(always)]
    fn prefetch<T>(_: Portable, _: &T) {}

    #[inline(always)]
    fn prefetch_second<T>(_: Portable, _: &T) {}
}

operators!(F32x4, |a, b|
    Add::add => array::from_fn(|lane| a[lane] + b[lane]),
    Sub::sub => array::from_fn(|lane| a[lane] - b[lane]),
    Mul::mul => array::from_fn(|lane| a[lane] * b[lane]),
    Div::div => array::from_fn(|lane| a[lane] / b[lane]),
);
