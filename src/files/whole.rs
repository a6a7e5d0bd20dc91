//! Files that appear whole or not at all: written under a temporary name in the same folder, then renamed.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// How a temporary name begins.
const PREFIX: &str = ".onelayer-";

/// Writes the file `path`. A file of that name is replaced.
///
/// # Errors
/// A file that cannot be written. The old file is then untouched.
pub fn write(path: &Path, contents: &[u8]) -> Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_at(0, contents)?;
    file.finish()
}

/// Writes the file `path` as [`write()`] does, and waits until it is on the disk, where it survives a power failure.
///
/// # Errors
/// A file that cannot be written. The old file is then untouched, unless only the last wait failed.
pub fn write_durably(path: &Path, contents: &[u8]) -> Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_at(0, contents)?;
    file.sync()?;
    file.finish()?;
    sync_folder(folder_of(path))
}

/// Waits until the names of a folder's files are on the disk. Systems other than Unix keep them in their own ways.
///
/// # Errors
/// A disk that fails.
pub fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder, "write"))
}

/// Removes the temporary files that a killed process left in `folder`. No other process may be writing there.
///
/// # Errors
/// A file that cannot be removed.
pub fn remove_left_over(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io(folder, "read the folder"))? {
        let entry = entry.map_err(Error::io(folder, "read the folder"))?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            fs::remove_file(entry.path()).map_err(Error::io(&entry.path(), "remove"))?;
        }
    }
    Ok(())
}

/// Checks that `path` is no mapped file, under whatever name or link. Systems other than Unix do not let a mapped
/// file be replaced.
///
/// # Errors
/// The mapped file that it is.
pub fn check_no_input(path: &Path) -> Result<()> {
    #[cfg(unix)]
    if let Ok(metadata) = fs::metadata(path) {
        return super::in_use::check_output(path, &metadata);
    }
    Ok(())
}

/// The folder that contains the file `path`.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A file being written. Without [`WholeFile::finish`] it is removed when it is dropped.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    file: NamedTempFile,
}

impl WholeFile {
    /// Creates the temporary file that will become `path`.
    ///
    /// # Errors
    /// A folder that cannot be written to, or a mapped file of that name.
    pub fn create(path: &Path) -> Result<Self> {
        check_no_input(path)?;
        let mut builder = tempfile::Builder::new();
        // The permissions of any new file: the umask decides.
        #[cfg(unix)]
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        #[cfg(unix)]
        builder.permissions(permissions);
        let file = builder.prefix(PREFIX).tempfile_in(folder_of(path)).map_err(Error::io(path, "write"))?;
        Ok(Self { path: path.to_path_buf(), file })
    }

    /// Writes `bytes` at the byte `offset`.
    ///
    /// # Errors
    /// A full disk, or one that fails.
    pub fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let file = self.file.as_file_mut();
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.write_all(bytes))
            .map_err(Error::io(&self.path, "write"))
    }

    /// Waits until what was written is on the disk.
    ///
    /// # Errors
    /// A full disk, or one that fails.
    pub fn sync(&self) -> Result<()> {
        self.file.as_file().sync_all().map_err(Error::io(&self.path, "write"))
    }

    /// Gives the file its name. A file of that name is replaced.
    ///
    /// # Errors
    /// A rename that fails. The old file is then untouched.
    pub fn finish(self) -> Result<()> {
        self.file.persist(&self.path).map_err(|refused| Error::io(&self.path, "write")(refused.error))?;
        Ok(())
    }
}
