//! What an instruction set must do with bytes: exact integer dot products of four.
//!
//! Sixteen virtual lanes again, each of 32 bits: lane l of a cache line of pixels is its bytes 4l to 4l + 3, and
//! their products with four 16-bit numbers add to one 32-bit sum. Integers know no order: whatever an instruction set
//! does in between, the sums are the same.

use super::super::vector::{LANES, Lanes, Vector};

/// Bytes in a cache line: features that are multiplied side by side.
pub(super) const LINE: usize = 64;

/// Values of a dot product that fall into one lane of a line.
pub(super) const DEPTH: usize = LINE / LANES;

/// Lines of pixels that may be added up: then a lane's sum is at most `256 * 255 * LARGEST`, below 2^31.
///
/// Partial results may wrap; the sum is right modulo 2^32 whatever happens in between, and it fits.
pub(super) const LONGEST: usize = 64;

/// The largest 16-bit number of either sign: its limbs are bytes, `high * 256 + low`.
pub(super) const LARGEST: i32 = 127 * 256 + 127;

const _: () = assert!((LONGEST * DEPTH) as i64 * 255 * LARGEST as i64 <= i32::MAX as i64);

/// A cache line of bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [u8; LINE]);

impl Line {
    pub(super) const ZERO: Self = Self([0; LINE]);
}

/// 64 numbers of 16 bits, in a line for each pass as an instruction set wants them.
pub(super) type Numbers = [Line; PASSES];

/// Passes over the lines of a sum: machines multiply 8-bit limbs of all numbers, or all 16 bits of every other one.
pub(super) const PASSES: usize = 2;

/// Registers of 32-bit sums. A value exists only where the machine has the instructions.
///
/// A sum of products takes two passes over its lines, into the same register: `sum += pixels . factors` of the first
/// pass, [`Dot::turn`], then `sum += pixels . factors` of the second.
pub(super) trait Dot: Copy {
    /// The proof that the machine has the instructions.
    type Isa: Copy;
    /// Its f32 registers.
    type Floats: Vector;
    /// Bytes, four for each lane, as a pass multiplies them.
    type Pixels: Copy;
    /// What a pass multiplies them with.
    type Factors: Copy;

    /// How many parts sixteen lanes are walked in.
    const PARTS: usize;

    /// Rows of a tile: images in the forward pass, lines in the backward pass. 2 or 4.
    const ROWS: usize;

    /// Columns of a tile: so many rows of so many sums, the operands, and no spill.
    const TILE: usize;

    /// The proof for the f32 registers.
    fn floats(isa: Self::Isa) -> <Self::Floats as Vector>::Isa;

    /// Sums of nothing.
    fn zero(isa: Self::Isa) -> Self;

    /// Part `part` of a line of pixels, for pass `pass`.
    fn pixels(isa: Self::Isa, line: &[u8; LINE], part: usize, pass: usize) -> Self::Pixels;

    /// Part `part` of 64 numbers, of which `line` is what a pass wants.
    fn factors(isa: Self::Isa, line: &Line, part: usize) -> Self::Factors;

    /// Four numbers, of which `four` is what a pass wants, the same for every lane.
    fn splat(isa: Self::Isa, four: u32) -> Self::Factors;

    /// `self + pixels . factors`, in each lane.
    fn add(self, pixels: Self::Pixels, factors: Self::Factors) -> Self;

    /// What the first pass has summed up, as the second one adds to it.
    fn turn(self) -> Self;

    /// The sums, rounded to f32.
    fn to_floats(self, isa: Self::Isa) -> Self::Floats;

    /// 64 numbers from the low bits of four groups of lanes, of which number `4 r + j` of each sixteen is lane
    /// `4 l + j` of group r, l being which sixteen.
    fn pack(isa: Self::Isa, groups: [&Lanes; 4], numbers: &mut Numbers);

    /// The low sixteen bits of `numbers`, four after four, as [`Dot::splat`] takes them in each pass: the first and
    /// third of each four, then the second and fourth.
    #[inline(always)]
    fn fours(numbers: &[i32; LANES]) -> [[u32; PASSES]; LANES / 4] {
        let pair = |a: i32, b: i32| u32::from(a as u16) | u32::from(b as u16) << 16;
        let four = |four: &[i32; 4]| [pair(four[0], four[2]), pair(four[1], four[3])];
        std::array::from_fn(|i| four(&numbers.as_chunks().0[i]))
    }

    /// Makes of the lines of four images lines of four bytes, one of each image, for each feature: byte `4 r + j` of
    /// each sixteen goes to lane `4 l + j` of line r, l being which sixteen.
    fn interleave(isa: Self::Isa, images: [&[u8; LINE]; 4], lines: &mut [Line; 4]);
}

/// Where number `feature` of a line lies in four groups of lanes, as [`Dot::pack`] and [`Dot::interleave`] have it:
/// the group, and the lane.
pub(super) fn place(feature: usize) -> (usize, usize) {
    let (sixteen, within) = (feature / LANES, feature % LANES);
    (within / 4, 4 * sixteen + within % 4)
}
