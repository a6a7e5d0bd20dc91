//! Portable code: the oracle of the other instruction sets. Its passes are those of AVX2.

use std::array;

use crate::engine::fused::fixed::dot::{Dot, LINE, Line, Numbers, PASSES, place};
use crate::engine::fused::isa::portable::{F32x4, Portable};
use crate::engine::fused::isa::vector::Lanes;

/// Two numbers of 16 bits.
#[inline(always)]
fn two([a, b, c, d]: [u8; 4]) -> [i16; 2] {
    [i16::from_le_bytes([a, b]), i16::from_le_bytes([c, d])]
}

/// Four sums.
#[derive(Clone, Copy)]
pub(crate) struct I32x4([i32; 4]);

impl Dot for I32x4 {
    type Isa = Portable;
    type Floats = F32x4;
    type Pixels = [[u8; 2]; 4];
    type Factors = [[i16; 2]; 4];

    const PARTS: usize = 4;
    /// An oracle needs no wide tiles, which take long to compile.
    const ROWS: usize = 2;
    const TILE: usize = 2;

    #[inline(always)]
    fn floats(isa: Portable) -> Portable {
        isa
    }

    #[inline(always)]
    fn zero(_: Portable) -> Self {
        Self([0; 4])
    }

    #[inline(always)]
    fn pixels(_: Portable, line: &[u8; LINE], part: usize, pass: usize) -> Self::Pixels {
        let fours = line.as_chunks::<4>().0;
        array::from_fn(|lane| [fours[4 * part + lane][pass], fours[4 * part + lane][pass + 2]])
    }

    #[inline(always)]
    fn factors(_: Portable, line: &Line, part: usize) -> Self::Factors {
        let twos = line.0.as_chunks::<4>().0;
        array::from_fn(|lane| two(twos[4 * part + lane]))
    }

    #[inline(always)]
    fn splat(_: Portable, four: u32) -> Self::Factors {
        [two(four.to_le_bytes()); 4]
    }

    #[inline(always)]
    fn add(self, pixels: Self::Pixels, factors: Self::Factors) -> Self {
        let product = |lane: usize, i: usize| i32::from(pixels[lane][i]) * i32::from(factors[lane][i]);
        Self(array::from_fn(|lane| self.0[lane] + product(lane, 0) + product(lane, 1)))
    }

    #[inline(always)]
    fn turn(self) -> Self {
        self
    }

    #[inline(always)]
    fn to_floats(self, isa: Portable) -> F32x4 {
        F32x4::from_integers(isa, self.0)
    }

    #[inline(always)]
    fn pack(_: Portable, groups: [&Lanes; 4], numbers: &mut Numbers) {
        for feature in 0..LINE {
            let (group, lane) = place(feature);
            let number = groups[group].0[lane].to_bits() as u16;
            // Of each four, the first and third, and the second and fourth.
            let twos = numbers[feature % PASSES].0.as_chunks_mut::<2>().0;
            twos[feature / PASSES] = number.to_le_bytes();
        }
    }

    #[inline(always)]
    fn interleave(_: Portable, images: [&[u8; LINE]; 4], lines: &mut [Line; 4]) {
        for feature in 0..LINE {
            let (line, lane) = place(feature);
            lines[line].0.as_chunks_mut::<4>().0[lane] = images.map(|image| image[feature]);
        }
    }
}
