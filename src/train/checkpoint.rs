//! Checkpoints: all that it takes to go on training as if it had never stopped.
//!
//! A checkpoint is one file: a line that names the format, the length of the header as a little-endian u64, the
//! header in JSON (settings, fingerprint of the data, what was reached, the length of each plane), the planes of each
//! run's exact state, those of its last state that was evaluated, where that is another, and of its best one, that of its
//! descent by L-BFGS, and the SHA-256 of everything before it. It appears whole or not at all.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::lbfgs::SavedDescent;
use super::phase::{CHANGEABLE, Phase};
use super::reached::{Reached, Snapshot};
use super::settings::{Run, Setting, Settings};
use super::splits::Splits;
use super::warm_start::WarmStart;
use crate::data::Origin;
use crate::engine::{Planes, RunState};
use crate::error::{Error, Result};
use crate::files::regular;
use crate::files::whole::WholeFile;
use crate::samples::{Sample, Samples};

/// The checkpoint's name in a run folder.
pub const FILE: &str = "checkpoint.bin";

/// What the file begins with.
const MAGIC: &[u8] = b"onelayer checkpoint 5\n";
/// The bytes of the header's length.
const LENGTH: usize = size_of::<u64>();
/// The bytes of a SHA-256.
const SUM: usize = 32;
/// No checkpoint is larger: a file that is would only fill the memory.
const LARGEST: u64 = 1 << 28;

/// What tells one data set from another: SHA-256 over the images and labels of each split, whatever format they
/// were read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Of the training split.
    pub train: String,
    /// Of the validation split.
    pub validation: String,
    /// The names of the classes.
    pub classes: Vec<String>,
}

impl Fingerprint {
    /// The fingerprint of what a session trains on. Reads all of it.
    pub fn of(train: &Samples, validation: &Samples, classes: &[String]) -> Self {
        Self {
            train: samples_sha256(train),
            validation: samples_sha256(validation),
            classes: classes.to_vec(),
        }
    }
}

/// A session that can be taken up again. In JSON the states are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The runs.
    pub runs: Vec<Run>,
    /// Epochs between checkpoints.
    pub every: usize,
    /// The engine's name. Another one would round otherwise.
    pub engine: String,
    /// The data.
    pub data: Fingerprint,
    /// How far training is.
    pub reached: Reached,
    /// The state of each run at the last evaluation that found it finite.
    pub last: Vec<Option<Snapshot>>,
    /// The state of each run at its smallest validation loss so far.
    pub best: Vec<Option<Snapshot>>,
    /// The descent of each run by L-BFGS; none by gradient descent.
    pub descents: Vec<SavedDescent>,
    /// What its writer noted.
    #[serde(default)]
    pub notes: Notes,
    /// The exact state of each run.
    #[serde(skip)]
    pub states: Vec<RunState>,
    /// The file that it was read from; empty where it was not.
    #[serde(skip)]
    pub path: PathBuf,
}

/// What the writer of a checkpoint wants to find in it again. A session knows nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notes {
    /// Where the images came from.
    pub data: Option<Origin>,
    /// The model that training began with.
    pub from: Option<WarmStart>,
}

/// What the file holds in JSON.
#[derive(Serialize, Deserialize)]
struct Header<C> {
    #[serde(flatten)]
    checkpoint: C,
    /// The bytes of each plane of each state.
    planes: Vec<Vec<usize>>,
}

impl Checkpoint {
    /// Writes the file `path`, to the disk itself. One of that name is replaced by a whole one.
    ///
    /// # Errors
    /// What the system refuses. The former file is then untouched.
    pub fn save(&self, path: &Path) -> Result<()> {
        WholeFile::new(path, &self.to_bytes(), true)?.finish()
    }

