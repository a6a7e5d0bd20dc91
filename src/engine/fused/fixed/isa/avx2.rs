//! AVX2: two products of 16-bit numbers in each of eight lanes. `vpmaddubsw`, on bytes, would saturate.

use std::arch::x86_64::*;

use crate::engine::fused::fixed::dot::{Dot, LINE, Line, Numbers};
use crate::engine::fused::isa::avx2::{Avx2, F32x8};
use crate::engine::fused::isa::vector::{Lanes, intrinsic};

/// Eight sums.
#[derive(Clone, Copy)]
pub(crate) struct I32x8(__m256i);

/// Sixteen numbers of 16 bits, two for each lane: the first and third of its four, or the second and fourth.
#[derive(Clone, Copy)]
pub(crate) struct I16x16(__m256i);

/// Half `part` of 64 bytes, at any address.
#[inline(always)]
pub(super) fn load(_: Avx2, bytes: &[u8; LINE], part: usize) -> __m256i {
    let half: &[u8; LINE / 2] = &bytes.as_chunks().0[part];
    intrinsic!(_mm256_loadu_si256(half.as_ptr().cast()))
}

#[inline(always)]
pub(super) fn store(_: Avx2, register: __m256i, line: &mut Line, part: usize) {
    let half: &mut [u8; LINE / 2] = &mut line.0.as_chunks_mut().0[part];
    intrinsic!(_mm256_store_si256(half.as_mut_ptr().cast(), register))
}

impl Dot for I32x8 {
    type Isa = Avx2;
    type Floats = F32x8;
    type Pixels = I16x16;
    type Factors = I16x16;
    const PARTS: usize = 2;
    /// 10 accumulators, 2 operands, 1 factor, a product: 14 of 16 registers.
    const ROWS: usize = 2;
    const TILE: usize = 5;

    #[inline(always)]
    fn floats(isa: Avx2) -> Avx2 {
        isa
    }

    #[inline(always)]
    fn zero(_: Avx2) -> Self {
        Self(intrinsic!(_mm256_setzero_si256()))
    }

    #[inline(always)]
    fn pixels(isa: Avx2, line: &[u8; LINE], part: usize, pass: usize) -> I16x16 {
        let bytes = load(isa, line, part);
        I16x16(if pass == 0 {
            intrinsic!(_mm256_and_si256(bytes, _mm256_set1_epi16(0xFF)))
        } else {
            intrinsic!(_mm256_srli_epi16::<8>(bytes))
        })
    }

    #[inline(always)]
    fn factors(isa: Avx2, line: &Line, part: usize) -> I16x16 {
        I16x16(load(isa, &line.0, part))
    }

    #[inline(always)]
    fn splat(_: Avx2, four: u32) -> I16x16 {
        I16x16(intrinsic!(_mm256_set1_epi32(four as i32)))
    }

    #[inline(always)]
    fn add(self, pixels: I16x16, factors: I16x16) -> Self {
        Self(intrinsic!(_mm256_add_epi32(self.0, _mm256_madd_epi16(pixels.0, factors.0))))
    }

    #[inline(always)]
    fn turn(self) -> Self {
        self
    }

    #[inline(always)]
    fn to_floats(self, isa: Avx2) -> F32x8 {
        F32x8::from_integers(isa, self.0)
    }

    #[inline(always)]
    fn pack(isa: Avx2, groups: [&Lanes; 4], [even, odd]: &mut Numbers) {
        for part in 0..Self::PARTS {
            let number = |lanes: &Lanes| {
                let half = lanes.0.as_chunks::<8>().0[part].as_ptr();
                let bits = intrinsic!(_mm256_load_si256(half.cast()));
                // The low sixteen bits, with sign extension.
                intrinsic!(_mm256_srai_epi32::<16>(_mm256_slli_epi32::<16>(bits)))
            };
            // Four numbers of each of two groups: the first and third, then the second and fourth.
            let pairs = |a: &Lanes, b: &Lanes| {
                let words = intrinsic!(_mm256_packs_epi32(number(a), number(b)));
                let words = intrinsic!(_mm256_shufflelo_epi16::<0b11_01_10_00>(words));
                intrinsic!(_mm256_castsi256_ps(_mm256_shufflehi_epi16::<0b11_01_10_00>(words)))
            };
            let [a, b, c, d] = groups;
            let (ab, cd) = (pairs(a, b), pairs(c, d));
            let evens = intrinsic!(_mm256_castps_si256(_mm256_shuffle_ps::<0b10_00_10_00>(ab, cd)));
            let odds = intrinsic!(_mm256_castps_si256(_mm256_shuffle_ps::<0b11_01_11_01>(ab, cd)));
            store(isa, evens, even, part);
            store(isa, odds, odd, part);
        }
    }

    #[inline(always)]
    fn interleave(isa: Avx2, images: [&[u8; LINE]; 4], lines: &mut [Line; 4]) {
        interleave(isa, images, lines);
    }
}

/// [`Dot::interleave`].
#[inline(always)]
pub(super) fn interleave(isa: Avx2, images: [&[u8; LINE]; 4], lines: &mut [Line; 4]) {
    for part in 0..I32x8::PARTS {
        let [a, b, c, d] = images.map(|image| load(isa, image, part));
        let (ab, cd) = (intrinsic!(_mm256_unpacklo_epi8(a, b)), intrinsic!(_mm256_unpacklo_epi8(c, d)));
        store(isa, intrinsic!(_mm256_unpacklo_epi16(ab, cd)), &mut lines[0], part);
        store(isa, intrinsic!(_mm256_unpackhi_epi16(ab, cd)), &mut lines[1], part);
        let (ab, cd) = (intrinsic!(_mm256_unpackhi_epi8(a, b)), intrinsic!(_mm256_unpackhi_epi8(c, d)));
        store(isa, intrinsic!(_mm256_unpacklo_epi16(ab, cd)), &mut lines[2], part);
        store(isa, intrinsic!(_mm256_unpackhi_epi16(ab, cd)), &mut lines[3], part);
    }
}
