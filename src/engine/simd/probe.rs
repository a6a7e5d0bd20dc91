//! What an instruction set can do at most: multiply-adds and reads that nothing holds up.
//!
//! These are the bounds that the kernels are measured against, made of the same registers and instructions.

use super::isa::Isa;
use super::vector::{LANES, Lanes, Vector};

/// Sums in flight while memory is read.
const READERS: usize = 8;

/// Memory to be read, aligned as the kernels' own.
pub struct Ground(Vec<Lanes>);

impl Ground {
    /// `bytes` of memory, rounded down to a cache line, in which every page has been written.
    pub fn new(bytes: usize) -> Self {
        Self(vec![Lanes([1.0; LANES]); bytes / size_of::<Lanes>()])
    }

    /// The bytes of it.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.0[..])
    }
}

impl Isa {
    /// The f32 lanes of one of its registers.
    pub fn lanes(self) -> usize {
        match self {
            Self::Avx512 => 16,
            Self::Avx2 => 8,
            Self::Portable => 4,
        }
    }

    /// Runs `rounds` of independent f32 multiply-adds in registers, and returns the number of floating-point
    /// operations; 0 where this machine does not have the instruction set.
    pub fn multiply_adds(self, rounds: usize) -> f64 {
        self.probe(Work::MultiplyAdds(rounds))
    }

    /// Reads all of `ground`, `passes` times, and returns the sum of the values read; 0 where this machine does not
    /// have the instruction set.
    pub fn read(self, ground: &Ground, passes: usize) -> f64 {
        self.probe(Work::Read(&ground.0, passes))
    }

    #[cfg(target_arch = "x86_64")]
    fn probe(self, work: Work) -> f64 {
        use super::avx2::{Avx2, F32x8};
        use super::avx512::{Avx512, F32x16};

        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
        fn avx512(isa: Avx512, work: Work) -> f64 {
            work.run::<F32x16, 20>(isa)
        }
        #[target_feature(enable = "avx2,fma")]
        fn avx2(isa: Avx2, work: Work) -> f64 {
            work.run::<F32x8, 12>(isa)
        }
        match self {
            // SAFETY: the first argument exists only where the machine has the instructions.
            Self::Avx512 => Avx512::detect().map_or(0.0, |isa| unsafe { avx512(isa, work) }),
            // SAFETY: as above.
            Self::Avx2 => Avx2::detect().map_or(0.0, |isa| unsafe { avx2(isa, work) }),
            Self::Portable => portable(work),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn probe(self, work: Work) -> f64 {
        if self == Self::Portable { portable(work) } else { 0.0 }
    }
}

fn portable(work: Work) -> f64 {
    use super::portable::{F32x4, Portable};
    work.run::<F32x4, 20>(Portable)
}

/// What a probe does.
#[derive(Clone, Copy)]
enum Work<'a> {
    MultiplyAdds(usize),
    Read(&'a [Lanes], usize),
}

impl Work<'_> {
    /// Does it with registers of type `V`, `CHAINS` of which multiply and add independently: more than units times
    /// latency, and no more than there are registers.
    #[inline(always)]
    fn run<V: Vector, const CHAINS: usize>(self, isa: V::Isa) -> f64 {
        match self {
            Self::MultiplyAdds(rounds) => multiply_adds::<V, CHAINS>(isa, rounds),
            Self::Read(lanes, passes) => read::<V>(isa, lanes, passes),
        }
    }
}

#[inline(always)]
fn multiply_adds<V: Vector, const CHAINS: usize>(isa: V::Isa, rounds: usize) -> f64 {
    // Towards 2, so that no value is ever denormal or infinite.
    let factor = V::splat(isa, std::hint::black_box(0.5));
    let addend = V::splat(isa, std::hint::black_box(1.0));
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
    std::hint::black_box(lanes);
    (2 * CHAINS * rounds * LANES / V::PARTS) as f64
}

#[inline(always)]
fn read<V: Vector>(isa: V::Isa, lanes: &[Lanes], passes: usize) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_and_every_operation_counted() {
        for isa in Isa::available() {
            for lines in [0, 1, 7, 8, 1001] {
                let ground = Ground::new(64 * lines);
                assert_eq!(isa.read(&ground, 3), (3 * LANES * lines) as f64, "{} {lines}", isa.name());
            }
            assert_eq!(isa.multiply_adds(0), 0.0);
            let each = isa.multiply_adds(1);
            assert!(each > 0.0 && isa.multiply_adds(10) == 10.0 * each, "{}", isa.name());
        }
    }
}
