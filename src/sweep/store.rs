//! What a sweep keeps on disk, so that no interruption loses what it reached.
//!
//! - `runs.jsonl`, the journal: a line for the sweep, then one for each run that ended, appended as it ends; in a shard also
//!   one for each rung at which somebody who knows all shards decided which runs go on;
//! - `states/`: the states of runs that go on, a checkpoint for each group, replaced as a whole;
//! - `best/model.safetensors`: the model of the best run so far. It is written before the run's line: where only one of the
//!   two is there, the run is trained again, to the same model.
//!
//! A line that was not written to its end is cut off again.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::outcome::Outcome;
use super::plan::Header;
use crate::error::{Error, Result};
use crate::files::run_folder::{JOURNAL, STATE, STATES, states};
use crate::files::whole::sync_folder;
use crate::files::{RunFolder, lock};
use crate::model::Model;
use crate::train::Checkpoint;

/// The model of the best run, in a run folder.
pub const BEST_MODEL: &str = "best/model.safetensors";

/// What the journal of `folder` holds.
#[derive(Debug)]
pub struct Journal {
    /// What was swept.
    pub header: Header,
    /// The runs that ended.
    pub outcomes: Vec<Outcome>,
    /// The epochs of the rungs after which it was decided, for all shards, which runs go on.
    pub decided: Vec<usize>,
    /// The bytes of its whole lines.
    length: u64,
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct First<H> {
    sweep: H,
}

/// Any other line.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line<O> {
    Outcome(O),
    Rung { decided: usize },
}

impl Journal {
    /// Reads the journal in `folder`.
    ///
    /// # Errors
    /// A file that cannot be read or is none.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(JOURNAL);
        let file = File::open(&path).map_err(Error::io(&path, "open"))?;
        Self::parse(&path, file)
    }

    fn parse(path: &Path, mut file: File) -> Result<Self> {
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(Error::io(path, "read"))?;
        let broken = |line: usize, error: serde_json::Error| {
            Error::format(
                path,
                "the journal of a sweep",
                format_args!("line {line}, which is none of one: {error}"),
            )
        };
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        let mut lines = text[..whole].split_inclusive(|&byte| byte == b'\n');
        let first = lines.next().unwrap_or_default();
        let First { sweep: header } = serde_json::from_slice(first).map_err(|error| broken(1, error))?;
        let (mut outcomes, mut decided) = (Vec::new(), Vec::new());
        for (line, text) in (2..).zip(lines) {
            match serde_json::from_slice(text).map_err(|error| broken(line, error))? {
                Line::Outcome(outcome) => outcomes.push(outcome),
                Line::Rung { decided: epoch } => decided.push(epoch),
            }
        }
        Ok(Self { header, outcomes, decided, length: whole as u64 })
    }
}

/// The folder of a sweep that is at work.
pub(super) struct Store {
    folder: RunFolder,
    /// Locked.
    journal: File,
    path: PathBuf,
    /// The bytes of its whole lines.
    length: u64,
    /// For each file of states, how many runs have their newest state in it.
    users: HashMap<String, usize>,
}

impl Store {
    /// Begins a sweep in `folder`.
    ///
    /// # Errors
    /// A file that cannot be written, or another process that does the same.
    pub(super) fn begin(folder: RunFolder, header: &Header) -> Result<Self> {
        folder.write_durably(JOURNAL, line(&First { sweep: header }))?;
        let path = folder.path().join(JOURNAL);
        let journal = lock::open(&path)?;
        let length = journal.metadata().map_err(Error::io(&path, "examine"))?.len();
        Ok(Self { folder, journal, path, length, users: HashMap::new() })
    }

    /// Takes up the sweep in `folder`: what its journal holds.
    ///
    /// # Errors
    /// A journal that cannot be read, is none or that of another sweep, or another process that is at work on it.
    pub(super) fn take_up(folder: RunFolder, header: &Header) -> Result<(Self, Journal)> {
        let path = folder.path().join(JOURNAL);
        let file = lock::open(&path)?;
        let journal = Journal::parse(&path, file.try_clone().map_err(Error::io(&path, "read"))?)?;
        journal.header.check(header, "the sweep that is resumed", &path)?;
        let length = journal.length;
        file.set_len(length).map_err(Error::io(&path, "write"))?;
        Ok((Self { folder, journal: file, path, length, users: HashMap::new() }, journal))
    }

