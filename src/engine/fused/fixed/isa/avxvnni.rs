//! AVX-VNNI: four products of bytes in each of eight lanes, first with high limbs, then with low ones.
//!
//! It has not run on a machine yet: the tests run the same code with a model of the instruction, made of AVX2's.

use std::arch::x86_64::*;
use std::marker::PhantomData;

use super::avx2::{interleave, load, store};
use crate::engine::fused::fixed::dot::{Dot, LINE, Line, Numbers, PASSES, limbs_in_fours};
use crate::engine::fused::isa::avx2::{Avx2, F32x8};
use crate::engine::fused::isa::vector::{LANES, Lanes, intrinsic};

/// The proof that the machine has AVX-VNNI, AVX2 and FMA.
#[derive(Clone, Copy)]
pub(crate) struct AvxVnni(Avx2);

impl AvxVnni {
    /// The proof, on a machine that has them.
    pub(crate) fn detect() -> Option<Self> {
        let isa = Avx2::detect()?;
        is_x86_feature_detected!("avxvnni").then_some(Self(isa))
    }
}

/// The instruction that multiplies bytes and adds.
pub(crate) trait Products: Copy {
    fn avx2(self) -> Avx2;

    /// `sums + pixels . factors`, four unsigned bytes by four signed ones in each lane. Nothing saturates.
    fn add(sums: __m256i, pixels: __m256i, factors: __m256i) -> __m256i;
}

impl Products for AvxVnni {
    #[inline(always)]
    fn avx2(self) -> Avx2 {
        self.0
    }

    #[inline(always)]
    fn add(sums: __m256i, pixels: __m256i, factors: __m256i) -> __m256i {
        intrinsic!(_mm256_dpbusd_avx_epi32(sums, pixels, factors))
    }
}

/// A model of the instruction, for machines that lack it: of each two bytes, one after the other, extended to 16 bits.
#[cfg(test)]
#[derive(Clone, Copy)]
pub(crate) struct Model(pub(crate) Avx2);

#[cfg(test)]
impl Products for Model {
    #[inline(always)]
    fn avx2(self) -> Avx2 {
        self.0
    }

    #[inline(always)]
    fn add(sums: __m256i, pixels: __m256i, factors: __m256i) -> __m256i {
        let evens = intrinsic!(_mm256_madd_epi16(
            _mm256_and_si256(pixels, _mm256_set1_epi16(0xFF)),
            _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(factors)),
        ));
        let odds =
            intrinsic!(_mm256_madd_epi16(_mm256_srli_epi16::<8>(pixels), _mm256_srai_epi16::<8>(factors)));
        intrinsic!(_mm256_add_epi32(_mm256_add_epi32(sums, evens), odds))
    }
}

/// Eight sums.
#[derive(Clone, Copy)]
pub(crate) struct Sums<P>(__m256i, PhantomData<P>);

/// 32 bytes: pixels, or limbs of numbers.
#[derive(Clone, Copy)]
pub(crate) struct Bytes(__m256i);

impl<P: Products> Dot for Sums<P> {
    type Isa = P;
    type Floats = F32x8;
    type Pixels = Bytes;
    type Factors = Bytes;
    const PARTS: usize = 2;
    /// 10 accumulators, 2 operands, 1 factor: 13 of 16 registers.
    const ROWS: usize = 2;
    const TILE: usize = 5;

    #[inline(always)]
    fn floats(isa: P) -> Avx2 {
        isa.avx2()
    }

    #[inline(always)]
    fn zero(_: P) -> Self {
        Self(intrinsic!(_mm256_setzero_si256()), PhantomData)
    }

    #[inline(always)]
    fn pixels(isa: P, line: &[u8; LINE], part: usize, _: usize) -> Bytes {
        Bytes(load(isa.avx2(), line, part))
    }

    #[inline(always)]
    fn factors(isa: P, line: &Line, part: usize) -> Bytes {
        Bytes(load(isa.avx2(), &line.0, part))
    }

    #[inline(always)]
    fn splat(_: P, four: u32) -> Bytes {
        Bytes(intrinsic!(_mm256_set1_epi32(four as i32)))
    }

    #[inline(always)]
    fn add(self, pixels: Bytes, factors: Bytes) -> Self {
        Self(P::add(self.0, pixels.0, factors.0), PhantomData)
    }

    #[inline(always)]
    fn turn(self) -> Self {
        Self(intrinsic!(_mm256_slli_epi32::<8>(self.0)), PhantomData)
    }

    #[inline(always)]
    fn to_floats(self, isa: P) -> F32x8 {
        F32x8::from_integers(isa.avx2(), self.0)
    }

    #[inline(always)]
    fn pack(isa: P, groups: [&Lanes; 4], [high, low]: &mut Numbers) {
        for part in 0..Self::PARTS {
            let number = |lanes: &Lanes| {
                let bits = intrinsic!(_mm256_load_si256(lanes.0.as_chunks::<8>().0[part].as_ptr().cast()));
                // The low sixteen bits, with sign extension.
                intrinsic!(_mm256_srai_epi32::<16>(_mm256_slli_epi32::<16>(bits)))
            };
            let [a, b, c, d] = groups.map(number);
            let (ab, cd) = (intrinsic!(_mm256_packs_epi32(a, b)), intrinsic!(_mm256_packs_epi32(c, d)));
            // The low byte is a limb as it is. Adding 0x80 carries its sign into the high byte.
            let low_limbs = |words| intrinsic!(_mm256_and_si256(words, _mm256_set1_epi16(0xFF)));
            let high_limbs = |words| {
                let carried = intrinsic!(_mm256_add_epi16(words, _mm256_set1_epi16(0x80)));
                intrinsic!(_mm256_srli_epi16::<8>(carried))
            };
            store(isa.avx2(), intrinsic!(_mm256_packus_epi16(high_limbs(ab), high_limbs(cd))), high, part);
            store(isa.avx2(), intrinsic!(_mm256_packus_epi16(low_limbs(ab), low_limbs(cd))), low, part);
        }
    }

    #[inline(always)]
    fn fours(numbers: &[i32; LANES]) -> [[u32; PASSES]; LANES / 4] {
        limbs_in_fours(numbers)
    }

    #[inline(always)]
    fn interleave(isa: P, images: [&[u8; LINE]; 4], lines: &mut [Line; 4]) {
        interleave(isa.avx2(), images, lines);
    }
}
