//! Checkpoints: all that it takes to go on training as if it had never stopped.
//!
//! A checkpoint is one file: a line that names the format, the length of the header as a little-endian u64, the
//! header in JSON (settings, fingerprint of the data, what was reached), the engine's exact state, and the SHA-256 of
//! everything before it. It appears whole or not at all.

use std::cmp::Ordering;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::config::Config;
use super::history::{EpochRecord, EpochSeconds};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::files::{regular, whole};
use crate::samples::Samples;

/// The checkpoint's name in a run folder.
pub const FILE: &str = "checkpoint.bin";

/// What the file begins with.
const MAGIC: &[u8] = b"onelayer checkpoint 1\n";
/// The bytes of the header's length.
const LENGTH: usize = size_of::<u64>();
/// The bytes of a SHA-256.
const SUM: usize = 32;
/// No checkpoint is larger: a file that is would only fill the memory.
const LARGEST: u64 = 1 << 28;

/// How far training is, but for the engine's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    /// The epochs that are finished.
    pub epoch: usize,
    /// The images of the next epoch that were trained already: a whole number of batches, or all of them where they
    /// are yet to be evaluated.
    pub images: usize,
    /// The history of each run.
    pub histories: Vec<Vec<EpochRecord>>,
    /// The seconds of training since the last evaluation.
    pub unevaluated_seconds: f64,
    /// The seconds up to the last evaluation.
    pub seconds: EpochSeconds,
}

impl Reached {
    /// The beginning of the first epoch of `runs` runs.
    pub(super) fn nothing(runs: usize) -> Self {
        let seconds = EpochSeconds { train: 0.0, evaluate: 0.0 };
        Self { epoch: 0, images: 0, histories: vec![Vec::new(); runs], unevaluated_seconds: 0.0, seconds }
    }

    /// Whether training `images` images as `config`, which can be used, says comes past this point.
    pub fn fits(&self, config: &Config, images: usize) -> bool {
        let batches = self.images < images && self.images.is_multiple_of(config.batch);
        let place = match self.epoch.cmp(&config.epochs) {
            Ordering::Less => batches || self.images == images,
            Ordering::Equal => self.images == 0,
            Ordering::Greater => false,
        };
        let every = config.evaluate_every;
        let last = (self.epoch == config.epochs && !self.epoch.is_multiple_of(every)).then_some(self.epoch);
        let whole = |history: &Vec<EpochRecord>| {
            let evaluated = (every..=self.epoch).step_by(every).chain(last);
            evaluated.eq(history.iter().map(|record| record.epoch))
        };
        place && self.histories.len() == config.runs.len() && self.histories.iter().all(whole)
    }
}

/// What tells one data set from another: SHA-256 over the images and labels of each split, whatever format they
/// were read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Of the training split.
    pub train: String,
    /// Of the validation split.
    pub validation: String,
    /// Of the test split.
    pub test: String,
    /// The names of the classes.
    pub classes: Vec<String>,
}

impl Fingerprint {
    /// The fingerprint of `dataset`. Reads all of it.
    pub fn of(dataset: &Dataset) -> Self {
        let [train, validation, test] =
            [&dataset.train, &dataset.validation, &dataset.test].map(|split| sha256_of(&split.samples()));
        Self { train, validation, test, classes: dataset.classes.clone() }
    }
}

/// A training pass that can be taken up again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The settings.
    pub config: Config,
    /// Epochs between checkpoints.
    pub every: usize,
    /// The engine's name. Another one would round otherwise.
    pub engine: String,
    /// The data.
    pub data: Fingerprint,
    /// How far training is.
    pub reached: Reached,
    /// The engine's exact state.
    #[serde(skip)]
    pub state: Vec<u8>,
}

impl Checkpoint {
    /// Writes the file `path`, to the disk itself. One of that name is replaced by a whole one.
    ///
    /// # Errors
    /// What the system refuses. The former file is then untouched.
    pub fn save(&self, path: &Path) -> Result<()> {
        whole::write_durably(path, &self.to_bytes())
    }

