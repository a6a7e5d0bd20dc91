//! What this machine is, to the engines, and what they would train on.

use std::env;

use serde::Serialize;

use super::dataset::DatasetInfo;
use crate::engine::Isa;
use crate::machine::{self, MachineRecord};

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
            cpu: machine::cpu_name(),
            cores: machine::cores(),
            isa: Isa::available().map(Isa::name).collect(),
            dataset,
        }
    }

    pub(super) fn text(&self) -> String {
        format!(
            "onelayer  {}\nmachine   {}\nisa       {}\n\n{}",
            self.version,
            MachineRecord::here().name,
            self.isa.join(", "),
            self.dataset.text()
        )
    }
}
