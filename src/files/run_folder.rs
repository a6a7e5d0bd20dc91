//! The run folder: made before the long work starts, filled at the end, each file whole or not at all.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::whole::{self, WholeFile};
use crate::error::{Error, Result};

/// A folder that takes the files of a run.
///
/// A file appears in it by a rename, so a reader never sees half of one, whatever happens to the writer.
/// Where nothing was written, the folders that it made are removed again when it is dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// The folders that were not there before, outermost first.
    made: Vec<PathBuf>,
    written: AtomicBool,
}

impl RunFolder {
    /// Makes the folder `path` and what leads to it, and checks that files can be written there. Where
    /// `overwrite` is set, an existing folder may hold files: those of the same name are replaced, those that a
    /// killed run left unfinished are removed, others stay.
    ///
    /// # Errors
    /// A folder that cannot be made or written to; one that holds a file that is mapped; and, unless `overwrite` is
    /// set, one that holds anything.
    pub fn create(path: &Path, overwrite: bool) -> Result<Self> {
        if path.exists() && !overwrite {
            check_empty(path)?;
        }
        let folder = Self { path: path.to_path_buf(), made: missing(path), written: AtomicBool::new(false) };
        fs::create_dir_all(path).map_err(Error::io(path, "make the folder"))?;
        folder.check_no_input()?;
        whole::remove_left_over(path)?;
        folder.checked()
    }

    /// Makes a folder in `parent` that nobody else has: `name`, or where that is taken `name-2`, `name-3`, ...
    ///
    /// # Errors
    /// A folder that cannot be made or written to.
    pub fn create_new(parent: &Path, name: &str) -> Result<Self> {
        let mut made = missing(parent);
        fs::create_dir_all(parent).map_err(Error::io(parent, "make the folder"))?;
        let (mut path, mut number) = (parent.join(name), 1);
        while let Err(error) = fs::create_dir(&path) {
            if error.kind() != ErrorKind::AlreadyExists {
                return Err(Error::io(&path, "make the folder")(error));
            }
            number += 1;
            path = parent.join(format!("{name}-{number}"));
        }
        made.push(path.clone());
        Self { path, made, written: AtomicBool::new(false) }.checked()
    }

    /// Checks, before the long work, that nothing in this folder is a file that is being read: a run could replace it.
    ///
    /// # Errors
    /// The file, and the input that it is.
    pub fn check_no_input(&self) -> Result<()> {
        let entries = fs::read_dir(&self.path).map_err(Error::io(&self.path, "read the folder"))?;
        // What can no longer be examined is no file that is being read.
        entries.flatten().try_for_each(|entry| whole::check_no_input(&entry.path()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file `name`, which may lie in folders of its own, as in `test1/history.csv`. A file of that
    /// name is replaced.
    ///
    /// # Errors
    /// What the system refuses. The file is then as it was before.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<()> {
        self.write_by(whole::write, name, contents.as_ref())
    }

    /// Writes the file `name` as [`RunFolder::write`] does, to the disk itself.
    ///
    /// # Errors
    /// What the system refuses. The file is then as it was before.
    pub fn write_durably(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<()> {
        self.write_by(whole::write_durably, name, contents.as_ref())
    }

    fn write_by(&self, write: fn(&Path, &[u8]) -> Result<()>, name: &str, contents: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let folder = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder).map_err(Error::io(folder, "make the folder"))?;
        write(&path, contents)?;
        self.written.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl RunFolder {
    /// This folder, which takes files.
    fn checked(self) -> Result<Self> {
        // Only tried: it is removed again at once.
        WholeFile::create(&self.path.join("run.json"))?;
        Ok(self)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if !*self.written.get_mut() {
            // A folder that somebody else put something into is not empty, and stays.
            self.made.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
        }
    }
}

/// The folders on the way to `path`, and it itself, that are not there, outermost first.
fn missing(path: &Path) -> Vec<PathBuf> {
    let mut missing: Vec<PathBuf> =
        path.ancestors().filter(|folder| !folder.exists()).map(Into::into).collect();
    missing.retain(|folder| !folder.as_os_str().is_empty());
    missing.reverse();
    missing
}

fn check_empty(path: &Path) -> Result<()> {
    let expected = "a new or an empty folder, or --overwrite";
    if !path.is_dir() {
        return Err(Error::format(path, expected, "a file"));
    }
    match fs::read_dir(path).map_err(Error::io(path, "read the folder"))?.next() {
        Some(_) => Err(Error::format(path, expected, "a folder that holds files")),
        None => Ok(()),
    }
}
