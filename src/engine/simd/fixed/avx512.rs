//! AVX-512 VNNI: four products of bytes in each of sixteen lanes at once, one sum for each limb.

use std::arch::x86_64::*;

use super::super::avx512::{Avx512, F32x16};
use super::super::vector::{LANES, Lanes};
use super::dot::{Dot, LINE, Line, Numbers};

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

/// Sixteen sums of products with the high limbs, and sixteen with the low ones.
#[derive(Clone, Copy)]
pub(super) struct I32x16 {
    high: __m512i,
    low: __m512i,
}

/// 64 bytes.
#[derive(Clone, Copy)]
pub(super) struct U8x64(__m512i);

/// 64 numbers: their high limbs, and their low ones.
#[derive(Clone, Copy)]
pub(super) struct Limbs {
    high: __m512i,
    low: __m512i,
}

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
    type Pixels = U8x64;
    type Factors = Limbs;

    const PARTS: usize = 1;
    /// 20 accumulators, 2 operands, 2 limbs: 24 of 32 registers.
    const TILE: usize = 5;

    #[inline(always)]
    fn floats(isa: Vnni) -> Avx512 {
        isa.0
    }

    #[inline(always)]
    fn zero(_: Vnni) -> Self {
        let zero = avx512!(_mm512_setzero_si512());
        Self { high: zero, low: zero }
    }

    #[inline(always)]
    fn pixels(isa: Vnni, line: &[u8; LINE], _: usize) -> U8x64 {
        U8x64(load(isa, line))
    }

    #[inline(always)]
    fn factors(isa: Vnni, [high, low]: &Numbers, _: usize) -> Limbs {
        Limbs { high: load(isa, &high.0), low: load(isa, &low.0) }
    }

    #[inline(always)]
    fn splat(_: Vnni, &[high, low]: &[u32; 2]) -> Limbs {
        let splat = |four: u32| avx512!(_mm512_set1_epi32(four as i32));
        Limbs { high: splat(high), low: splat(low) }
    }

    #[inline(always)]
    fn add(self, pixels: U8x64, factors: Limbs) -> Self {
        let high = avx512!(_mm512_dpbusd_epi32(self.high, pixels.0, factors.high));
        Self { high, low: avx512!(_mm512_dpbusd_epi32(self.low, pixels.0, factors.low)) }
    }

    #[inline(always)]
    fn to_floats(self, isa: Vnni) -> F32x16 {
        let sum = avx512!(_mm512_add_epi32(_mm512_slli_epi32::<8>(self.high), self.low));
        F32x16::from_integers(isa.0, sum)
    }

    #[inline(always)]
    fn pack(isa: Vnni, groups: [&Lanes; 4], [high, low]: &mut Numbers) {
        let [a, b, c, d] = groups.map(|lanes| avx512!(_mm512_load_si512(lanes.0.as_ptr().cast())));
        // The low byte as it is; 128 more carries its sign into the high one.
        let byte = avx512!(_mm512_set1_epi32(0xFF));
        let half = avx512!(_mm512_set1_epi32(0x80));
        let low_limb = |x| avx512!(_mm512_and_si512(x, byte));
        let high_limb = |x| {
            let carried = avx512!(_mm512_add_epi32(x, half));
            avx512!(_mm512_and_si512(_mm512_srli_epi32::<8>(carried), byte))
        };
        // Packing within quarters undoes what interleaving within quarters does.
        let bytes = |a, b, c, d| {
            let (ab, cd) = (avx512!(_mm512_packus_epi32(a, b)), avx512!(_mm512_packus_epi32(c, d)));
            avx512!(_mm512_packus_epi16(ab, cd))
        };
        store(isa, bytes(high_limb(a), high_limb(b), high_limb(c), high_limb(d)), high);
        store(isa, bytes(low_limb(a), low_limb(b), low_limb(c), low_limb(d)), low);
    }

    #[inline(always)]
    fn fours(numbers: &[i32; LANES]) -> [[u32; 2]; LANES / 4] {
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

    #[inline(always)]
    fn prefetch(_: Vnni, byte: &u8) {
        avx512!(_mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(byte).cast()))
    }
}
