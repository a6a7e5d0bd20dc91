//! The machine that this program runs on: its processor, its cores and their caches.

mod caches;

use std::num::NonZeroUsize;
use std::{env, fs, thread};

use serde::{Deserialize, Serialize};

pub use caches::{Caches, Level};

/// A machine, as records name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineRecord {
    /// Processor, cores and platform in words.
    pub name: String,
    /// The number of threads that can run at once.
    pub cores: usize,
}

impl MachineRecord {
    /// The machine that this program runs on.
    pub fn here() -> Self {
        let cpu = cpu_name().map_or(String::new(), |name| format!("{name}, "));
        let cores = cores();
        let noun = if cores == 1 { "core" } else { "cores" };
        Self { name: format!("{cpu}{cores} {noun}, {} on {}", env::consts::OS, env::consts::ARCH), cores }
    }
}

/// The number of threads that can run at once.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// The processor's model name, as Linux reports it; none on other systems.
pub fn cpu_name() -> Option<String> {
    let table = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = table.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}
