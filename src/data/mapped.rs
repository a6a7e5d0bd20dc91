//! Memory-mapped files: the one place where a file becomes bytes in memory.

use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use crate::error::{Error, Result};
#[cfg(unix)]
use crate::files::in_use::InUse;
use crate::files::regular;

/// The most bytes that are worth reading before they are asked for. A file of more may not fit into memory, or be one
/// large hole.
#[cfg(target_os = "linux")]
const POPULATED: u64 = 1 << 32;

/// A read-only map of a whole file, of at least one byte.
#[derive(Debug)]
pub struct Mapped {
    path: PathBuf,
    /// Before the map, so that it is dropped first: what is listed is mapped.
    #[cfg(unix)]
    _in_use: InUse,
    map: Mmap,
}

impl Mapped {
    /// Maps the regular file `path`, which must be `what`, as in "a file of CIFAR-10 records".
    ///
    /// # Errors
    /// A file that cannot be read, is not a regular one, or is empty.
    pub fn open(path: &Path, what: &str) -> Result<Self> {
        let (file, map) = map(path, what)?;
        Ok(Self {
            path: path.to_path_buf(),
            #[cfg(unix)]
            _in_use: InUse::new(path, file, &map)?,
            map,
        })
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

/// Opens and maps a whole regular file, read-only.
fn map(path: &Path, what: &str) -> Result<(File, Mmap)> {
    let (file, size) = regular::open(path, what)?;
    if size == 0 {
        return Err(Error::format(path, what, "an empty file"));
    }
    // SAFETY: the map is read-only and private to this type. As for every user of a file map, the promise is
    // that nobody shortens or rewrites the file meanwhile: data files are written once and then only read.
    let map = unsafe { Mmap::map(&file) }.map_err(Error::io(path, "map"))?;
    // One call maps all the pages that are in the cache; without it each 64 KiB costs a fault of its own. It is
    // only advice: an older kernel refuses it, and the pages then come one fault at a time.
    #[cfg(target_os = "linux")]
    if size <= POPULATED {
        let _ = map.advise(memmap2::Advice::PopulateRead);
    }
    Ok((file, map))
}
