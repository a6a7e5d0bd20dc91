//! The most products that an instruction set can add: sums in registers that wait for nothing.

use std::hint::black_box;

use super::dot::{Dot, LINE, Line, PASSES};
use crate::engine::fused::isa::vector::{Lanes, Vector};

/// Sums in flight.
const CHAINS: usize = 10;

/// Adds products to `CHAINS` independent sums, `rounds` times, and returns the number of operations: two for each product
/// of a byte with a 16-bit number, which takes two passes.
#[inline(always)]
pub(super) fn multiply_adds<D: Dot>(isa: D::Isa, rounds: usize) -> f64 {
    let line = Line([1; LINE]);
    // Each sum has factors of its own, and the pixels are read again and again: no product is another's.
    let factors = black_box([line; CHAINS]).map(|line| D::factors(isa, &line, 0));
    let mut sums = [D::zero(isa); CHAINS];
    for _ in 0..rounds {
        let pixels = D::pixels(isa, &black_box(&line).0, 0, 0);
        for (sum, factors) in sums.iter_mut().zip(factors) {
            *sum = sum.add(pixels, factors);
        }
    }
    for sum in sums {
        let mut lanes = Lanes::ZERO;
        sum.to_floats(isa).store(&mut lanes, 0);
        black_box(lanes);
    }
    (2 * CHAINS * rounds * LINE) as f64 / (D::PARTS * PASSES) as f64
}
