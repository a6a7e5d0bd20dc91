//! The exponential function, the same bits on every instruction set.

use crate::engine::fused::isa::vector::Vector;

/// Below this argument the result is 0: smaller exponentials would soon be denormal.
pub(crate) const FLOOR: f32 = -87.0;

/// 1.5 * 2^23: adding it leaves the nearest integer in the low bits.
const ROUND: f32 = 12_582_912.0;
/// ln 2 as a sum of two; the first has so few bits that its product with an exponent is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// The coefficients of r^7 to r^2 for `|r| <= ln 2 / 2`, from Cephes' `expf`.
const COEFFICIENTS: [f32; 6] =
    [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1];

/// `e^x` for x from minus infinity to 88, with a relative error below 1e-7; 0 below [`FLOOR`], NaN for NaN.
///
/// `x = n ln 2 + r`, so `e^x = 2^n e^r`.
#[inline(always)]
pub(crate) fn exp<V: Vector>(isa: V::Isa, x: V) -> V {
    let constant = |value| V::splat(isa, value);
    let rounded = x.mul_add(constant(std::f32::consts::LOG2_E), constant(ROUND));
    let n = rounded - constant(ROUND);
    let r = n.mul_add(constant(-LN_2_HIGH), x);
    let r = n.mul_add(constant(-LN_2_LOW), r);
    let mut polynomial = constant(COEFFICIENTS[0]);
    for coefficient in &COEFFICIENTS[1..] {
        polynomial = polynomial.mul_add(r, constant(*coefficient));
    }
    let e_r = polynomial.mul_add(r * r, r) + constant(1.0);
    let result = e_r * rounded.exp2_of_low_bits();
    x.if_less(constant(FLOOR), constant(0.0), result)
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;
    #[cfg(target_arch = "x86_64")]
    use crate::engine::fused::isa::avx2::{Avx2, F32x8};
    use crate::engine::fused::isa::portable::{F32x4, Portable};
    use crate::engine::fused::isa::vector::{LANES, Lanes};

    fn portable(x: [f32; LANES]) -> [f32; LANES] {
        let mut result = Lanes([f32::NAN; LANES]);
        for part in 0..F32x4::PARTS {
            exp(Portable, F32x4::load(Portable, &Lanes(x), part)).store(&mut result, part);
        }
        result.0
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn avx2(isa: Avx2, x: [f32; LANES]) -> [f32; LANES] {
        let mut result = Lanes([f32::NAN; LANES]);
        for part in 0..F32x8::PARTS {
            exp(isa, F32x8::load(isa, &Lanes(x), part)).store(&mut result, part);
        }
        result.0
    }

    /// The largest relative error among sixteen results.
    fn largest_error(arguments: [f32; LANES], results: [f32; LANES]) -> f64 {
        let errors = arguments.iter().zip(results).map(|(&x, result)| {
            let exact = libm::exp(x.into());
            (f64::from(result) - exact).abs() / exact
        });
        errors.fold(0.0, f64::max)
    }

    #[test]
    fn the_error_is_below_1e_7_for_every_argument() {
        // From -2^-26, whose exponential rounds to 1, to FLOOR, in order of representation.
        let (first, last) = ((-0.5f32.powi(26)).to_bits(), FLOOR.to_bits());
        let groups = (0..(last - first) / LANES as u32 + 1).into_par_iter().map(|group| {
            std::array::from_fn(|lane| f32::from_bits((first + 16 * group + lane as u32).min(last)))
        });
        #[cfg(target_arch = "x86_64")]
        if let Some(isa) = Avx2::detect() {
            // SAFETY: `isa` exists, so the machine has AVX2 and FMA.
            let error = groups.map(|x| largest_error(x, unsafe { avx2(isa, x) })).reduce(|| 0.0, f64::max);
            assert!(error < 1e-7, "{error:e}");
            return;
        }
        println!("without AVX2, every 1,000th argument is tried");
        let error = groups.step_by(1000).map(|x| largest_error(x, portable(x))).reduce(|| 0.0, f64::max);
        assert!(error < 1e-7, "{error:e}");
    }

    #[test]
    fn the_ends_are_what_they_should_be() {
        let arguments = [0.0, -0.0, -1e-30, f32::NEG_INFINITY, f32::MIN, -87.1, -1e4, -0.5, f32::NAN, FLOOR];
        let mut padded = [0.0; LANES];
        padded[..arguments.len()].copy_from_slice(&arguments);
        let results = portable(padded);
        assert_eq!(results[..7], [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert!((results[7] - 0.606_530_66).abs() < 1e-7);
        assert!(results[8].is_nan());
        assert!(results[9] >= f32::MIN_POSITIVE, "never denormal");
    }
}
