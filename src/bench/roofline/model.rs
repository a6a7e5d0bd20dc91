//! The roofline: peaks, bandwidths, and what they bound.

use serde::{Deserialize, Serialize};

use crate::machine::{Caches, Level};

/// The peaks and bandwidths of a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Roofline {
    /// The cores' clock in GHz while one of them works, where it can be told.
    pub clock: Option<f64>,
    /// The sizes of the caches.
    pub caches: Caches,
    /// The peaks of each instruction set, on each number of threads.
    pub peaks: Vec<Peak>,
    /// The read bandwidth of each memory, on each number of threads.
    pub bandwidths: Vec<Bandwidth>,
}

/// What is multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Numbers {
    /// f32 numbers, as in simd and gemm.
    F32,
    /// Bytes with 16-bit numbers, as in fixed.
    Fixed,
}

impl Numbers {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::F32, Self::Fixed];

    /// Their name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Fixed => "fixed",
        }
    }
}

/// The peak rate of multiply-adds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peak {
    /// What is multiplied.
    pub numbers: Numbers,
    /// The instruction set.
    pub isa: String,
    /// The number of threads.
    pub threads: usize,
    /// 10^9 floating-point operations a second, two for each multiply-add.
    pub gflops: f64,
    /// The distance of the quartiles, as a fraction of the median.
    pub spread: f64,
    /// Multiply-add instructions a cycle and thread, where the clock is known.
    pub per_cycle: Option<f64>,
}

/// The read bandwidth of a memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bandwidth {
    /// Which memory.
    pub level: Level,
    /// The number of threads; each reads bytes of its own.
    pub threads: usize,
    /// The bytes that all of them read again and again.
    pub bytes: usize,
    /// 10^9 bytes a second.
    pub gigabytes: f64,
    /// The distance of the quartiles, as a fraction of the median.
    pub spread: f64,
}

/// Work whose bound a roofline tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Floating-point operations.
    pub flops: f64,
    /// The bytes that it reads, all different.
    pub bytes: f64,
    /// The memory that they come from.
    pub level: Level,
}

/// What bounds some work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit {
    /// The peak rate of multiply-adds.
    Compute,
    /// The bandwidth of a memory.
    Memory(Level),
}

impl Limit {
    /// Its name for people.
    pub fn name(self) -> String {
        match self {
            Self::Compute => "compute".into(),
            Self::Memory(level) => format!("{} reads", level.name()),
        }
    }
}

impl Roofline {
    /// The least seconds that `work` can take, and why; none where this roofline lacks the instruction set or the
    /// number of threads.
    pub fn bound(&self, work: Work, numbers: Numbers, isa: &str, threads: usize) -> Option<(f64, Limit)> {
        let compute = work.flops / (1e9 * self.peak(numbers, isa, threads)?);
        let memory = work.bytes / (1e9 * self.bandwidth(work.level, threads)?);
        Some(if compute >= memory { (compute, Limit::Compute) } else { (memory, Limit::Memory(work.level)) })
    }

    /// 10^9 floating-point operations a second.
    pub fn peak(&self, numbers: Numbers, isa: &str, threads: usize) -> Option<f64> {
        let is_it = |peak: &&Peak| (peak.numbers, &*peak.isa, peak.threads) == (numbers, isa, threads);
        self.peaks.iter().find(is_it).map(|peak| peak.gflops)
    }

    /// 10^9 bytes a second.
    pub fn bandwidth(&self, level: Level, threads: usize) -> Option<f64> {
        let found = self.bandwidths.iter().find(|read| read.level == level && read.threads == threads);
        found.map(|read| read.gigabytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_of_compute_and_memory_bounds() {
        let numbers = Numbers::F32;
        let peak =
            Peak { numbers, isa: "avx2".into(), threads: 1, gflops: 100.0, spread: 0.0, per_cycle: None };
        let level = Level::Memory;
        let read = Bandwidth { level, threads: 1, bytes: 1, gigabytes: 10.0, spread: 0.0 };
        let caches = Caches { l1: 1, l2: 2, l3: 3 };
        let roofline = Roofline { clock: None, caches, peaks: vec![peak], bandwidths: vec![read] };
        let bound = |flops, bytes| roofline.bound(Work { flops, bytes, level }, numbers, "avx2", 1);
        assert_eq!(bound(2e9, 1e7), Some((0.02, Limit::Compute)));
        assert_eq!(bound(2e9, 1e9), Some((0.1, Limit::Memory(level))));
        let work = Work { flops: 1.0, bytes: 1.0, level };
        assert_eq!(roofline.bound(work, numbers, "avx2", 2), None);
        assert_eq!(roofline.bound(work, Numbers::Fixed, "avx2", 1), None);
    }
}
