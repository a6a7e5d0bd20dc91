//! AVX-512 VNNI: four products of bytes in each of sixteen lanes at once: first with high limbs, then with low ones.

use std::arch::x86_64::*;

use super::super::avx512::{Avx512, F32x16};
use super::super::vector::{LANES, Lanes};
use super::dot::{Dot, LINE, Line, Numbers, PASSES};

/// The machine has AVX-512 F, BW, DQ, VL and VNNI.
#[derive(Clone, Copy)]
pub(super) struct Vnni(Avx512);

impl Vnni {
    /// The proof, on a machine that has it.
    pub(super) fn detect() -> Option<Self> {
        let isa = Avx512::detect()?;
        is_x86_feature_detected!("avx512vnni").then_some(Self(isa))
    }
}

/// Sixteen sums.
#[derive(Clone, Copy)]
pub(super) struct I32x16(__m512i);

/// 64 bytes: pixels, or limbs of numbers.
#[derive(Clone, Copy)]
pub(super) struct Bytes(__m512i);

/// An intrinsic, called.
macro_rules! avx512 {
    ($call:expr) => {
        // SAFETY: a value of `Vnni`, and so of the registers here, exists only where the machine has the
        // instructions; what is read or written lies behind a reference that covers all of it.
        unsafe { $call }
    };
}

/// 64 bytes, at any address.
#[inline(always)]
fn load(_: Vnni, bytes: &[u8; LINE]) -> __m512i {
    avx512!(_mm512_loadu_si512(bytes.as_ptr().cast()))
}

#[inline(always)]
fn store(_: Vnni, register: __m512i, line: &mut Line) {
    avx512!(_mm512_store_si512(line.0.as_mut_ptr().cast(), register))
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
        Self(avx512!(_mm512_setzero_si512()))
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
        Bytes(avx512!(_mm512_set1_epi32(four as i32)))
    }

    #[inline(always)]
    fn add(self, pixels: Bytes, factors: Bytes) -> Self {
        Self(avx512!(_mm512_dpbusd_epi32(self.0, pixels.0, factors.0)))
    }

    #[inline(always)]
    fn turn(self) -> Self {
        Self(avx512!(_mm512_slli_epi32::<8>(self.0)))
    }

    #[inline(always)]
    fn to_floats(self, isa: Vnni) -> F32x16 {
        F32x16::from_integers(isa.0, self.0)
    }

    #[inline(always)]
    fn pack(isa: Vnni, groups: [&Lanes; 4], [high, low]: &mut Numbers) {
        let [a, b, c, d] = groups.map(|lanes| avx512!(_mm512_load_si512(lanes.0.as_ptr().cast())));
        // Packing within quarters undoes what interleaving within quarters does: first the low words of two groups, of
        // which the second one's are counted from 32.
        let [p, q, r, s] =
            [0, 1, 2, 3].map(|quarter| 0x0006_0004_0002_0000 + 0x0008_0008_0008_0008 * quarter);
        let second = 0x0020_0020_0020_0020;
        let order = avx512!(_mm512_set_epi64(s + second, s, r + second, r, q + second, q, p + second, p));
        let ab = avx512!(_mm512_permutex2var_epi16(a, order, b));
        let cd = avx512!(_mm512_permutex2var_epi16(c, order, d));
        // The low byte as it is; half of its range more carries its sign into the high one.
        let low_limbs = |words| avx512!(_mm512_and_si512(words, _mm512_set1_epi16(0xFF)));
        let high_limbs = |words| {
            let carried = avx512!(_mm512_add_epi16(words, _mm512_set1_epi16(0x80)));
            avx512!(_mm512_srli_epi16::<8>(carried))
        };
        store(isa, avx512!(_mm512_packus_epi16(high_limbs(ab), high_limbs(cd))), high);
        store(isa, avx512!(_mm512_packus_epi16(low_limbs(ab), low_limbs(cd))), low);
    }

    #[inline(always)]
    fn fours(numbers: &[i32; LANES]) -> [[u32; PASSES]; LANES / 4] {
        let high = numbers.map(|number| ((number + 0x80) >> 8) as u8);
        let low = numbers.map(|number| number as u8);
        let four = |bytes: &[u8; LANES], i: usize| u32::from_le_bytes(bytes.as_chunks().0[i]);
        std::array::from_fn(|i| [four(&high, i), four(&low, i)])
    }

    #[inline(always)]
    fn interleave(isa: Vnni, images: [&[u8; LINE]; 4], lines: &mut [Line; 4]) {
        let [a, b, c, d] = images.map(|image| load(isa, image));
        let (ab, cd) = (avx512!(_mm512_unpacklo_epi8(a, b)), avx512!(_mm512_unpacklo_epi8(c, d)));
        store(isa, avx512!(_mm512_unpacklo_epi16(ab, cd)), &mut lines[0]);
        store(isa, avx512!(_mm512_unpackhi_epi16(ab, cd)), &mut lines[1]);
        let (ab, cd) = (avx512!(_mm512_unpackhi_epi8(a, b)), avx512!(_mm512_unpackhi_epi8(c, d)));
        store(isa, avx512!(_mm512_unpacklo_epi16(ab, cd)), &mut lines[2]);
        store(isa, avx512!(_mm512_unpackhi_epi16(ab, cd)), &mut lines[3]);
    }
}