    /// The file that [`Checkpoint::save`] writes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = serde_json::to_vec(self).expect("a header has string keys");
        let length = (header.len() as u64).to_le_bytes();
        let mut bytes = [MAGIC, &length, &header, &self.state].concat();
        bytes.extend_from_slice(&Sha256::digest(&bytes));
        bytes
    }

    /// Reads and checks the file `path`.
    ///
    /// # Errors
    /// A file that cannot be read, or is not a whole checkpoint.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = regular::read(path, "a checkpoint", LARGEST)?;
        Self::from_bytes(path, &bytes)
    }

    /// Reads and checks a checkpoint from the bytes of the file `path`.
    ///
    /// # Errors
    /// Bytes that are not a whole checkpoint.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self> {
        let broken = |found: &str| {
            let found = format!("{} bytes {found}", bytes.len());
            Error::format(path, "a whole checkpoint", found)
        };
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| broken("that do not begin as one"))?;
        let (rest, sum) = rest.split_last_chunk::<SUM>().ok_or_else(|| broken("that break off"))?;
        if Sha256::digest(&bytes[..bytes.len() - SUM])[..] != sum[..] {
            return Err(broken("that do not have the SHA-256 they end with"));
        }
        let (length, rest) = rest.split_first_chunk::<LENGTH>().ok_or_else(|| broken("that break off"))?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok();
        let (header, state) = length
            .and_then(|length| rest.split_at_checked(length))
            .ok_or_else(|| broken("with a header that is longer than that"))?;
        let mut checkpoint: Self = serde_json::from_slice(header)
            .map_err(|error| broken(&format!("with a header that is none: {error}")))?;
        checkpoint.state = state.to_vec();
        Ok(checkpoint)
    }

    /// Checks that `config` and the engine of this name are those of the checkpoint.
    ///
    /// # Errors
    /// The first option that says something else.
    pub fn check_settings(&self, config: &Config, engine: &str) -> Result<()> {
        let settings = |config: &Config, engine: &str| {
            let rates = |rate: fn(&super::Run) -> f64| {
                let rates: Vec<String> = config.runs.iter().map(|run| rate(run).to_string()).collect();
                rates.join(", ")
            };
            [
                ("--eta", rates(|run| run.eta)),
                ("--lambda", rates(|run| run.lambda)),
                ("--batch", config.batch.to_string()),
                ("--epochs", config.epochs.to_string()),
                ("--shuffle", config.shuffle.to_string()),
                ("--seed", config.seed.to_string()),
                ("--evaluate-every", config.evaluate_every.to_string()),
                ("--engine", engine.to_string()),
            ]
        };
        let pairs = settings(&self.config, &self.engine).into_iter().zip(settings(config, engine));
        match pairs.into_iter().find(|((_, ours), (_, found))| ours != found) {
            None => Ok(()),
            Some(((option, ours), (_, found))) => {
                Err(Error::option(option, format_args!("{ours}, as in the run that is resumed"), found))
            }
        }
    }

    /// Checks that `data`, the fingerprint of `dataset`, is that of the checkpoint.
    ///
    /// # Errors
    /// The first split that is another.
    pub fn check_data(&self, dataset: &Dataset, data: &Fingerprint) -> Result<()> {
        let parts = |data: &Fingerprint| {
            [
                ("training images", data.train.clone()),
                ("validation images", data.validation.clone()),
                ("test images", data.test.clone()),
                ("classes", data.classes.join(", ")),
            ]
        };
        match parts(&self.data).into_iter().zip(parts(data)).find(|(ours, found)| ours != found) {
            None => Ok(()),
            Some(((part, ours), (_, found))) => {
                let folder = dataset.path.as_deref().unwrap_or(Path::new("built-in data"));
                let kind = if part == "classes" { "" } else { "SHA-256 " };
                let expected = format!("the {part} of the run that is resumed ({kind}{ours})");
                Err(Error::format(folder, expected, format_args!("{kind}{found}")))
            }
        }
    }
}

/// SHA-256 over the number of images and of features as little-endian u64, then the label and the bytes of each
/// image.
fn sha256_of(samples: &Samples) -> String {
    let mut hash = Sha256::new();
    for size in [samples.len(), samples.features()] {
        hash.update((size as u64).to_le_bytes());
    }
    for index in 0..samples.len() {
        hash.update([samples.label(index)]);
        hash.update(samples.image(index));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
