//! What this machine is, to the engines, and what they would train on.

use std::num::NonZeroUsize;
use std::{env, fs, thread};

use serde::Serialize;

use super::dataset::DatasetInfo;
use crate::engine::Isa;

/// This machine, and the data that training would use.
#[derive(Serialize)]
pub(super) struct MachineInfo {
    version: &'static str,
    os: &'static str,
    arch: &'static str,
    /// The processor's name for itself, where the system tells it.
    cpu: Option<String>,
    /// The threads that run at once.
    cores: usize,
    /// The instruction sets of the simd engine that run here, the fastest first.
    isa: Vec<&'static str>,
    dataset: DatasetInfo,
}

impl MachineInfo {
    pub(super) fn new(dataset: DatasetInfo) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            os: env::consts::OS,
            arch: env::consts::ARCH,
            cpu: cpu_name(),
            cores: cores(),
            isa: Isa::available().map(Isa::name).collect(),
            dataset,
        }
    }

    pub(super) fn text(&self) -> String {
        format!(
            "onelayer  {}\nmachine   {}\nisa       {}\n\n{}",
            self.version,
            machine(),
            self.isa.join(", "),
            self.dataset.text()
        )
    }
}

/// This machine in a few words: processor, cores, platform.
pub(in crate::cli) fn machine() -> String {
    let cpu = cpu_name().map_or(String::new(), |name| format!("{name}, "));
    let cores = cores();
    let noun = if cores == 1 { "core" } else { "cores" };
    format!("{cpu}{cores} {noun}, {} on {}", env::consts::OS, env::consts::ARCH)
}

/// The threads that run at once.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// From Linux's table of processors.
fn cpu_name() -> Option<String> {
    let table = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = table.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}
