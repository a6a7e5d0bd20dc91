//! The logarithm that the sigmoid's loss takes, the same bits on every instruction set.

use crate::engine::fused::isa::vector::Vector;

/// `1/15, 1/13, ..., 1/3`: the coefficients of the series of the area tangent.
const COEFFICIENTS: [f32; 7] =
    [1.0 / 15.0, 1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0];

/// `ln(1 + z)` for z from 0 to 1, with a relative error below 3e-7; NaN for NaN.
///
/// `ln(1 + z) = 2 artanh(w) = 2 w (1 + w^2/3 + w^4/5 + ...)`, with `w = z / (2 + z)`, which is at most 1/3.
#[inline(always)]
pub(crate) fn ln_1p<V: Vector>(isa: V::Isa, z: V) -> V {
    let constant = |value| V::splat(isa, value);
    let w = z / (z + constant(2.0));
    let square = w * w;
    let mut series = constant(COEFFICIENTS[0]);
    for coefficient in &COEFFICIENTS[1..] {
        series = series.mul_add(square, constant(*coefficient));
    }
    let w = w + w;
    (series * square).mul_add(w, w)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fused::isa::portable::{F32x4, Portable};
    use crate::engine::fused::isa::vector::{LANES, Lanes};

    fn of(z: [f32; LANES]) -> [f32; LANES] {
        let mut result = Lanes([f32::NAN; LANES]);
        for part in 0..F32x4::PARTS {
            ln_1p(Portable, F32x4::load(Portable, &Lanes(z), part)).store(&mut result, part);
        }
        result.0
    }

    #[test]
    fn the_error_is_below_3e_7_from_0_to_1() {
        // Every 1,000th number, in order of representation.
        for first in (1e-30f32.to_bits()..=1f32.to_bits()).step_by(1000 * LANES) {
            let z = std::array::from_fn(|lane| f32::from_bits(first + 1000 * lane as u32).min(1.0));
            for (z, found) in z.into_iter().zip(of(z)) {
                let exact = libm::log1p(z.into());
                let error = (f64::from(found) - exact).abs() / exact;
                assert!(error < 3e-7, "{z:e}: {error:e}");
            }
        }
    }

    #[test]
    fn the_ends_are_what_they_should_be() {
        let mut z = [0.0; LANES];
        (z[1], z[2]) = (f32::NAN, 1.0);
        let found = of(z);
        assert!(found[0] == 0.0 && found[1].is_nan() && (found[2] - std::f32::consts::LN_2).abs() < 1e-7);
    }
}
