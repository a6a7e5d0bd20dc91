//! NumPy's `.npz` archives: zip files whose members are `.npy` files, stored or deflated.
//!
//! An array in an archive is named as if the archive were a folder: `mnist.npz/x_train`. A stored one is read in place; a
//! deflated one is unpacked into memory.

use std::io::{Cursor, Read};
use std::path::Path;

use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::image_file::Bytes;
use super::mapped::Mapped;
use crate::error::{Error, Result};

/// What such a file is, for errors.
const WHAT: &str = "an archive as numpy.savez writes it (.npz)";
/// The ending of a member's name.
const ENDING: &str = ".npy";
/// The most bytes that a member may have, unpacked.
pub(super) const LARGEST: u64 = 1 << 34;

/// Whether `path` is an archive, by its name.
pub(super) fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "npz")
}

/// The archive that an array with this path is in, and its name there; none for other paths.
pub(super) fn member(path: &Path) -> Option<(&Path, &str)> {
    let archive = path.parent().filter(|parent| is_archive(parent) && parent.is_file())?;
    Some((archive, path.file_name()?.to_str()?))
}

/// The names of the arrays in the archive `path`, sorted.
///
/// # Errors
/// A file that cannot be read or is no archive.
pub(super) fn names(path: &Path) -> Result<Vec<String>> {
    let file = Mapped::open(path, WHAT)?;
    let archive = ZipArchive::new(Cursor::new(file.bytes())).map_err(refused(path))?;
    let names = archive.file_names().collect::<Result<Vec<_>, _>>().map_err(refused(path))?;
    let mut names: Vec<String> =
        names.iter().filter_map(|name| Some(name.strip_suffix(ENDING)?.to_string())).collect();
    names.sort_unstable();
    Ok(names)
}

/// The file of the array `name` in the archive `archive`.
///
/// # Errors
/// An archive that cannot be read, or has no such array; one that is encrypted, damaged, or packed in another way.
pub(super) fn open(archive: &Path, name: &str) -> Result<Bytes> {
    let file = Mapped::open(archive, WHAT)?;
    let path = archive.join(name);
    let mut zip = ZipArchive::new(Cursor::new(file.bytes())).map_err(refused(archive))?;
    let member = zip.by_name(&format!("{name}{ENDING}")).map_err(refused(&path))?;
    if member.size() > LARGEST {
        let expected = format!("at most {LARGEST} bytes in an archive (numpy.save writes larger arrays)");
        return Err(Error::format(&path, expected, member.size()));
    }
    match stored(&member, file.bytes().len()) {
        Some(range) => {
            drop(member);
            Ok(Bytes::Part(path, file, range))
        }
        None => {
            let mut bytes = Vec::new();
            let read = member.take(LARGEST).read_to_end(&mut bytes);
            read.map_err(|error| Error::format(&path, WHAT, error))?;
            Ok(Bytes::Owned(path, bytes))
        }
    }
}

/// Where the bytes of a member are that is stored as it is.
fn stored<R: Read>(member: &ZipFile<R>, len: usize) -> Option<std::ops::Range<usize>> {
    let start = usize::try_from(member.data_start()?).ok()?;
    let end = start.checked_add(usize::try_from(member.size()).ok()?)?;
    let is_whole = member.size() == member.compressed_size() && end <= len;
    (member.compression() == CompressionMethod::Stored && is_whole).then_some(start..end)
}

fn refused(path: &Path) -> impl Fn(ZipError) -> Error + use<'_> {
    move |error| match error {
        ZipError::FileNotFound => Error::format(path, "an array of this name", "none"),
        error => Error::format(path, WHAT, error),
    }
}
