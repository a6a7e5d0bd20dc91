//! Memory-mapped files: the one place where a file becomes bytes in memory.

use std::fs::{self, File};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::layout::{FEATURES, LABEL, RECORD};
use crate::error::{Error, Result};
#[cfg(unix)]
use crate::in_use::InUse;
use crate::samples::{Rows, Samples};

/// The most bytes that are worth reading before they are asked for. A file of more may not fit into memory, or be one
/// large hole.
#[cfg(target_os = "linux")]
const POPULATED: u64 = 1 << 32;

/// A read-only map of a file of CIFAR-10 records, every one of them checked.
#[derive(Debug)]
pub struct MappedRecords {
    path: PathBuf,
    map: Map,
}

/// A whole mapped file.
#[derive(Debug)]
struct Map {
    /// Dropped first: what is listed is mapped.
    #[cfg(unix)]
    _in_use: InUse,
    bytes: Mmap,
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl MappedRecords {
    /// Maps `path` and checks its length and every label.
    ///
    /// # Errors
    /// A file that cannot be read, is not a whole number of records (at least one), or has a label that is not
    /// below `classes`.
    pub fn open(path: &Path, classes: usize) -> Result<Self> {
        let map = map(path)?;
        if map.is_empty() || !map.len().is_multiple_of(RECORD) {
            let expected = format!("a whole number of records of {RECORD} bytes, at least one");
            return Err(Error::format(path, expected, format_args!("{} bytes", map.len())));
        }
        let records = Self { path: path.to_path_buf(), map };
        records.check_labels(classes)?;
        Ok(records)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of the whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.map.len() / RECORD
    }

    /// Never: a file without records is not opened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pixels of every record: rows of 3,072 bytes at a stride of 3,073.
    pub fn images(&self) -> Rows<'_> {
        Rows::new(&self.map[LABEL..], self.len(), FEATURES, RECORD)
    }

    /// The label of every record: rows of one byte at a stride of 3,073.
    pub fn labels(&self) -> Rows<'_> {
        Rows::new(&self.map, self.len(), LABEL, RECORD)
    }

    /// The records, as an engine takes them.
    pub fn samples(&self) -> Samples<'_> {
        Samples::new(self.images(), self.labels())
    }

    fn check_labels(&self, classes: usize) -> Result<()> {
        let labels = self.labels();
        match (0..labels.len()).find(|&record| usize::from(labels.row(record)[0]) >= classes) {
            None => Ok(()),
            Some(record) => {
                let found = format!("{} in record {record} (counted from 0)", labels.row(record)[0]);
                Err(Error::format(&self.path, format_args!("labels from 0 to {}", classes - 1), found))
            }
        }
    }
}

/// Maps a whole regular file, read-only.
fn map(path: &Path) -> Result<Map> {
    // Looked at before it is opened: to open a pipe is to wait for its writer.
    let metadata = fs::metadata(path).map_err(Error::io(path, "examine"))?;
    let not_records = |found| Err(Error::format(path, "a file of CIFAR-10 records", found));
    match metadata.len() {
        _ if metadata.is_dir() => return not_records("a folder"),
        _ if !metadata.is_file() => return not_records("something that is not a regular file"),
        0 => return not_records("an empty file"),
        _ => {}
    }
    let file = File::open(path).map_err(Error::io(path, "open"))?;
    // SAFETY: the map is read-only and private to this type. As for every user of a file map, the promise is
    // that nobody shortens or rewrites the file meanwhile: data files are written once and then only read.
    let bytes = unsafe { Mmap::map(&file) }.map_err(Error::io(path, "map"))?;
    // One call maps all the pages that are in the cache; without it each 64 KiB costs a fault of its own. It is
    // only advice: an older kernel refuses it, and the pages then come one fault at a time.
    #[cfg(target_os = "linux")]
    if metadata.len() <= POPULATED {
        let _ = bytes.advise(memmap2::Advice::PopulateRead);
    }
    Ok(Map {
        #[cfg(unix)]
        _in_use: InUse::new(path, file, &bytes)?,
        bytes,
    })
}
