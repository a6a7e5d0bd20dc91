//! A folder for the built-in data set, which is needed for no longer than it takes to write and map it.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::error::{Error, Result};

/// What the folder's name begins with.
const PREFIX: &str = "onelayer-synthetic-";
/// The file in it that its owner holds a lock on.
const LOCK: &str = "lock";
/// A younger folder may have an owner that has yet to lock it.
const AGE: Duration = Duration::from_secs(60);

/// A folder among the system's temporary files. It is removed when this is dropped; one whose owner was killed, when
/// the next one is made.
#[derive(Debug)]
pub struct Temporary {
    folder: TempDir,
    _lock: File,
}

impl Temporary {
    /// Makes the folder.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn new() -> Result<Self> {
        let parent = std::env::temp_dir();
        remove_abandoned(&parent);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&parent);
        let folder = folder.map_err(Error::io(&parent, "make a folder in"))?;
        let path = folder.path().join(LOCK);
        let lock = File::create_new(&path).map_err(Error::io(&path, "write"))?;
        // A file system without locks is no reason not to go on.
        let _ = lock.try_lock();
        Ok(Self { folder, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders that nobody owns any more. What cannot be removed is in nobody's way.
fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let named = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes());
        let is_old = |metadata: &fs::Metadata| {
            let age = metadata.modified().ok().and_then(|then| then.elapsed().ok());
            metadata.is_dir() && age.is_some_and(|age| age > AGE)
        };
        if !named || !entry.metadata().is_ok_and(|metadata| is_old(&metadata)) {
            continue;
        }
        let owned = match File::open(entry.path().join(LOCK)) {
            Ok(lock) => lock.try_lock().is_err(),
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        };
        if !owned {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
