//! The exponential function, the same bits on every instruction set.

use super::vector::Vector;

/// Below this argument the result is 0: `exp` of it is the last before denormal numbers begin.
pub(super) const FLOOR: f32 = -87.0;

/// 1.5 * 2^23: adding it leaves the nearest integer in the low bits.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts; the first has so few bits that its product with an exponent is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// The coefficients of r^7 to r^2 for `|r| <= ln 2 / 2`, from Cephes' `expf`.
const COEFFICIENTS: [f32; 6] =
    [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1];

/// `e^x` for x from minus infinity to 88: within 1e-7 of it relatively, 0 below [`FLOOR`], NaN for NaN.
///
/// `x = n ln 2 + r`, so `e^x = 2^n e^r`.
#[inline(always)]
pub(super) fn exp<V: Vector>(isa: V::Isa, x: V) -> V {
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
