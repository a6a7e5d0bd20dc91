//! A file that one process has to itself.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::whole::folder_of;
use crate::error::{Error, Result};

/// Opens the file `path`, to be read and appended to, and locks it until it is closed, by whatever end of the process.
///
/// # Errors
/// A file that cannot be opened, or that another process has locked.
pub fn open(path: &Path) -> Result<File> {
    let file = OpenOptions::new().read(true).append(true).open(path).map_err(Error::io(path, "open"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let expected = "a folder in which no other process is at work";
            Err(Error::format(folder_of(path), expected, "one that another process is writing to"))
        }
        Err(TryLockError::Error(error)) => Err(Error::io(path, "lock")(error)),
    }
}

/// Checks that no process has locked the file `path`, if there is one.
///
/// # Errors
/// As [`open`].
pub fn check_free(path: &Path) -> Result<()> {
    if path.is_file() { open(path).map(drop) } else { Ok(()) }
}
