//! The operations on bytes that every instruction set provides: exact integer dot products of four.
//!
//! As for floats there are sixteen virtual lanes, each of 32 bits: lane l of a cache line of pixels is its bytes 4l to
//! 4l + 3, and their products with four 16-bit numbers are added to one 32-bit sum. Sums of integers do not depend on
//! their order: however an instruction set computes them, they are the same.

use crate::engine::fused::isa::vector::{LANES, Lanes, Vector};
use crate::engine::fused::layout::BLOCK;

/// Bytes in a cache line: the features that are multiplied side by side.
pub(crate) const LINE: usize = 64;

/// Groups of sixteen features in a line.
pub(crate) const GROUPS: usize = LINE / LANES;

/// Values of a line that are added in one lane.
pub(crate) const DEPTH: usize = LINE / LANES;

/// Lines of pixels that may be added: the sum of a lane is then at most `256 * 255 * LARGEST`, below 2^31.
///
/// Partial results may wrap around: the sum is right modulo 2^32, and it fits.
pub(crate) const LONGEST: usize = 64;

/// The largest 16-bit number of either sign: its limbs are bytes, `high * 256 + low`.
pub(crate) const LARGEST: i32 = 127 * 256 + 127;

const _: () = assert!((LONGEST * DEPTH) as i64 * 255 * LARGEST as i64 <= i32::MAX as i64);
const _: () = assert!(BLOCK.is_multiple_of(GROUPS) && BLOCK / GROUPS <= LONGEST);

/// A cache line of bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [u8; LINE]);

impl Line {
    pub(crate) const ZERO: Self = Self([0; LINE]);
}

/// 64 numbers of 16 bits: for each pass a line in the form that an instruction set multiplies.
pub(crate) type Numbers = [Line; PASSES];

/// Passes over the lines of a sum: one pass multiplies 8-bit limbs of all numbers, or all 16 bits of every other number.
pub(crate) const PASSES: usize = 2;

/// A register of 32-bit sums. A value exists only where the machine has the instructions.
///
/// A sum of products takes two passes over its lines, into the same register: `sum += pixels . factors` of the first
/// pass, [`Dot::turn`], then `sum += pixels . factors` of the second.
pub(crate) trait Dot: Copy {
    /// The proof that the machine has the instructions.
    type Isa: Copy;
    /// Its f32 registers.
    type Floats: Vector;
    /// Bytes, four for each lane, in the form that a pass multiplies.
    type Pixels: Copy;
    /// The numbers that a pass multiplies them with.
    type Factors: Copy;

    /// The number of registers that hold sixteen lanes.
    const PARTS: usize;

    /// Rows of a tile, 2 or 4: images in the forward pass, groups of features in the backward pass.
    const ROWS: usize;

    /// Columns of a tile: the sums of all rows and columns, and the operands, fit into the registers.
    const TILE: usize;

    /// The proof for the f32 registers.
    fn floats(isa: Self::Isa) -> <Self::Floats as Vector>::Isa;

    /// Sums of nothing.
    fn zero(isa: Self::Isa) -> Self;

    /// Part `part` of a line of pixels, for pass `pass`.
    fn pixels(isa: Self::Isa, line: &[u8; LINE], part: usize, pass: usize) -> Self::Pixels;

    /// Part `part` of 64 numbers; `line` is their form for one pass.
    fn factors(isa: Self::Isa, line: &Line, part: usize) -> Self::Factors;

    /// Four numbers, the same for every lane; `four` is their form for one pass.
    fn splat(isa: Self::Isa, four: u32) -> Self::Factors;

    /// `self + pixels . factors`, in each lane.
    fn add(self, pixels: Self::Pixels, factors: Self::Factors) -> Self;

    /// The sums of the first pass in the form that the second pass adds to.
    fn turn(self) -> Self;

    /// The sums, rounded to f32.
    fn to_floats(self, isa: Self::Isa) -> Self::Floats;

    /// 64 numbers from the low bits of four groups of lanes: number `16 l + 4 r + j` is in lane `4 l + j` of group r.
    fn pack(isa: Self::Isa, groups: [&Lanes; 4], numbers: &mut Numbers);

    /// The low sixteen bits of `numbers`, four at a time, in the form that [`Dot::splat`] takes for each pass: the first
    /// and third of each four, then the second and fourth.
    #[inline(always)]
    fn fours(numbers: &[i32; LANES]) -> [[u32; PASSES]; LANES / 4] {
        let pair = |a: i32, b: i32| u32::from(a as u16) | u32::from(b as u16) << 16;
        let four = |four: &[i32; 4]| [pair(four[0], four[2]), pair(four[1], four[3])];
        std::array::from_fn(|i| four(&numbers.as_chunks().0[i]))
    }

    /// Interleaves a line of four images, so that the four bytes of a feature are in one lane: those of feature
    /// `16 l + 4 r + j` go to lane `4 l + j` of line r.
    fn interleave(isa: Self::Isa, images: [&[u8; LINE]; 4], lines: &mut [Line; 4]);
}

/// The group and the lane of number `feature` of a line, in the order of [`Dot::pack`] and [`Dot::interleave`].
pub(crate) fn place(feature: usize) -> (usize, usize) {
    let (sixteen, within) = (feature / LANES, feature % LANES);
    (within / 4, 4 * sixteen + within % 4)
}

/// [`Dot::fours`] where each pass multiplies one limb of all numbers: first the high ones.
#[inline(always)]
pub(crate) fn limbs_in_fours(numbers: &[i32; LANES]) -> [[u32; PASSES]; LANES / 4] {
    let high = numbers.map(|number| ((number + 0x80) >> 8) as u8);
    let low = numbers.map(|number| number as u8);
    let four = |bytes: &[u8; LANES], i: usize| u32::from_le_bytes(bytes.as_chunks().0[i]);
    std::array::from_fn(|i| [four(&high, i), four(&low, i)])
}

/// The last line of an image whose D is no multiple of 64, padded with zeros.
#[inline(always)]
pub(crate) fn tail(image: &[u8]) -> [u8; LINE] {
    let mut line = [0; LINE];
    let rest = image.as_chunks::<LINE>().1;
    line[..rest.len()].copy_from_slice(rest);
    line
}
