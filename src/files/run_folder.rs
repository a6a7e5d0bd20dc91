//! Run folders: created before the long work starts, filled as its results come.
//!
//! A run folder tells the story of one run. A new run replaces an old one as a whole: when its first file is written,
//! the files of the old run are removed, whichever verb wrote them. Until then the old run is untouched, so that a run
//! that fails early costs nothing. Other files in the folder are never touched.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::lock;
use super::whole::{self, WholeFile, folder_of};
use crate::error::{Error, Result};

/// The names of all files that any verb writes into a run folder.
const FILES: [&str; 26] = [
    "checkpoint.bin",
    "model.safetensors",
    "history.csv",
    "run.json",
    "report.html",
    "report.md",
    "loss.svg",
    "accuracy.svg",
    "confusion.svg",
    "probabilities.svg",
    "probabilities_sigmoid.svg",
    "rate.svg",
    "bonus.csv",
    "templates.svg",
    "templates.png",
    "bench.json",
    "bench.csv",
    "roofline.svg",
    "step_sweep.svg",
    "step_sweep.csv",
    JOURNAL,
    "sweep.json",
    "sweep.csv",
    "validation_accuracy.svg",
    "validation_loss.svg",
    "curves.svg",
];
/// The folders within a run folder that such files may lie in: one for each run of `reproduce`, and one for the best run of
/// a sweep.
const INNER_FOLDERS: [&str; 5] = ["test1", "test2", "test3", "test4", "best"];

/// The most runs of several seeds that a folder holds, in `seed1`, `seed2` and so on.
pub const MOST_SEEDS: usize = 32;

/// The file in which a sweep keeps its results. A process that is at work in the folder has it locked.
pub const JOURNAL: &str = "runs.jsonl";
/// The folder within a run folder for the states of runs of a sweep, in files of any name that ends with [`STATE`].
pub const STATES: &str = "states";
/// How the name of a file of states ends.
pub const STATE: &str = ".bin";

/// What [`Existing::Refuse`] expects.
pub const EMPTY: &str = "a new or empty folder";

/// What happens to the files that a folder holds already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// A folder that holds anything is refused.
    Refuse,
    /// The old run is removed when the first file of the new run is written.
    Replace,
    /// They stay. A file of the same name is replaced.
    Keep,
}

/// A folder for the files of a run.
///
/// A file appears in it by a rename, so that a reader never sees half of one. If nothing is written, the folders that
/// were created are removed again when this is dropped.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Shared with the folders within this one.
    state: Arc<Mutex<State>>,
}

/// What a run folder has done on disk so far.
#[derive(Debug)]
struct State {
    /// The outermost folder of the run.
    root: PathBuf,
    /// The folders that were created, outermost first.
    created: Vec<PathBuf>,
    /// Whether an old run is still to be removed.
    replaces: bool,
    written: bool,
}

impl RunFolder {
    /// Creates the folder `path`, with its parents, and checks that files can be written there. Temporary files of a
    /// killed run are removed.
    ///
    /// # Errors
    /// A folder that cannot be created or written to, that contains a mapped file, in which another process is at work on a
    /// sweep, or that `existing` refuses.
    pub fn create(path: &Path, existing: Existing) -> Result<Self> {
        if existing == Existing::Refuse && path.exists() {
            check_empty(path)?;
        }
        lock::check_free(&path.join(JOURNAL))?;
        let folder = Self::new(path, missing(path), existing == Existing::Replace);
        fs::create_dir_all(path).map_err(Error::io(path, "make the folder"))?;
        folder.check_no_input()?;
        folders(path).try_for_each(|folder| whole::remove_left_over(&folder))?;
        folder.check_writable()?;
        Ok(folder)
    }

    /// Creates a new folder in `parent`: `name`, or if that exists `name-2`, `name-3`, ...
    ///
    /// # Errors
    /// A folder that cannot be created or written to.
    pub fn create_new(parent: &Path, name: &str) -> Result<Self> {
        let mut created = missing(parent);
        fs::create_dir_all(parent).map_err(Error::io(parent, "make the folder"))?;
        let (mut path, mut number) = (parent.join(name), 1);
        while let Err(error) = fs::create_dir(&path) {
            if error.kind() != ErrorKind::AlreadyExists {
                return Err(Error::io(&path, "make the folder")(error));
            }
            number += 1;
            path = parent.join(format!("{name}-{number}"));
        }
        created.push(path.clone());
        let folder = Self::new(&path, created, false);
        folder.check_writable()?;
        Ok(folder)
    }

    /// The folder `name` within this one, for one of several runs that were trained together. The first file in any of
    /// these folders replaces the old run.
    ///
    /// # Errors
    /// A folder that cannot be created or written to.
    pub fn inner(&self, name: &str) -> Result<Self> {
        let folder = Self { path: self.path.join(name), state: Arc::clone(&self.state) };
        folder.state().created.extend(missing(&folder.path));
        fs::create_dir_all(&folder.path).map_err(Error::io(&folder.path, "make the folder"))?;
        folder.check_writable()?;
        Ok(folder)
    }

