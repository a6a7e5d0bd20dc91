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

/// 64 numbers of 16 bits, in two lines as an instruction set wants them.
pub(super) type Numbers = [Line; 2];

/// Registers of 32-bit sums. A value exists only where the machine has the instructions.
pub(super) trait Dot: Copy {
    /// The proof that the machine has the instructions.
    type Isa: Copy;
    /// Its f32 registers.
    type Floats: Vector;
    /// Bytes, four for each lane.
    type Pixels: Copy;
    /// 16-bit numbers, four for each lane.
    type Factors: Copy;

    /// How many parts sixteen lanes are walked in.
    const PARTS: usize;

    /// Columns of a tile: two rows of so many sums, the operands, and no spill.
    const TILE: usize;

    /// The proof for the f32 registers.
    fn floats(isa: Self::Isa) -> <Self::Floats as Vector>::Isa;

    /// Sums of nothing.
    fn zero(isa: Self::Isa) -> Self;

    /// Part `part` of a line of pixels.
    fn pixels(isa: Self::Isa, line: &[u8; LINE], part: usize) -> Self::Pixels;

    /// Part `part` of 64 numbers.
    fn factors(isa: Self::Isa, numbers: &Numbers, part: usize) -> Self::Factors;

    /// Four numbers, the same for every lane.
    fn splat(isa: Self::Isa, four: &[u32; 2]) -> Self::Factors;

    /// `self + pixels . factors`, four products in each lane.
    fn add(self, pixels: Self::Pixels, factors: Self::Factors) -> Self;

    /// The sums, rounded to f32.
    fn to_floats(self, isa: Self::Isa) -> Self::Floats;

    /// 64 numbers from the low bits of four groups of lanes, of which number `4 r + j` of each sixteen is lane
    /// `4 l + j` of group r, l being which sixteen.
    fn pack(isa: Self::Isa, groups: [&Lanes; 4], numbers: &mut Numbers);

    /// The low sixteen bits of `numbers`, four after four, as [`Dot::splat`] takes them.
    fn fours(numbers: &[i32; LANES]) -> [[u32; 2]; LANES / 4];

    /// Makes of the lines of four images lines of four bytes, one of each image, for each feature: byte `4 r + j` of
    /// each sixteen goes to lane `4 l + j` of line r, l being which sixteen.
    fn interleave(isa: Self::Isa, images: [&[u8; LINE]; 4], lines: &mut [Line; 4]);

    /// Asks for the cache line at `byte` to be brought to the first-level cache.
    fn prefetch(isa: Self::Isa, byte: &u8);
}

/// Where number `feature` of a line lies in four groups of lanes, as [`Dot::pack`] and [`Dot::interleave`] have it:
/// the group, and the lane.
pub(super) fn place(feature: usize) -> (usize, usize) {
    let (sixteen, within) = (feature / LANES, feature % LANES);
    (within / 4, 4 * sixteen + within % 4)
}
