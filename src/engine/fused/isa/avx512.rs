//! AVX-512: a register holds all sixteen lanes.

use std::arch::x86_64::*;

use super::vector::{LANES, Lanes, Vector, intrinsic, operators};

/// The proof that the machine has AVX-512 F, BW, DQ and VL.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// The proof, on a machine that has them.
    pub(crate) fn detect() -> Option<Self> {
        let detected = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("fma");
        detected.then_some(Self(()))
    }
}

/// Sixteen lanes.
#[derive(Clone, Copy)]
pub(crate) struct F32x16(__m512);

impl F32x16 {
    /// Sixteen integers, rounded to f32.
    #[inline(always)]
    pub(crate) fn from_integers(_: Avx512, integers: __m512i) -> Self {
        Self(intrinsic!(_mm512_cvtepi32_ps(integers)))
    }
}

impl Vector for F32x16 {
    type Isa = Avx512;
    const PARTS: usize = 1;
    /// 20 accumulators, 2 operands, 1 weight: 23 of 32 registers.
    const TILE: usize = 10;
    const PREFETCHES_BACKWARD: bool = true;
    const CHAINS: usize = 20;

    #[inline(always)]
    fn splat(_: Avx512, value: f32) -> Self {
        Self(intrinsic!(_mm512_set1_ps(value)))
    }

    #[inline(always)]
    fn load(_: Avx512, lanes: &Lanes, _: usize) -> Self {
        Self(intrinsic!(_mm512_load_ps(lanes.0.as_ptr())))
    }

    #[inline(always)]
    fn store(self, lanes: &mut Lanes, _: usize) {
        intrinsic!(_mm512_store_ps(lanes.0.as_mut_ptr(), self.0))
    }

    #[inline(always)]
    fn bytes(_: Avx512, bytes: &[u8; LANES], _: usize) -> Self {
        Self(intrinsic!(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(bytes.as_ptr().cast())))))
    }

    #[inline(always)]
    fn floats(_: Avx512, floats: &[f32; LANES], _: usize) -> Self {
        Self(intrinsic!(_mm512_loadu_ps(floats.as_ptr())))
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(intrinsic!(_mm512_fmadd_ps(self.0, factor.0, addend.0)))
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(intrinsic!(_mm512_max_ps(self.0, other.0)))
    }

    #[inline(always)]
    fn if_less(self, bound: Self, then: Self, otherwise: Self) -> Self {
        let less = intrinsic!(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(self.0, bound.0));
        Self(intrinsic!(_mm512_mask_blend_ps(less, otherwise.0, then.0)))
    }

    #[inline(always)]
    fn if_equal(self, value: Self, then: Self, otherwise: Self) -> Self {
        let equal = intrinsic!(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(self.0, value.0));
        Self(intrinsic!(_mm512_mask_blend_ps(equal, otherwise.0, then.0)))
    }

    #[inline(always)]
    fn exp2_of_low_bits(self) -> Self {
        let exponent = intrinsic!(_mm512_slli_epi32::<23>(_mm512_castps_si512(self.0)));
        let one = intrinsic!(_mm512_castps_si512(_mm512_set1_ps(1.0)));
        Self(intrinsic!(_mm512_castsi512_ps(_mm512_add_epi32(exponent, one))))
    }

    #[inline(always)]
    fn halve(_: Avx512, [a, b]: [Self; 2], _: usize, pair: &mut Lanes) {
        let crossed = intrinsic!(_mm512_shuffle_f32x4::<0b01_00_11_10>(a.0, b.0)); // the high half of a, the low half of b
        let straight = intrinsic!(_mm512_mask_blend_ps(0xFF00, a.0, b.0)); // the low half of a, the high half of b
        (Self(straight) + Self(crossed)).store(pair, 0);
    }

    #[inline(always)]
    fn sums(isa: Avx512, pairs: &[Lanes; LANES / 2], _: usize) -> Self {
        // Each round adds lanes of two registers a and b: first the sums of a, then those of b. Their pairs are 4 apart,
        // then 2, then 1. Quarters of a register, and lanes of a quarter, are counted from 0 to 3.
        let mut fours = [Self::splat(isa, 0.0); 4];
        for (i, four) in fours.iter_mut().enumerate() {
            let (a, b) = (Self::load(isa, &pairs[i], 0).0, Self::load(isa, &pairs[i + 4], 0).0);
            let even = intrinsic!(_mm512_shuffle_f32x4::<0b10_00_10_00>(a, b)); // quarters 0 and 2
            let odd = intrinsic!(_mm512_shuffle_f32x4::<0b11_01_11_01>(a, b)); // 1 and 3
            *four = Self(even) + Self(odd);
        }
        let mut twos = [Self::splat(isa, 0.0); 2];
        for (i, two) in twos.iter_mut().enumerate() {
            let (a, b) = (fours[i].0, fours[i + 2].0);
            let low = intrinsic!(_mm512_shuffle_ps::<0b01_00_01_00>(a, b)); // lanes 0 and 1
            let high = intrinsic!(_mm512_shuffle_ps::<0b11_10_11_10>(a, b)); // 2 and 3
            *two = Self(low) + Self(high);
        }
        let even = intrinsic!(_mm512_shuffle_ps::<0b10_00_10_00>(twos[0].0, twos[1].0)); // lanes 0 and 2
        let odd = intrinsic!(_mm512_shuffle_ps::<0b11_01_11_01>(twos[0].0, twos[1].0)); // 1 and 3
        let ones = Self(even) + Self(odd);
        // Bits 3, 2, 1, 0 of a row's number are now bits 3, 0, 1, 2 of its lane's number.
        let rows = intrinsic!(_mm512_set_epi32(15, 11, 13, 9, 14, 10, 12, 8, 7, 3, 5, 1, 6, 2, 4, 0));
        Self(intrinsic!(_mm512_permutexvar_ps(rows, ones.0)))
    }

    #[inline(always)]
    fn prefetch<T>(_: Avx512, at: &T) {
        intrinsic!(_mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(at).cast()))
    }

    #[inline(always)]
    fn prefetch_second<T>(_: Avx512, at: &T) {
        intrinsic!(_mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(at).cast()))
    }
}

operators!(F32x16, |a, b|
    Add::add => intrinsic!(_mm512_add_ps(a, b)),
    Sub::sub => intrinsic!(_mm512_sub_ps(a, b)),
    Mul::mul => intrinsic!(_mm512_mul_ps(a, b)),
    Div::div => intrinsic!(_mm512_div_ps(a, b)),
);
