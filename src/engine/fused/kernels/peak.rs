//! The most that an instruction set can do: multiply-adds and reads that wait for nothing. The other kernels are
//! measured against these bounds, which use the same registers and instructions.

use std::hint::black_box;

use crate::engine::fused::isa::vector::{LANES, Lanes, Vector};

/// Sums in flight while memory is read.
const READERS: usize = 8;

/// Runs `rounds` of `CHAINS` independent multiply-adds in registers, and returns the number of floating-point
/// operations.
#[inline(always)]
pub(crate) fn multiply_adds<V: Vector, const CHAINS: usize>(isa: V::Isa, rounds: usize) -> f64 {
    // The values converge to 2, so that none is ever denormal or infinite.
    let (factor, addend) = (V::splat(isa, black_box(0.5)), V::splat(isa, black_box(1.0)));
    let mut chains = [addend; CHAINS];
    for _ in 0..rounds {
        for chain in &mut chains {
            *chain = chain.mul_add(factor, addend);
        }
    }
    let mut sum = V::splat(isa, 0.0);
    for chain in chains {
        sum = sum + chain;
    }
    let mut lanes = Lanes::ZERO;
    sum.store(&mut lanes, 0);
    black_box(lanes);
    (2 * CHAINS * rounds * LANES / V::PARTS) as f64
}

/// Reads all of `lanes`, `passes` times, and returns the sum of the values read.
#[inline(always)]
pub(crate) fn read<V: Vector>(isa: V::Isa, lanes: &[Lanes], passes: usize) -> f64 {
    let mut sums = [V::splat(isa, 0.0); READERS];
    let (whole, rest) = lanes.as_chunks::<READERS>();
    for _ in 0..passes {
        for lanes in whole {
            for part in 0..V::PARTS {
                for (sum, lanes) in sums.iter_mut().zip(lanes) {
                    *sum = *sum + V::load(isa, lanes, part);
                }
            }
        }
        for lanes in rest {
            for part in 0..V::PARTS {
                sums[0] = sums[0] + V::load(isa, lanes, part);
            }
        }
    }
    let mut total = 0.0;
    for sum in sums {
        let mut lanes = Lanes::ZERO;
        sum.store(&mut lanes, 0);
        total += lanes.0.iter().map(|&value| f64::from(value)).sum::<f64>();
    }
    total
}
