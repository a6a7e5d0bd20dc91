//! What an instruction set reaches at most on this machine, for measuring the kernels against it.

use super::f32::kernels;
use super::fixed;
use super::isa::Isa;
use super::isa::vector::{LANES, Lanes};

/// Memory to be read, aligned like that of the kernels.
pub struct Buffer(Vec<Lanes>);

impl Buffer {
    /// `bytes` of memory, rounded down to a cache line, in which every page has been written.
    pub fn new(bytes: usize) -> Self {
        Self(vec![Lanes([1.0; LANES]); bytes / size_of::<Lanes>()])
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.0[..])
    }
}

impl Isa {
    /// Runs `rounds` of independent f32 multiply-adds in registers, and returns the number of floating-point
    /// operations; 0 where this machine does not have the instruction set.
    pub fn multiply_adds(self, rounds: usize) -> f64 {
        kernels(self).map_or(0.0, |kernels| kernels.multiply_adds(rounds))
    }

    /// The same of the products of the engine `fixed`, of bytes with 16-bit numbers.
    pub fn fixed_multiply_adds(self, rounds: usize) -> f64 {
        kernels(self).map_or(0.0, |_| fixed::passes(self).multiply_adds(rounds))
    }

    /// Reads all of `buffer`, `passes` times, and returns the sum of the values read; 0 where this machine does not
    /// have the instruction set.
    pub fn read(self, buffer: &Buffer, passes: usize) -> f64 {
        kernels(self).map_or(0.0, |kernels| kernels.read(&buffer.0, passes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_and_every_operation_counted() {
        for isa in Isa::available() {
            for lines in [0, 1, 7, 8, 1001] {
                let buffer = Buffer::new(64 * lines);
                assert_eq!(isa.read(&buffer, 3), (3 * LANES * lines) as f64, "{} {lines}", isa.name());
            }
            for count in [Isa::multiply_adds, Isa::fixed_multiply_adds] {
                assert_eq!(count(isa, 0), 0.0);
                let each = count(isa, 1);
                assert!(each > 0.0 && count(isa, 10) == 10.0 * each, "{}", isa.name());
            }
        }
    }
}
