//! Memory-mapped files: the one place where a file becomes bytes in memory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use crate::error::{Error, Result};

/// A read-only map of a whole file, of at least one byte.
#[derive(Debug)]
pub struct Mapped {
    path: PathBuf,
    map: Mmap,
}

impl Mapped {
    /// Maps the regular file `path`, which must be `what`, as in "a file of CIFAR-10 records".
    ///
    /// # Errors
    /// A file that cannot be read, is not a regular one, or is empty.
    pub fn open(path: &Path, what: &str) -> Result<Self> {
        Ok(Self { path: path.to_path_buf(), map: map(path, what)? })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of the whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }
}

/// Maps a whole regular file, read-only.
fn map(path: &Path, what: &str) -> Result<Mmap> {
    // Looked at before it is opened: to open a pipe is to wait for its writer.
    let metadata = fs::metadata(path).map_err(Error::io(path, "examine"))?;
    let refused = |found| Err(Error::format(path, what, found));
    match metadata.len() {
        _ if metadata.is_dir() => return refused("a folder"),
        _ if !metadata.is_file() => return refused("something that is not a regular file"),
        0 => return refused("an empty file"),
        _ => {}
    }
    let file = File::open(path).map_err(Error::io(path, "open"))?;
    // SAFETY: the map is read-only and private to this type. As for every user of a file map, the promise is
    // that nobody shortens or rewrites the file meanwhile: data files are written once and then only read.
    let map = unsafe { Mmap::map(&file) }.map_err(Error::io(path, "map"))?;
    // One call maps all the pages that are in the cache; without it each 64 KiB costs a fault of its own. It is
    // only advice: an older kernel refuses it, and the pages then come one fault at a time.
    #[cfg(target_os = "linux")]
    let _ = map.advise(memmap2::Advice::PopulateRead);
    Ok(map)
}
