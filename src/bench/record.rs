//! The record of a benchmark, as `bench.json` holds it.

use serde::{Deserialize, Serialize};

use super::roofline::{Limit, Roofline, Timing};
use crate::engine::EngineInfo;
use crate::machine::MachineRecord;
use crate::train::record::DatasetRecord;

/// A measurement is noisy where its quartiles are further apart than this fraction of the median.
pub const NOISY: f64 = 0.1;

/// What a benchmark measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchRecord {
    /// When it began, in UTC.
    pub date: String,
    pub version: String,
    pub machine: MachineRecord,
    pub dataset: DatasetRecord,
    /// Images in a batch.
    pub batch: usize,
    pub roofline: Roofline,
    pub measurements: Vec<Measurement>,
    /// The seconds that the benchmark took.
    pub seconds: f64,
}

/// One task on one engine, whose result was that of the reference engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The task: `forward`, `softmax`, `backward`, `evaluation`, `gradient`, `epoch`, `run`, `optimum` or `accuracy`.
    pub task: String,
    pub engine: EngineInfo,
    /// The images of one repetition.
    pub images: usize,
    /// The seconds of the repetitions.
    pub seconds: Timing,
    /// None of `optimum` and `accuracy`, whose work depends on what they meet.
    #[serde(flatten)]
    pub rates: Option<Rates>,
    /// What bounds it, where the roofline tells that.
    pub bound: Option<Limit>,
    /// The least time that the bound allows over the median time; 1 is the best possible.
    pub of_bound: Option<f64>,
}

/// How fast the work was done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    pub images_per_second: f64,
    /// 10^9 floating-point operations a second.
    pub gflops: f64,
    /// 10^9 bytes of data a second, each byte counted once a pass over the data.
    pub gigabytes_per_second: f64,
    /// Floating-point operations for each of these bytes.
    pub intensity: f64,
}

impl Measurement {
    /// Whether two measurements are of the same thing.
    pub fn is_like(&self, other: &Self) -> bool {
        (&self.task, &self.engine, self.images) == (&other.task, &other.engine, other.images)
    }

    /// Whether its repetitions differ too much to say how long it takes.
    pub fn is_noisy(&self) -> bool {
        self.seconds.spread() > NOISY
    }
}
