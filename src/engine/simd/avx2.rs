//! AVX2 with FMA: a register holds eight lanes; sixteen are walked as the low eight, then the high eight.

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Sub};

use super::vector::{LANES, Lanes, Vector};

/// The machine has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The proof, on a machine that has it.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

/// Eight lanes.
#[derive(Clone, Copy)]
pub(super) struct F32x8(__m256);

/// An intrinsic, called.
macro_rules! avx2 {
    ($call:expr) => {
        // SAFETY: a value of `Avx2`, and so of `F32x8`, exists only where the machine has the instructions;
        // what is read or written lies behind a reference that covers all of it.
        unsafe { $call }
    };
}

/// The eight values of part `part`.
#[inline(always)]
fn half<T>(sixteen: &[T; LANES], part: usize) -> &[T; 8] {
    &sixteen.as_chunks::<8>().0[part]
}

impl Vector for F32x8 {
    type Isa = Avx2;
    const PARTS: usize = 2;
    /// 10 accumulators, 2 operands, 1 weight: 13 of 16 registers.
    const TILE: usize = 5;

    #[inline(always)]
    fn splat(_: Avx2, value: f32) -> Self {
        Self(avx2!(_mm256_set1_ps(value)))
    }

    #[inline(always)]
    fn load(_: Avx2, lanes: &Lanes, part: usize) -> Self {
        Self(avx2!(_mm256_load_ps(half(&lanes.0, part).as_ptr())))
    }

    #[inline(always)]
    fn store(self, lanes: &mut Lanes, part: usize) {
        let half = &mut lanes.0.as_chunks_mut::<8>().0[part];
        avx2!(_mm256_store_ps(half.as_mut_ptr(), self.0))
    }

    #[inline(always)]
    fn bytes(_: Avx2, bytes: &[u8; LANES], part: usize) -> Self {
        let bytes = half(bytes, part).as_ptr().cast();
        Self(avx2!(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(bytes)))))
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(avx2!(_mm256_fmadd_ps(self.0, factor.0, addend.0)))
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(avx2!(_mm256_max_ps(self.0, other.0)))
    }

    #[inline(always)]
    fn if_less(self, bound: Self, then: Self, otherwise: Self) -> Self {
        let less = avx2!(_mm256_cmp_ps::<_CMP_LT_OQ>(self.0, bound.0));
        Self(avx2!(_mm256_blendv_ps(otherwise.0, then.0, less)))
    }

    #[inline(always)]
    fn if_equal(self, value: Self, then: Self, otherwise: Self) -> Self {
        let equal = avx2!(_mm256_cmp_ps::<_CMP_EQ_OQ>(self.0, value.0));
        Self(avx2!(_mm256_blendv_ps(otherwise.0, then.0, equal)))
    }

    #[inline(always)]
    fn exp2_of_low_bits(self) -> Self {
        let exponent = avx2!(_mm256_slli_epi32::<23>(_mm256_castps_si256(self.0)));
        let one = avx2!(_mm256_castps_si256(_mm256_set1_ps(1.0)));
        Self(avx2!(_mm256_castsi256_ps(_mm256_add_epi32(exponent, one))))
    }

    #[inline(always)]
    fn sums(isa: Avx2, [a, b, c, d]: [&Lanes; 4]) -> [f32; 4] {
        // Halves of a register are written a0 a1, of four lanes each.
        let eights = |lanes: &Lanes| Self::load(isa, lanes, 0) + Self::load(isa, lanes, 1);
        let fours = |a: Self, b: Self| {
            let low = avx2!(_mm256_permute2f128_ps::<0x20>(a.0, b.0)); // a0 b0
            let high = avx2!(_mm256_permute2f128_ps::<0x31>(a.0, b.0)); // a1 b1
            Self(low) + Self(high)
        };
        let (ab, cd) = (fours(eights(a), eights(b)), fours(eights(c), eights(d)));
        let low = avx2!(_mm256_shuffle_ps::<0b01_00_01_00>(ab.0, cd.0)); // two of a, two of c; b, d
        let high = avx2!(_mm256_shuffle_ps::<0b11_10_11_10>(ab.0, cd.0));
        let twos = Self(low) + Self(high);
        let ones = twos + Self(avx2!(_mm256_permute_ps::<0b10_11_00_01>(twos.0)));
        let first_of_each = avx2!(_mm256_set_epi32(0, 0, 0, 0, 6, 2, 4, 0));
        let sums = avx2!(_mm256_castps256_ps128(_mm256_permutevar8x32_ps(ones.0, first_of_each)));
        let mut array = [0.0; 4];
        avx2!(_mm_storeu_ps(array.as_mut_ptr(), sums));
        array
    }

    #[inline(always)]
    fn prefetch(_: Avx2, byte: &u8) {
        avx2!(_mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(byte).cast()))
    }
}

impl Add for F32x8 {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(avx2!(_mm256_add_ps(self.0, other.0)))
    }
}

impl Sub for F32x8 {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(avx2!(_mm256_sub_ps(self.0, other.0)))
    }
}

impl Mul for F32x8 {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(avx2!(_mm256_mul_ps(self.0, other.0)))
    }
}

impl Div for F32x8 {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Self(avx2!(_mm256_div_ps(self.0, other.0)))
    }
}
