//! Memory-mapped files.

use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use crate::error::{Error, Result};
#[cfg(unix)]
use crate::files::in_use::InUse;
use crate::files::regular;

/// The largest file that is read ahead, in bytes. A larger one may not fit into memory, or may be one large hole.
#[cfg(target_os = "linux")]
const POPULATED: u64 = 1 << 32;

/// A read-only map of a whole file that is not empty.
#[derive(Debug)]
pub struct Mapped {
    path: PathBuf,
    /// Declared before the map, so that it is dropped first: a listed file is mapped.
    #[cfg(unix)]
    _in_use: InUse,
    map: Mmap,
}

impl Mapped {
    /// Maps the regular file `path`. `what` says what it must be, as in "a file of CIFAR-10 records".
    ///
    /// # Errors
    /// A file that is not a regular one, is empty, or cannot be read.
    pub fn open(path: &Path, what: &str) -> Result<Self> {
        let (file, map) = map(path, what)?;
        Ok(Self {
            path: path.to_path_buf(),
            #[cfg(unix)]
            _in_use: InUse::new(path, file, &map)?,
            map,
        })
    }

    /// The path of the file.
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
    // SAFETY: the map is read-only and private to this type. It relies on no other process changing the file while it
    // is mapped, as every file map does: data files are written once and then only read.
    let map = unsafe { Mmap::map(&file) }.map_err(Error::io(path, "map"))?;
    // One call maps all pages that are in the page cache. Without it each 64 KiB costs a page fault. An older kernel
    // refuses this advice, which does no harm.
    #[cfg(target_os = "linux")]
    let _ = map.advise(match size <= POPULATED {
        true => memmap2::Advice::PopulateRead,
        // What is read in order is read ahead in larger pieces.
        false => memmap2::Advice::Sequential,
    });
    Ok((file, map))
}
