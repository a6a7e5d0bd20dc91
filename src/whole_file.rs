//! Files that appear whole or not at all: written under another name in the same folder, renamed at the end. And files
//! that are read whole, up to a size.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// What the name of an unfinished file begins with.
const PREFIX: &str = ".onelayer-";

/// The bytes of the regular file `path`, which must be `what`, as in "a model file", and have at most `most` bytes: a
/// file of more would only fill the memory, and what is no regular file may never end.
///
/// # Errors
/// A file that is something else, larger, or cannot be read.
pub fn read(path: &Path, what: &str, most: u64) -> Result<Vec<u8>> {
    let metadata = fs::metadata(path).map_err(Error::io(path, "open"))?;
    let found = match metadata.len() {
        _ if metadata.is_dir() => "a folder".to_string(),
        _ if !metadata.is_file() => "something that is not a regular file".into(),
        length if length > most => {
            return Err(Error::format(
                path,
                format_args!("{what} of at most {most} bytes"),
                format_args!("{length} bytes"),
            ));
        }
        _ => {
            let mut bytes = Vec::new();
            let file = File::open(path).map_err(Error::io(path, "open"))?;
            file.take(most).read_to_end(&mut bytes).map_err(Error::io(path, "read"))?;
            return Ok(bytes);
        }
    };
    Err(Error::format(path, what, found))
}

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

/// Removes from `folder` the files that writers which were killed left unfinished. Nobody else may be writing there.
///
/// # Errors
/// What the system refuses.
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

/// Checks that `path` is not, by whatever name or link, a file that is mapped. Where the system has no such identity
/// of a file, it lets nobody replace one that is mapped.
///
/// # Errors
/// The file that it is.
pub fn check_no_input(path: &Path) -> Result<()> {
    #[cfg(unix)]
    if let Ok(metadata) = fs::metadata(path) {
        return crate::in_use::check_output(path, &metadata);
    }
    Ok(())
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
    /// If its folder does not take files, or it would replace a file that is mapped.
    pub fn create(path: &Path) -> Result<Self> {
        check_no_input(path)?;
        let mut builder = tempfile::Builder::new();
        // As readable to others as any new file: the umask decides.
        #[cfg(unix)]
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        #[cfg(unix)]
        builder.permissions(permissions);
        let file = builder.prefix(PREFIX).tempfile_in(folder_of(path)).map_err(Error::io(path, "write"))?;
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