    /// Checks that no file that this run could replace or remove is mapped.
    fn check_no_input(&self) -> Result<()> {
        folders(&self.path).try_for_each(|folder| {
            let entries = fs::read_dir(&folder).map_err(Error::io(&folder, "read the folder"))?;
            // An entry that cannot be read any more is no mapped file.
            entries.flatten().try_for_each(|entry| whole::check_no_input(&entry.path()))
        })
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file `name`, which may lie in a folder within this one, as in `test1/history.csv`. A file of that
    /// name is replaced.
    ///
    /// # Errors
    /// A file that cannot be written. The old file is then untouched, and if this was to be the first file of the run,
    /// the old run.
    ///
    /// # Panics
    /// If the file is not listed in this module, so that a later run would not remove it.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<()> {
        self.write_file(name, contents.as_ref(), false)
    }

    /// Writes the file `name` as [`RunFolder::write`] does, and waits until it is on the disk, where it survives a
    /// power failure.
    pub fn write_durably(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<()> {
        self.write_file(name, contents.as_ref(), true)
    }
}

impl RunFolder {
    fn new(root: &Path, created: Vec<PathBuf>, replaces: bool) -> Self {
        let root = root.to_path_buf();
        let state = State { root: root.clone(), created, replaces, written: false };
        Self { path: root, state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_writable(&self) -> Result<()> {
        // Created, and removed at once.
        WholeFile::new(&self.path.join("run.json"), &[], false).map(drop)
    }

    fn write_file(&self, name: &str, contents: &[u8], durably: bool) -> Result<()> {
        let mut state = self.state();
        let path = self.path.join(name);
        let folder = folder_of(&path);
        let is_state = folder == state.root.join(STATES) && name.ends_with(STATE);
        let listed = is_state || run_files(&state.root).any(|listed| listed == path);
        assert!(listed, "{} is not listed as a file of a run", path.display());
        fs::create_dir_all(folder).map_err(Error::io(folder, "make the folder"))?;
        let file = WholeFile::new(&path, contents, durably)?;
        if state.replaces {
            remove_run(&state.root, &path)?;
            state.replaces = false;
        }
        file.finish()?;
        state.written = true;
        Ok(())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if !self.written {
            // A folder into which another program wrote is not empty, and stays.
            self.created.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
        }
    }
}

/// The folder `root` of a run and the folders within it.
fn folders(root: &Path) -> impl Iterator<Item = PathBuf> {
    possible_folders(root).filter(|folder| folder.is_dir())
}

fn possible_folders(root: &Path) -> impl Iterator<Item = PathBuf> {
    let seeds = (1..=MOST_SEEDS).map(|number| root.join(format!("seed{number}")));
    let inner = INNER_FOLDERS.into_iter().chain([STATES]).map(|name| root.join(name)).chain(seeds);
    [root.to_path_buf()].into_iter().chain(inner)
}

/// Every path in the run folder `root` that a verb may write to.
fn run_files(root: &Path) -> impl Iterator<Item = PathBuf> {
    possible_folders(root).flat_map(|folder| FILES.map(|name| folder.join(name)))
}

/// The files of states in the run folder `root`, sorted by name.
///
/// # Errors
/// A folder that cannot be read.
pub fn states(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join(STATES);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(&folder).map_err(Error::io(&folder, "read the folder"))?;
    let paths =
        entries.map(|entry| entry.map(|entry| entry.path()).map_err(Error::io(&folder, "read the folder")));
    let mut paths = paths.collect::<Result<Vec<PathBuf>>>()?;
    paths.retain(|path| path.to_string_lossy().ends_with(STATE));
    paths.sort();
    Ok(paths)
}

/// Removes the files of the run in `root`, but for the file `new`, which is about to be replaced.
fn remove_run(root: &Path, new: &Path) -> Result<()> {
    let states = states(root)?;
    for path in run_files(root).chain(states).filter(|path| path != new) {
        let is_file = path.symlink_metadata().is_ok_and(|metadata| !metadata.is_dir());
        if is_file {
            fs::remove_file(&path).map_err(Error::io(&path, "remove"))?;
            if folder_of(&path) != root {
                // Only the last file of a folder leaves it empty.
                let _ = fs::remove_dir(folder_of(&path));
            }
        }
    }
    Ok(())
}

/// The folders among `path` and its parents that do not exist, outermost first.
fn missing(path: &Path) -> Vec<PathBuf> {
    let mut missing: Vec<PathBuf> =
        path.ancestors().filter(|folder| !folder.exists()).map(Into::into).collect();
    missing.retain(|folder| !folder.as_os_str().is_empty());
    missing.reverse();
    missing
}

fn check_empty(path: &Path) -> Result<()> {
    if !path.is_dir() {
        return Err(Error::format(path, "a folder", "a file"));
    }
    let mut entries = fs::read_dir(path).map_err(Error::io(path, "read the folder"))?;
    match entries.any(|entry| !entry.is_ok_and(|entry| whole::is_left_over(&entry))) {
        true => Err(Error::format(path, EMPTY, "a folder that holds files")),
        false => Ok(()),
    }
}
