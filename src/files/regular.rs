//! Regular files: a folder, a pipe or a device in place of one is refused before it is opened, and no more is read
//! than a limit allows.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};

/// Opens the regular file `path` for reading, and returns it with its size in bytes. `what` says what it must be, as
/// in "a model file".
///
/// # Errors
/// A file that is not a regular one, or cannot be opened.
pub fn open(path: &Path, what: &str) -> Result<(File, u64)> {
    // Examined before it is opened: opening a pipe would wait for its writer.
    let metadata = fs::metadata(path).map_err(Error::io(path, "open"))?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "a folder" } else { "something that is not a regular file" };
        return Err(Error::format(path, what, found));
    }
    let file = File::open(path).map_err(Error::io(path, "open"))?;
    Ok((file, metadata.len()))
}

/// Reads the whole regular file `path`. `what` says what it must be; it may have at most `limit` bytes.
///
/// # Errors
/// A file that is not a regular one, is larger, or cannot be read.
pub fn read(path: &Path, what: &str, limit: u64) -> Result<Vec<u8>> {
    let (file, size) = open(path, what)?;
    if size > limit {
        let expected = format!("{what} of at most {limit} bytes");
        return Err(Error::format(path, expected, format_args!("{size} bytes")));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(Error::io(path, "read"))?;
    Ok(bytes)
}
