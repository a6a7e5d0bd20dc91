//! What an instruction set reaches at most on this machine, for measuring the kernels against it.

use super::f32::kernels;
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
            assert_eq!(isa.multiply_adds(0), 0.0);
            let each = isa.multiply_adds(1);
            assert!(each > 0.0 && isa.multiply_adds(10) == 10.0 * each, "{}", isa.name());
        }
    }
}
