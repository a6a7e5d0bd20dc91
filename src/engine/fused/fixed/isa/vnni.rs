//! AVX-512 VNNI: four products of bytes in each of sixteen lanes, first with high limbs, then with low ones.

use std::arch::x86_64::*;

use crate::engine::fused::fixed::dot::{Dot, LINE, Line, Numbers, PASSES, limbs_in_fours};
use crate::engine::fused::isa::avx512::{Avx512, F32x16};
use crate::engine::fused::isa::vector::{LANES, Lanes, intrinsic};

/// The proof that the machine has AVX-512 F, BW, DQ, VL and VNNI.
#[derive(Clone, Copy)]
pub(crate) struct Vnni(Avx512);

impl Vnni {
    /// The proof, on a machine that has them.
    pub(crate) fn detect() -> Option<Self> {
        let isa = Avx512::detect()?;
        is_x86_feature_detected!("avx512vnni").then_some(Self(isa))
    }
}

/// Sixteen sums.
#[derive(Clone, Copy)]
pub(crate) struct I32x16(__m512i);

/// 64 bytes: pixels, or limbs of numbers.
#[derive(Clone, Copy)]
pub(crate) struct Bytes(__m512i);

/// 64 bytes, at any address.
#[inline(always)]
fn load(_: Vnni, bytes: &[u8; LINE]) -> __m512i {
    intrinsic!(_mm512_loadu_si512(bytes.as_ptr().cast()))
}

#[inline(always)]
fn store(_: Vnni, register: __m512i, line: &mut Line) {
    intrinsic!(_mm512_store_si512(line.0.as_mut_ptr().cast(), register))
}

impl Dot for I32x16 {
    type Isa = Vnni;
    type Floats = F32x16;
    type Pixels = Bytes;
    type Factors = Bytes;
    const PARTS: usize = 1;
    /// 20 accumulators, 4 operands, 1 factor: 25 of 32 registers.
    const ROWS: usize = 4;
    const TILE: usize = 5;

    #[inline(always)]
    fn floats(isa: Vnni) -> Avx512 {
        isa.0
    }

    #[inline(always)]
    fn zero(_: Vnni) -> Self {
        Self(intrinsic!(_mm512_setzero_si512()))
    }

    #[inline(always)]
    fn pixels(isa: Vnni, line: &[u8; LINE], _: usize, _: usize) -> Bytes {
        Bytes(load(isa, line))
    }

    #[inline(always)]
    fn factors(isa: Vnni, line: &Line, _: usize) -> Bytes {
        Bytes(load(isa, &line.0))
    }

    #[inline(always)]
    fn splat(_: Vnni, four: u32) -> Bytes {
        Bytes(intrinsic!(_mm512_set1_epi32(four as i32)))
    }

    #[inline(always)]
    fn add(self, pixels: Bytes, factors: Bytes) -> Self {
        Self(intrinsic!(_mm512_dpbusd_epi32(self.0, pixels.0, factors.0)))
    }

    #[inline(always)]
    fn turn(self) -> Self {
        Self(intrinsic!(_mm512_slli_epi32::<8>(self.0)))
    }

    #[inline(always)]
    fn to_floats(self, isa: Vnni) -> F32x16 {
        F32x16::from_integers(isa.0, self.0)
    }

    #[inline(always)]
    fn pack(isa: Vnni, groups: [&Lanes; 4], [high, low]: &mut Numbers) {
        let [a, b, c, d] = groups.map(|lanes| intrinsic!(_mm512_load_si512(lanes.0.as_ptr().cast())));
        // Each quarter of `ab` is the low words of that quarter of a, then of b, whose words are counted from 32. The
        // packing at the end works within quarters as well.
        let [p, q, r, s] =
            [0, 1, 2, 3].map(|quarter| 0x0006_0004_0002_0000 + 0x0008_0008_0008_0008 * quarter);
        let second = 0x0020_0020_0020_0020;
        let order = intrinsic!(_mm512_set_epi64(s + second, s, r + second, r, q + second, q, p + second, p));
        let ab = intrinsic!(_mm512_permutex2var_epi16(a, order, b));
        let cd = intrinsic!(_mm512_permutex2var_epi16(c, order, d));
        // The low byte is a limb as it is. Adding 0x80 carries its sign into the high byte.
        let low_limbs = |words| intrinsic!(_mm512_and_si512(words, _mm512_set1_epi16(0xFF)));
        let high_limbs = |words| {
            let carried = intrinsic!(_mm512_add_epi16(words, _mm512_set1_epi16(0x80)));
            intrinsic!(_mm512_srli_epi16::<8>(carried))
        };
        store(isa, intrinsic!(_mm512_packus_epi16(high_limbs(ab), high_limbs(cd))), high);
        store(isa, intrinsic!(_mm512_packus_epi16(low_limbs(ab), low_limbs(cd))), low);
    }

    #[inline(always)]
    fn fours(numbers: &[i32; LANES]) -> [[u32; PASSES]; LANES / 4] {
        limbs_in_fours(numbers)
    }

    #[inline(always)]
    fn interleave(isa: Vnni, images: [&[u8; LINE]; 4], lines: &mut [Line; 4]) {
        let [a, b, c, d] = images.map(|image| load(isa, image));
        let (ab, cd) = (intrinsic!(_mm512_unpacklo_epi8(a, b)), intrinsic!(_mm512_unpacklo_epi8(c, d)));
        store(isa, intrinsic!(_mm512_unpacklo_epi16(ab, cd)), &mut lines[0]);
        store(isa, intrinsic!(_mm512_unpackhi_epi16(ab, cd)), &mut lines[1]);
        let (ab, cd) = (intrinsic!(_mm512_unpackhi_epi8(a, b)), intrinsic!(_mm512_unpackhi_epi8(c, d)));
        store(isa, intrinsic!(_mm512_unpacklo_epi16(ab, cd)), &mut lines[2]);
        store(isa, intrinsic!(_mm512_unpackhi_epi16(ab, cd)), &mut lines[3]);
    }
}
