//! The record of a finished run: what `run.json` and `--json` hold. People's scripts read these keys.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::checkpoint::Fingerprint;
use super::history::{EpochRecord, Metrics};
use super::phase::Earlier;
use super::settings::Settings;
use super::warm_start::WarmStart;
use crate::data::{Dataset, SplitFiles};
use crate::engine::EngineInfo;
use crate::model::Parameters;

/// One run, as `onelayer train` reports it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The run's name, where several runs make one report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How it ended.
    pub status: Status,
    /// The version of onelayer that trained it.
    pub version: String,
    /// When it ended, in RFC 3339.
    pub date: String,
    /// The machine: processor and cores.
    pub machine: String,
    /// Every setting that its result depends on.
    pub config: Settings,
    /// The settings that it had before it was resumed with others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Earlier>,
    /// The model that it began with; none where it began with random weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<WarmStart>,
    /// The data.
    pub dataset: DatasetRecord,
    /// What tells this data from other data, where checkpoints made it necessary to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// What trained it.
    pub engine: EngineInfo,
    /// What it reached, epoch by epoch.
    pub history: Vec<EpochRecord>,
    /// Why training ended; none where it did not, or where the run diverged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// What the saved model reaches on the test split; null unless the run is done.
    pub test: Metrics,
    /// Where the time went.
    pub seconds: Seconds,
    /// How fast training was.
    pub throughput: Throughput,
    /// See [`weights_sha256()`]; empty unless the run is done.
    pub weights_sha256: String,
    /// The run folder.
    #[serde(serialize_with = "crate::files::path_text::path")]
    pub out: PathBuf,
}

/// Why the training of a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// The reason.
    pub reason: Reason,
    /// The epoch, or the iteration of L-BFGS, after which it ended.
    pub epoch: usize,
    /// Of L-BFGS: the largest entry of the gradient where it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient: Option<f64>,
    /// Of L-BFGS: how often cost and gradient were computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluations: Option<usize>,
}

impl Ended {
    /// Why L-BFGS ended, where the largest entry of the gradient had to be at most `tol`; nothing of gradient descent.
    pub fn why(&self, tol: f64) -> Option<String> {
        let Self { reason, epoch, gradient: Some(gradient), evaluations: Some(evaluations) } = *self else {
            return None;
        };
        let why = match reason {
            Reason::Tol => format!("it is at most tol {tol:e}"),
            Reason::Rounding => "rounding hides what is left to gain".into(),
            Reason::EarlyStop => "early stop".into(),
            Reason::Iterations | Reason::Epochs => format!("all iterations are used up, and tol is {tol:e}"),
        };
        Some(format!(
            "after {epoch} iterations and {evaluations} evaluations; the largest entry of the gradient is {gradient:.2e}: {why}"
        ))
    }
}

/// A reason for which training ends, by the setting that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// All epochs were trained.
    Epochs,
    /// All iterations were used up.
    Iterations,
    /// No entry of the gradient is larger than `tol`.
    Tol,
    /// The validation loss had no new minimum for so long.
    EarlyStop,
    /// L-BFGS got no further, as rounding hides what is left to gain.
    Rounding,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was trained to its last epoch, and tested.
    Done,
    /// A signal stopped it.
    Stopped,
    /// Its cost or its parameters were no longer finite.
    Diverged,
}

impl Status {
    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Diverged => "diverged",
        }
    }
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
    /// What was chosen of its files.
    #[serde(default, skip_serializing_if = "SplitFiles::is_default")]
    pub files: SplitFiles,
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
            files: dataset.files.clone(),
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
    /// The throughput of training models of `columns` weights for each feature, those of all classes of all runs, by
    /// `images` images of `features` features in `seconds`.
    pub fn new(images: usize, features: usize, columns: usize, seconds: f64) -> Self {
        let images = images as f64;
        let flops = 4.0 * images * (features * columns) as f64;
        Self { images_per_second: images / seconds, gflops: flops / seconds / 1e9 }
    }
}

/// SHA-256 over the little-endian f32 of weight `[K, D]`, then bias `[K]`, in hexadecimal.
pub fn weights_sha256(parameters: &Parameters) -> String {
    let bytes: Vec<u8> =
        parameters.weight.iter().chain(&parameters.bias).flat_map(|w| w.to_le_bytes()).collect();
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
