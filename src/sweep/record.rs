//! The record of a finished sweep: what `sweep.json` and `--json` hold. People's scripts read these keys.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::halving::Rung;
use super::outcome::{Ending, Outcome};
use super::plan::Header;
use super::shard::Shard;
use super::space::Lists;
use crate::engine::EngineInfo;
use crate::train::record::DatasetRecord;
use crate::train::{Fingerprint, Metrics, RunRecord, Settings};

/// The file's name in a run folder.
pub const FILE: &str = "sweep.json";

/// A finished sweep, or a shard of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepRecord {
    /// The runs, the best first.
    pub runs: Vec<Row>,
    /// The winner, which alone was tested; null where every run diverged. That of a shard is not tested either.
    pub best: Option<RunRecord>,
    /// Whether the winner was trained again, on the training and the validation images.
    pub refit: bool,
    /// The version of onelayer that trained them.
    pub version: String,
    /// When it ended, in RFC 3339.
    pub date: String,
    /// The machine: processor and cores.
    pub machine: String,
    /// The data.
    pub dataset: DatasetRecord,
    /// What tells this data from other data.
    pub fingerprint: Fingerprint,
    /// What trained them.
    pub engine: EngineInfo,
    /// The lists of values of each setting, as they were typed.
    pub space: Lists,
    /// The number of points that were drawn; null where every combination was tried.
    pub random: Option<usize>,
    /// Of how many runs one went on at each rung; null without halving.
    pub halving: Option<usize>,
    /// Whether each run of lbfgs began where the one with the next larger lambda ended.
    pub path: bool,
    /// The rungs of halving.
    pub rungs: Vec<Rung>,
    /// Where the time went.
    pub seconds: SweepSeconds,
    /// Which part of the sweep this is; null where it is all of it.
    pub shard: Option<Shard>,
    /// The folder.
    #[serde(serialize_with = "crate::files::path_text::path")]
    pub out: PathBuf,
}

/// A run of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What it is called: see [`id()`](super::id()).
    pub id: String,
    /// Every setting that its result depends on.
    pub config: Settings,
    /// How it ended.
    pub status: Ending,
    /// The epochs that it was trained; of one that diverged, the epoch in which it did.
    pub epoch: usize,
    /// What its model reaches on the validation split; of a run without one, what it reached last.
    pub validation: Reached,
    /// SHA-256 of its parameters, as in `run.json`; empty where it has no model to its name.
    pub weights_sha256: String,
}

/// How good a model is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    /// The mean loss, in nats.
    #[serde(deserialize_with = "crate::train::history::null_is_nan")]
    pub loss: f64,
    /// The fraction of images whose most probable class is the true one.
    #[serde(deserialize_with = "crate::train::history::null_is_nan")]
    pub accuracy: f64,
}

/// Where the time of a sweep went, in seconds of the clock on the wall. Those of a sweep that was resumed are those since
/// then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepSeconds {
    /// Mapping and checking the files, and standardization.
    pub load: f64,
    /// Training and evaluating all runs.
    pub train: f64,
    /// All of it.
    pub total: f64,
}

impl From<&Outcome> for Row {
    fn from(outcome: &Outcome) -> Self {
        let Metrics { loss, accuracy, .. } = outcome.validation();
        let Outcome { id, status, epoch, config, weights_sha256, .. } = outcome.clone();
        Self { id, config, status, epoch, validation: Reached { loss, accuracy }, weights_sha256 }
    }
}

/// The names of the settings in which the runs of a sweep differ, in the order of their table.
pub fn varied<'s>(settings: impl Iterator<Item = &'s Settings> + Clone) -> Vec<&'static str> {
    let differs = |name: &&str| {
        let mut values = settings.clone().map(|settings| settings.get(name));
        values.next().is_some_and(|first| values.any(|value| value != first))
    };
    Settings::TABLE.iter().map(|row| row.name).filter(differs).collect()
}

/// The lists of the settings of a sweep that has more than one value for them, by name, in the order of their table.
pub fn lists(header: &Header) -> Vec<(&'static str, String)> {
    let list = |name: &'static str| Some((name, header.space.get(name)?.join(",")));
    let many = |(name, text): &(&str, String)| Settings::default().set(name, text).is_err();
    Settings::TABLE.iter().filter_map(|row| list(row.name)).filter(many).collect()
}
