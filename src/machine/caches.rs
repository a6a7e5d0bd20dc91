//! The memories of a machine, from the nearest to the largest.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The first data cache of a core.
    L1,
    /// The second cache of a core.
    L2,
    /// The cache that cores share.
    L3,
    /// Main memory.
    Memory,
}

impl Level {
    /// The nearest first.
    pub const ALL: [Self; 4] = [Self::L1, Self::L2, Self::L3, Self::Memory];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
            Self::Memory => "memory",
        }
    }
}

/// The sizes of the caches in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caches {
    /// The first data cache of a core.
    pub l1: usize,
    /// The second cache of a core.
    pub l2: usize,
    /// The cache that all cores share.
    pub l3: usize,
}

impl Caches {
    /// The sizes that Linux reports; 32 KiB, 1 MiB and 32 MiB where it reports none.
    pub fn detect() -> Self {
        let folder = Path::new("/sys/devices/system/cpu/cpu0/cache");
        let size = |level: &str, usual: usize| {
            (0..8).find_map(|index| data_cache(&folder.join(format!("index{index}")), level)).unwrap_or(usual)
        };
        Self { l1: size("1", 32 << 10), l2: size("2", 1 << 20), l3: size("3", 32 << 20) }
    }

    /// The memory that holds `bytes` which `threads` threads read in equal parts. Of a cache, half
    /// its size counts: the other half is for other data.
    pub fn holding(&self, bytes: usize, threads: usize) -> Level {
        match bytes / threads {
            own if own <= self.l1 / 2 => Level::L1,
            own if own <= self.l2 / 2 => Level::L2,
            _ if bytes <= self.l3 / 2 => Level::L3,
            _ => Level::Memory,
        }
    }

    /// Bytes for each of `threads` threads that lie in `level` and in no nearer one.
    pub fn bytes_in(&self, level: Level, threads: usize) -> usize {
        match level {
            Level::L1 => self.l1 / 2,
            Level::L2 => self.l2 / 2,
            Level::L3 => (self.l3 / 2 / threads).max(self.l2),
            Level::Memory => (4 * self.l3).clamp(64 << 20, 512 << 20) / threads,
        }
    }
}

/// The size of the cache that `folder` describes, where it holds data and is of `level`.
fn data_cache(folder: &Path, level: &str) -> Option<usize> {
    let read = |name: &str| Some(fs::read_to_string(folder.join(name)).ok()?.trim().to_string());
    if read("level")? != level || read("type")? == "Instruction" {
        return None;
    }
    let size = read("size")?;
    let kibibytes: usize = size.strip_suffix('K')?.parse().ok()?;
    Some(kibibytes << 10).filter(|&bytes| bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_into_half_of_a_cache_is_held_by_it() {
        let caches = Caches { l1: 100, l2: 1000, l3: 10_000 };
        for (bytes, threads, level) in [
            (50, 1, Level::L1),
            (51, 1, Level::L2),
            (100, 2, Level::L1),
            (501, 1, Level::L3),
            (1000, 2, Level::L2),
            (5000, 2, Level::L3),
            (5001, 2, Level::Memory),
        ] {
            assert_eq!(caches.holding(bytes, threads), level, "{bytes} bytes, {threads} threads");
        }
    }

    #[test]
    fn what_is_read_to_measure_a_memory_is_held_by_it() {
        let caches = Caches { l1: 48 << 10, l2: 1 << 20, l3: 32 << 20 };
        for threads in [1, 2, 8] {
            for level in Level::ALL {
                let bytes = threads * caches.bytes_in(level, threads);
                assert_eq!(caches.holding(bytes, threads), level, "{threads} threads");
            }
        }
    }
}
