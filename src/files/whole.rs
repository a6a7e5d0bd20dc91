//! Files that appear whole or not at all: written under a temporary name in the same folder, then renamed.

use std::fs::{self, DirEntry, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// How a temporary name begins.
const PREFIX: &str = ".onelayer-";

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
        if is_left_over(&entry) {
            fs::remove_file(entry.path()).map_err(Error::io(&entry.path(), "remove"))?;
        }
    }
    Ok(())
}

/// Whether a killed process may have left this.
pub(super) fn is_left_over(entry: &DirEntry) -> bool {
    let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
    is_file && entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes())
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

/// A file that is written, but for its name. Without [`WholeFile::finish`] it is removed when it is dropped.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    file: NamedTempFile,
    durably: bool,
}

impl WholeFile {
    /// Writes `contents` to a temporary file, which will become `path`. What is written `durably` is waited for: it then
    /// survives a power failure.
    ///
    /// # Errors
    /// A folder that cannot be written to, a mapped file of that name, a disk that is full or fails.
    pub fn new(path: &Path, contents: &[u8], durably: bool) -> Result<Self> {
        check_no_input(path)?;
        let mut builder = tempfile::Builder::new();
        // The permissions of any new file: the umask decides.
        #[cfg(unix)]
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        #[cfg(unix)]
        builder.permissions(permissions);
        let create = builder.prefix(PREFIX).tempfile_in(folder_of(path));
        let write = create.and_then(|mut file| {
            file.as_file_mut().write_all(contents)?;
            if durably {
                file.as_file().sync_all()?;
            }
            Ok(file)
        });
        Ok(Self { path: path.to_path_buf(), file: write.map_err(Error::io(path, "write"))?, durably })
    }

    /// Writes more, at its end.
    ///
    /// # Errors
    /// A disk that is full or fails.
    pub fn append(&mut self, contents: &[u8]) -> Result<()> {
        self.file.write_all(contents).map_err(Error::io(&self.path, "write"))
    }

    /// Writes its beginning anew.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn overwrite_start(&mut self, contents: &[u8]) -> Result<()> {
        let write = self.file.rewind().and_then(|()| self.file.write_all(contents));
        write.map_err(Error::io(&self.path, "write"))
    }

    /// Gives the file its name. A file of that name is replaced.
    ///
    /// # Errors
    /// A rename that fails: the old file is then untouched. Or a disk that fails to keep the name.
    pub fn finish(self) -> Result<()> {
        self.file.persist(&self.path).map_err(|refused| Error::io(&self.path, "write")(refused.error))?;
        if self.durably { sync_folder(folder_of(&self.path)) } else { Ok(()) }
    }
}