    /// The file that [`Checkpoint::save`] writes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let last = self.last.iter().zip(&self.states).filter_map(|(last, now)| {
            let Snapshot { state, .. } = last.as_ref()?;
            // Most often it is the state that the run is in.
            Some(if state == now { Vec::new() } else { planes(state) })
        });
        let best = self.best.iter().flatten().map(|snapshot| planes(&snapshot.state));
        let descents = self.descents.iter().map(|descent| vec![&descent.plane[..]]);
        let states = self.states.iter().map(planes);
        let planes: Vec<Vec<&[u8]>> = states.chain(last).chain(best).chain(descents).collect();
        let lengths = |planes: &Vec<&[u8]>| planes.iter().map(|plane| plane.len()).collect();
        let header = Header { checkpoint: self, planes: planes.iter().map(lengths).collect() };
        let planes: Vec<&[u8]> = planes.into_iter().flatten().collect();
        let header = serde_json::to_vec(&header).expect("a header has string keys");
        let length = (header.len() as u64).to_le_bytes();
        let mut bytes = [MAGIC, &length, &header, &planes.concat()].concat();
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
        let (header, planes) = length
            .and_then(|length| rest.split_at_checked(length))
            .ok_or_else(|| broken("with a header that is longer than that"))?;
        let header: Header<Self> = serde_json::from_slice(header)
            .map_err(|error| broken(&format!("with a header that is none: {error}")))?;
        Self { path: path.to_path_buf(), ..header.checkpoint }
            .with_planes(&header.planes, planes)
            .ok_or_else(|| broken("with planes of other sizes than its header says"))
    }

    /// The same with the states whose planes have these `lengths` in `bytes`; none where something does not fit.
    fn with_planes(mut self, lengths: &[Vec<usize>], mut bytes: &[u8]) -> Option<Self> {
        let mut plane = |length: usize| {
            let (plane, rest) = bytes.split_at_checked(length)?;
            bytes = rest;
            Some(plane.to_vec())
        };
        let mut planes =
            |lengths: &[usize; 2]| Some(Planes { weight: plane(lengths[0])?, bias: plane(lengths[1])? });
        let earlier = self.last.iter().chain(&self.best).flatten();
        let count = self.runs.len() + earlier.count();
        let (lengths, of_descents) = lengths.split_at_checked(count)?;
        let mut state = |lengths: &[usize]| match lengths.as_chunks() {
            ([parameters], []) => Some(RunState { parameters: planes(parameters)?, velocity: None }),
            ([parameters, velocity], []) => {
                Some(RunState { parameters: planes(parameters)?, velocity: Some(planes(velocity)?) })
            }
            _ => None,
        };
        let mut lengths = lengths.iter();
        self.states = self.runs.iter().map(|_| state(lengths.next()?)).collect::<Option<_>>()?;
        for (last, now) in self.last.iter_mut().zip(&self.states) {
            let Some(snapshot) = last else { continue };
            let lengths = lengths.next()?;
            snapshot.state = if lengths.is_empty() { now.clone() } else { state(lengths)? };
        }
        for snapshot in self.best.iter_mut().flatten() {
            snapshot.state = state(lengths.next()?)?;
        }
        let mut of_descents = of_descents.iter();
        for descent in &mut self.descents {
            let [length] = of_descents.next()?[..] else { return None };
            let (plane, rest) = bytes.split_at_checked(length)?;
            (descent.plane, bytes) = (plane.to_vec(), rest);
        }
        let all = of_descents.next().is_none() && bytes.is_empty();
        let each = [&self.last, &self.best].map(Vec::len) == [self.runs.len(); 2];
        let fits = !self.runs.is_empty() && self.every > 0 && each;
        (all && fits).then_some(self)
    }

    /// The same, to go on with the settings of `runs`: another learning rate from here on, more epochs. What they were
    /// stands in [`Reached::phases`].
    ///
    /// # Errors
    /// The first other setting that has another value; no more epochs than are finished.
    pub fn go_on_with(mut self, runs: Vec<Run>) -> Result<Self> {
        self.check_settings(&runs)?;
        if self.runs != runs {
            let Reached { epoch, images, phases, .. } = &mut self.reached;
            let begun = phases.last().map_or((0, 0), |phase| (phase.epoch, phase.images));
            let former = std::mem::replace(&mut self.runs, runs);
            if begun != (*epoch, *images) {
                phases.push(Phase { runs: former, epoch: *epoch, images: *images });
            }
        }
        Ok(self)
    }

    fn check_settings(&self, runs: &[Run]) -> Result<()> {
        let reached = self.reached.epoch;
        for (ours, found) in self.runs.iter().zip(runs) {
            let [before, length] = [ours, found].map(|run| run.settings.length());
            if length != before && length <= reached {
                let expected = format_args!("{before}, or more than the {reached} that are finished");
                return Err(Error::setting(found.settings.length_name(), expected, length));
            }
            for Setting { name, .. } in Settings::TABLE.iter().filter(|row| !CHANGEABLE.contains(&row.name)) {
                let [ours, found] = [ours, found].map(|run| run.settings.get(name));
                if ours != found {
                    let expected = format_args!("{ours}, as in the run that is resumed");
                    return Err(Error::setting(name, expected, found));
                }
            }
        }
        Ok(())
    }

    /// Checks that `splits` are those of the checkpoint.
    ///
    /// # Errors
    /// The first split that is another.
    pub(super) fn check_data(&self, splits: &Splits) -> Result<()> {
        let data = Fingerprint::of(&splits.train, &splits.validation, splits.classes);
        let [ours, found] = [&self.data, &data].map(|data| {
            [
                format!("SHA-256 {}", data.train),
                format!("SHA-256 {}", data.validation),
                data.classes.join(", "),
            ]
        });
        for (part, (ours, found)) in
            ["training images", "validation images", "classes"].into_iter().zip(ours.iter().zip(&found))
        {
            if ours != found {
                let expected = format_args!("{part} as in the run that is resumed, {ours}");
                return Err(Error::format(&self.path, expected, found));
            }
        }
        Ok(())
    }
}

/// The planes of a state, in the order of the file.
fn planes(state: &RunState) -> Vec<&[u8]> {
    state.planes().flat_map(|planes| [&planes.weight[..], &planes.bias[..]]).collect()
}

/// SHA-256 over the number of images and of features as little-endian u64, then the label and the bytes of each
/// image.
pub(crate) fn samples_sha256(samples: &Samples) -> String {
    let mut hash = Sha256::new();
    for size in [samples.len(), samples.features()] {
        hash.update((size as u64).to_le_bytes());
    }
    for index in 0..samples.len() {
        let Sample { image, label, .. } = samples.sample(index);
        // A label below 256 is a byte.
        hash.update(&label.to_le_bytes()[..if label < 256 { 1 } else { 2 }]);
        hash.update(image.memory());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
