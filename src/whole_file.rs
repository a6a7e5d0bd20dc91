//! Files that appear whole or not at all: written under another name in the same folder, renamed at the end.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// Writes the file `path`. One of that name is replaced.
///
/// # Errors
/// What the system refuses. Whatever had the name before is then untouched.
pub fn write(path: &Path, contents: &[u8]) -> Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_at(0, contents)?;
    file.finish()
}

/// Writes the file `path` as [`write()`] does, to the disk itself: when this returns, the file is there
/// whatever happens to the machine.
///
/// # Errors
/// What the system refuses. Whatever had the name before is then untouched.
pub fn write_durably(path: &Path, contents: &[u8]) -> Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_at(0, contents)?;
    file.file.as_file().sync_all().map_err(Error::io(path, "write"))?;
    file.finish()?;
    sync_folder(folder_of(path))
}

/// Waits until the names in a folder are on the disk itself. Where the system cannot do that to a folder, it
/// has other means of keeping them.
///
/// # Errors
/// A disk that fails.
pub fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder, "write"))
}

/// The folder that a file of this path lies in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A file being written. It is removed unless [`WholeFile::finish`] gives it its name.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    file: NamedTempFile,
}

impl WholeFile {
    /// Begins the file that will be `path`.
    ///
    /// # Errors
    /// If its folder does not take files.
    pub fn create(path: &Path) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        // As readable to others as any new file: the umask decides.
        #[cfg(unix)]
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        #[cfg(unix)]
        builder.permissions(permissions);
        let file =
            builder.prefix(".onelayer-").tempfile_in(folder_of(path)).map_err(Error::io(path, "write"))?;
        Ok(Self { path: path.to_path_buf(), file })
    }

    /// Writes `bytes` from the byte `offset` on.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let file = self.file.as_file_mut();
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.write_all(bytes))
            .map_err(Error::io(&self.path, "write"))
    }

    /// Gives the file its name. A file that had it is replaced.
    ///
    /// # Errors
    /// What the system refuses. Whatever had the name before is then untouched.
    pub fn finish(self) -> Result<()> {
        self.file.persist(&self.path).map_err(|refused| Error::io(&self.path, "write")(refused.error))?;
        Ok(())
    }
}
