//! Portable code: the oracle of the instruction sets.

use super::super::portable::{F32x4, Portable};
use super::super::vector::{LANES, Lanes};
use super::dot::{Dot, LINE, Line, Numbers, place};

/// Four sums.
#[derive(Clone, Copy)]
pub(super) struct I32x4([i32; 4]);

impl Dot for I32x4 {
    type Isa = Portable;
    type Floats = F32x4;
    type Pixels = [[u8; 4]; 4];
    type Factors = [[i16; 4]; 4];

    const PARTS: usize = 4;
    const TILE: usize = 5;

    #[inline(always)]
    fn floats(isa: Portable) -> Portable {
        isa
    }

    #[inline(always)]
    fn zero(_: Portable) -> Self {
        Self([0; 4])
    }

    #[inline(always)]
    fn pixels(_: Portable, line: &[u8; LINE], part: usize) -> Self::Pixels {
        let fours = line.as_chunks::<4>().0;
        std::array::from_fn(|lane| fours[4 * part + lane])
    }

    #[inline(always)]
    fn factors(_: Portable, numbers: &Numbers, part: usize) -> Self::Factors {
        let number = |index: usize| {
            let at = 2 * (index % (LINE / 2));
            let line = &numbers[index / (LINE / 2)].0;
            i16::from_le_bytes([line[at], line[at + 1]])
        };
        std::array::from_fn(|lane| std::array::from_fn(|i| number(4 * (4 * part + lane) + i)))
    }

    #[inline(always)]
    fn splat(_: Portable, four: &[u32; 2]) -> Self::Factors {
        let [a, b] = four.map(u32::to_le_bytes);
        let number = |bytes: [u8; 4], i: usize| i16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]]);
        [[number(a, 0), number(a, 1), number(b, 0), number(b, 1)]; 4]
    }

    #[inline(always)]
    fn add(self, pixels: Self::Pixels, factors: Self::Factors) -> Self {
        let products = |lane: usize| -> i32 {
            let pairs = pixels[lane].iter().zip(&factors[lane]);
            pairs.map(|(&pixel, &factor)| i32::from(pixel) * i32::from(factor)).sum()
        };
        Self(std::array::from_fn(|lane| self.0[lane] + products(lane)))
    }

    #[inline(always)]
    fn to_floats(self, isa: Portable) -> F32x4 {
        F32x4::from_integers(isa, self.0)
    }

    #[inline(always)]
    fn pack(_: Portable, groups: [&Lanes; 4], numbers: &mut Numbers) {
        for (feature, bytes) in numbers.iter_mut().flat_map(|line| line.0.as_chunks_mut::<2>().0).enumerate()
        {
            let (group, lane) = place(feature);
            *bytes = (groups[group].0[lane].to_bits() as u16).to_le_bytes();
        }
    }

    #[inline(always)]
    fn fours(numbers: &[i32; LANES]) -> [[u32; 2]; LANES / 4] {
        let pair = |a: i32, b: i32| u32::from(a as u16) | u32::from(b as u16) << 16;
        let four = |four: &[i32; 4]| [pair(four[0], four[1]), pair(four[2], four[3])];
        std::array::from_fn(|i| four(&numbers.as_chunks().0[i]))
    }

    #[inline(always)]
    fn interleave(_: Portable, images: [&[u8; LINE]; 4], lines: &mut [Line; 4]) {
        for feature in 0..LINE {
            let (line, lane) = place(feature);
            lines[line].0.as_chunks_mut::<4>().0[lane] = images.map(|image| image[feature]);
        }
    }

    #[inline(always)]
    fn prefetch(_: Portable, _: &u8) {}
}
