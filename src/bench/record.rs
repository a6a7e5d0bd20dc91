//! What a benchmark found: what `bench.json` and `--json` hold, and `--compare` reads.

use serde::{Deserialize, Serialize};

use super::roofline::{Limit, Roofline, Timing};
use crate::engine::EngineInfo;
use crate::machine::MachineRecord;
use crate::train::record::DatasetRecord;

/// A spread beyond which the machine is too noisy to say: quartiles that lie further apart than this fraction of
/// the median.
pub const NOISY: f64 = 0.1;

/// All of a benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchRecord {
    /// When it began, in UTC.
    pub date: String,
    /// The version of onelayer.
    pub version: String,
    /// The machine.
    pub machine: MachineRecord,
    /// The data.
    pub dataset: DatasetRecord,
    /// Images in a batch.
    pub batch: usize,
    /// What the machine can do at most.
    pub roofline: Roofline,
    /// What the engines do.
    pub measurements: Vec<Measurement>,
    /// The seconds of all of it.
    pub seconds: f64,
}

/// One task on one engine. Its result was the reference's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What was done: `forward`, `softmax`, `backward`, `evaluation`, `epoch` or `run`.
    pub task: String,
    /// What did it.
    pub engine: EngineInfo,
    /// How many images passed through it each time.
    pub images: usize,
    /// The seconds that it took each time.
    pub seconds: Timing,
    /// Images a second.
    pub images_per_second: f64,
    /// 10^9 floating-point operations a second.
    pub gflops: f64,
    /// 10^9 bytes of data a second, each byte counted once a pass over the data.
    pub gigabytes_per_second: f64,
    /// Floating-point operations for each of these bytes.
    pub intensity: f64,
    /// What bounds it, where the roofline tells.
    pub bound: Option<Limit>,
    /// The bound's time over the median time: 1 is all that the machine can do.
    pub of_bound: Option<f64>,
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
