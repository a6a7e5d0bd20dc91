//! AVX2 with FMA: a register holds eight lanes; of sixteen, the low eight are processed first, then the high eight.

use std::arch::x86_64::*;

use super::vector::{LANES, Lanes, Vector, intrinsic, operators};

/// The proof that the machine has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The proof, on a machine that has them.
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

/// Eight lanes.
#[derive(Clone, Copy)]
pub(crate) struct F32x8(__m256);

impl F32x8 {
    /// Eight integers, rounded to f32.
    #[inline(always)]
    pub(crate) fn from_integers(_: Avx2, integers: __m256i) -> Self {
        Self(intrinsic!(_mm256_cvtepi32_ps(integers)))
    }
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
    /// With prefetches the compiler keeps three of ten sums in memory: an epoch takes 12 % longer.
    const PREFETCHES_BACKWARD: bool = false;
    const CHAINS: usize = 12;

    #[inline(always)]
    fn splat(_: Avx2, value: f32) -> Self {
        Self(intrinsic!(_mm256_set1_ps(value)))
    }

    #[inline(always)]
    fn load(_: Avx2, lanes: &Lanes, part: usize) -> Self {
        Self(intrinsic!(_mm256_load_ps(half(&lanes.0, part).as_ptr())))
    }

    #[inline(always)]
    fn store(self, lanes: &mut Lanes, part: usize) {
        let half = &mut lanes.0.as_chunks_mut::<8>().0[part];
        intrinsic!(_mm256_store_ps(half.as_mut_ptr(), self.0))
    }

    #[inline(always)]
    fn bytes(_: Avx2, bytes: &[u8; LANES], part: usize) -> Self {
        let bytes = half(bytes, part).as_ptr().cast();
        Self(intrinsic!(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(bytes)))))
    }

    #[inline(always)]
    fn floats(_: Avx2, floats: &[f32; LANES], part: usize) -> Self {
        let half: &[f32; LANES / 2] = &floats.as_chunks().0[part];
        Self(intrinsic!(_mm256_loadu_ps(half.as_ptr())))
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(intrinsic!(_mm256_fmadd_ps(self.0, factor.0, addend.0)))
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(intrinsic!(_mm256_max_ps(self.0, other.0)))
    }

    #[inline(always)]
    fn if_less(self, bound: Self, then: Self, otherwise: Self) -> Self {
        let less = intrinsic!(_mm256_cmp_ps::<_CMP_LT_OQ>(self.0, bound.0));
        Self(intrinsic!(_mm256_blendv_ps(otherwise.0, then.0, less)))
    }

    #[inline(always)]
    fn if_equal(self, value: Self, then: Self, otherwise: Self) -> Self {
        let equal = intrinsic!(_mm256_cmp_ps::<_CMP_EQ_OQ>(self.0, value.0));
        Self(intrinsic!(_mm256_blendv_ps(otherwise.0, then.0, equal)))
    }

    #[inline(always)]
    fn exp2_of_low_bits(self) -> Self {
        let exponent = intrinsic!(_mm256_slli_epi32::<23>(_mm256_castps_si256(self.0)));
        let one = intrinsic!(_mm256_castps_si256(_mm256_set1_ps(1.0)));
        Self(intrinsic!(_mm256_castsi256_ps(_mm256_add_epi32(exponent, one))))
    }

    #[inline(always)]
    fn sums(isa: Avx2, pairs: &[Lanes; LANES / 2], part: usize) -> Self {
        // Each round adds lanes of two registers a and b: first the sums of a, then those of b. Their rows are 4 apart,
        // then 2, then 1.
        let row = |i: usize| Self::load(isa, &pairs[4 * part + i / 2], i % 2).0;
        let mut fours = [Self::splat(isa, 0.0); 4];
        for (i, four) in fours.iter_mut().enumerate() {
            let (a, b) = (row(i), row(i + 4));
            let low = intrinsic!(_mm256_permute2f128_ps::<0x20>(a, b)); // half 0
            let high = intrinsic!(_mm256_permute2f128_ps::<0x31>(a, b)); // half 1
            *four = Self(low) + Self(high);
        }
        let mut twos = [Self::splat(isa, 0.0); 2];
        for (i, two) in twos.iter_mut().enumerate() {
            let (a, b) = (fours[i].0, fours[i + 2].0);
            let low = intrinsic!(_mm256_shuffle_ps::<0b01_00_01_00>(a, b)); // lanes 0 and 1 of each half
            let high = intrinsic!(_mm256_shuffle_ps::<0b11_10_11_10>(a, b)); // 2 and 3
            *two = Self(low) + Self(high);
        }
        let even = intrinsic!(_mm256_shuffle_ps::<0b10_00_10_00>(twos[0].0, twos[1].0)); // lanes 0 and 2
        let odd = intrinsic!(_mm256_shuffle_ps::<0b11_01_11_01>(twos[0].0, twos[1].0)); // 1 and 3
        let ones = Self(even) + Self(odd);
        // Bits 2, 1, 0 of a row's number are now bits 2, 0, 1 of its lane's number.
        let rows = intrinsic!(_mm256_set_epi32(7, 5, 6, 4, 3, 1, 2, 0));
        Self(intrinsic!(_mm256_permutevar8x32_ps(ones.0, rows)))
    }

    #[inline(always)]
    fn prefetch<T>(_: Avx2, at: &T) {
        intrinsic!(_mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(at).cast()))
    }

    #[inline(always)]
    fn prefetch_second<T>(_: Avx2, at: &T) {
        intrinsic!(_mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(at).cast()))
    }
}

operators!(F32x8, |a, b|
    Add::add => intrinsic!(_mm256_add_ps(a, b)),
    Sub::sub => intrinsic!(_mm256_sub_ps(a, b)),
    Mul::mul => intrinsic!(_mm256_mul_ps(a, b)),
    Div::div => intrinsic!(_mm256_div_ps(a, b)),
);
