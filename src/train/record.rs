//! The record of a finished run: what `run.json` and `--json` hold. People's scripts read these keys.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::config::{Config, Run};
use super::history::{EpochRecord, Metrics};
use crate::data::Dataset;
use crate::engine::EngineInfo;
use crate::model::Parameters;

/// One run, as `onelayer train` reports it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The run's name, where several runs make one report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Every setting that its result depends on.
    pub config: ConfigRecord,
    /// The data.
    pub dataset: DatasetRecord,
    /// What trained it.
    pub engine: EngineInfo,
    /// What it reached, epoch by epoch.
    pub history: Vec<EpochRecord>,
    /// What the saved parameters reach on the test split.
    pub test: Metrics,
    /// Where the time went.
    pub seconds: Seconds,
    /// How fast training was.
    pub throughput: Throughput,
    /// See [`weights_sha256`].
    pub weights_sha256: String,
    /// The run folder.
    #[serde(serialize_with = "crate::files::path_text::path")]
    pub out: PathBuf,
}

/// Several runs side by side, as `onelayer reproduce` reports them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReproductionRecord {
    /// The runs. They were trained in one pass over the data, and share its seconds.
    pub runs: Vec<RunRecord>,
    /// The seconds of all of it.
    pub seconds: TotalSeconds,
    /// The folder of the whole reproduction.
    #[serde(serialize_with = "crate::files::path_text::path")]
    pub out: PathBuf,
}

/// The seconds of a reproduction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TotalSeconds {
    /// From start to end.
    pub total: f64,
}

/// The settings of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigRecord {
    /// The learning rate.
    pub eta: f64,
    /// The weight of the penalty.
    pub lambda: f64,
    /// Images in a batch.
    pub batch: usize,
    /// Passes over the training split.
    pub epochs: usize,
    /// Whether each epoch has a new random order.
    pub shuffle: bool,
    /// Where initial parameters and orders come from.
    pub seed: u64,
    /// Epochs between evaluations.
    pub evaluate_every: usize,
}

impl ConfigRecord {
    /// The settings of `run`, one of those of `config`.
    pub fn new(config: &Config, run: &Run) -> Self {
        let Config { batch, epochs, shuffle, seed, evaluate_every, .. } = *config;
        Self { eta: run.eta, lambda: run.lambda, batch, epochs, shuffle, seed, evaluate_every }
    }
}

/// The data of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// What it is called.
    pub name: String,
    /// Its folder; null for the built-in synthetic set.
    #[serde(serialize_with = "crate::files::path_text::optional")]
    pub path: Option<PathBuf>,
    /// Images that train.
    pub train: usize,
    /// Images that validate.
    pub validation: usize,
    /// Images that test.
    pub test: usize,
    /// The names of the classes.
    pub classes: Vec<String>,
}

impl DatasetRecord {
    /// What there is to say of `dataset`.
    pub fn new(dataset: &Dataset) -> Self {
        Self {
            name: dataset.name.into(),
            path: dataset.path.clone(),
            train: dataset.train.len(),
            validation: dataset.validation.len(),
            test: dataset.test.len(),
            classes: dataset.classes.clone(),
        }
    }
}

/// Where the time of a run went, in seconds of the clock on the wall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// Mapping and checking the files, and standardization.
    pub load: f64,
    /// Training.
    pub train: f64,
    /// Evaluating training and validation split after the epochs, and the test split at the end.
    pub evaluate: f64,
    /// Writing the run folder.
    pub write: f64,
    /// All of it.
    pub total: f64,
}

/// How fast training was, evaluation apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// Training images a second.
    pub images_per_second: f64,
    /// Billions of floating-point operations a second: 4 N D K an epoch and run (forward and backward, a
    /// multiplication and an addition each).
    pub gflops: f64,
}

impl Throughput {
    /// The throughput of training the runs of `config` on `dataset` in `seconds`.
    pub fn new(config: &Config, dataset: &DatasetRecord, features: usize, seconds: f64) -> Self {
        let images = (config.epochs * dataset.train) as f64;
        let flops = 4.0 * images * (features * dataset.classes.len() * config.runs.len()) as f64;
        Self { images_per_second: images / seconds, gflops: flops / seconds / 1e9 }
    }
}

/// SHA-256 over the little-endian f32 of weight `[K, D]`, then bias `[K]`, in hexadecimal.
pub fn weights_sha256(parameters: &Parameters) -> String {
    let bytes: Vec<u8> =
        parameters.weight.iter().chain(&parameters.bias).flat_map(|w| w.to_le_bytes()).collect();
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