    /// The files of states that are there.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub(super) fn states(&self) -> Result<Vec<String>> {
        let name =
            |path: &PathBuf| path.file_name().map(|name| format!("{STATES}/{}", name.to_string_lossy()));
        Ok(states(self.folder.path())?.iter().filter_map(name).collect())
    }

    /// Notes that the runs ended, and the rung after which that was decided for all shards, if it was.
    ///
    /// # Errors
    /// A disk that is full or fails.
    pub(super) fn end<'o>(
        &mut self,
        outcomes: impl Iterator<Item = &'o Outcome>,
        decided: Option<usize>,
    ) -> Result<()> {
        let decided = decided.map(|decided| Line::Rung::<&Outcome> { decided });
        let lines: String = outcomes.map(Line::Outcome).chain(decided).map(|one| line(&one)).collect();
        if lines.is_empty() {
            return Ok(());
        }
        let write = self.journal.write_all(lines.as_bytes()).and_then(|()| self.journal.sync_data());
        match write {
            Ok(()) => self.length += lines.len() as u64,
            // Nothing is appended to half a line. Where this fails too, whoever reads it next cuts it off.
            Err(_) => drop(self.journal.set_len(self.length)),
        }
        write.map_err(Error::io(&self.path, "write"))
    }

    /// Saves the states of the runs in `checkpoint`, and returns the name of their file.
    ///
    /// # Errors
    /// A disk that is full or fails.
    pub(super) fn save(&mut self, checkpoint: &Checkpoint) -> Result<String> {
        // Other runs have another file: nothing is replaced but an earlier state of the same ones.
        let ids: Vec<&str> = checkpoint.runs.iter().map(|run| run.name.as_str()).collect();
        let hash =
            Sha256::digest(ids.concat())[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let name = format!("{STATES}/{hash}{STATE}");
        self.folder.write_durably(&name, checkpoint.to_bytes())?;
        Ok(name)
    }

    /// The states in the file `name`.
    ///
    /// # Errors
    /// A file that cannot be read, or is no checkpoint.
    pub(super) fn load(&self, name: &str) -> Result<Checkpoint> {
        Checkpoint::load(&self.folder.path().join(name))
    }

    /// Notes that a run has its newest state in the file `name`.
    pub(super) fn hold(&mut self, name: &str) {
        *self.users.entry(name.to_string()).or_default() += 1;
    }

    /// Notes that a run has its newest state in the file `name` no more; without runs it is removed.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub(super) fn release(&mut self, name: &str) -> Result<()> {
        let users = self.users.get_mut(name).expect("a file that a run holds");
        *users -= 1;
        if *users > 0 {
            return Ok(());
        }
        self.users.remove(name);
        self.remove(name)
    }

    /// Removes the files of states that no run holds.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub(super) fn remove_unused(&self) -> Result<()> {
        let names = self.states()?.into_iter();
        names.filter(|name| !self.users.contains_key(name)).try_for_each(|name| self.remove(&name))
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.folder.path().join(name);
        fs::remove_file(&path).map_err(Error::io(&path, "remove"))
    }

    /// Removes the folder of the states, once nothing is in it.
    pub(super) fn finish(&self) {
        let folder = self.folder.path().join(STATES);
        if fs::remove_dir(folder).is_ok() {
            let _ = sync_folder(self.folder.path());
        }
    }

    /// Keeps the model of the best run so far.
    ///
    /// # Errors
    /// A disk that is full or fails.
    pub(super) fn keep_best(&self, model: &Model) -> Result<()> {
        self.folder.write_durably(BEST_MODEL, model.to_bytes())
    }

    /// The model that was kept; none where there is no such file.
    ///
    /// # Errors
    /// A file that cannot be read or is no model.
    pub(super) fn best(&self) -> Result<Option<Model>> {
        let path = self.folder.path().join(BEST_MODEL);
        if path.is_file() { Model::load(&path).map(Some) } else { Ok(None) }
    }
}

/// An object in one line.
fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("records have string keys") + "\n"
}
