//! Files of arrays: `.npy` files, the members of `.npz` archives, and MNIST's IDX files, which may be packed by gzip. The
//! samples are in one, their labels in another.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::array::{self, Array};
use super::class_values::ClassValues;
use super::image_file::{Batch, Bytes, ImageFile, Place};
use super::mapped::Mapped;
use super::{idx, npy, npz};
use crate::error::{Error, Result};

/// What the names of files of samples and of labels begin with: as Keras has them.
const PREFIXES: [(&str, &str); 2] = [("x_", "y_"), ("X_", "y_")];

/// Whether this is the path of a file of arrays, by its name.
pub fn is_array(path: &Path) -> bool {
    is_npy(path) || is_idx(path) || npz::is_archive(path) || npz::member(path).is_some()
}

fn is_npy(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "npy")
}

/// Whether a file of this name is one of MNIST's: `train-images-idx3-ubyte`, `train-images.idx3-ubyte`, with `.gz` or
/// without.
pub(super) fn is_idx(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.trim_end_matches(".gz").ends_with("-ubyte") && name.contains("idx")
}

/// The bytes of the file `path`: mapped, or unpacked.
fn open(path: &Path) -> Result<Bytes> {
    if let Some((archive, name)) = npz::member(path) {
        return npz::open(archive, name);
    }
    let file = Mapped::open(path, if is_idx(path) { idx::WHAT } else { npy::WHAT })?;
    if path.extension().is_none_or(|extension| extension != "gz") {
        return Ok(Bytes::Mapped(file));
    }
    let mut bytes = Vec::new();
    let read = MultiGzDecoder::new(file.bytes()).take(npz::LARGEST).read_to_end(&mut bytes);
    read.map_err(|error| Error::format(path, "a file that gzip packed", error))?;
    Ok(Bytes::Owned(path.into(), bytes))
}

fn parse(file: &Bytes) -> Result<Array> {
    let parse = if is_idx(file.path()) { idx::parse } else { npy::parse };
    parse(file.path(), file.bytes())
}

/// The samples in the file `path` and their labels in the file beside it.
///
/// # Errors
/// Files that cannot be read or do not hold such arrays, and a label that stands for no class.
pub(super) fn open_pair(path: &Path, values: &ClassValues) -> Result<ImageFile> {
    let (images, labels) = (open(path)?, open(&labels_of(path)?)?);
    let found = |file| Ok((parse(file)?, file.path(), file.bytes()));
    let batch = array::pair(found(&images)?, found(&labels)?, values)?;
    Ok(ImageFile::new(images, Some(labels), batch))
}

/// The samples in the file `path`, or of the only array in an archive, which have no labels: all of them read as 0.
///
/// # Errors
/// A file that cannot be read or does not hold such an array, and an archive of several.
pub fn open_unlabelled(path: &Path) -> Result<ImageFile> {
    let file = match npz::is_archive(path) {
        true => match &npz::names(path)?[..] {
            [name] => npz::open(path, name)?,
            names => {
                let expected = format!("one array, or the name of one, as in {}/x_test", path.display());
                return Err(Error::format(path, expected, names.join(", ")));
            }
        },
        false => open(path)?,
    };
    let (count, features, images) = array::images((parse(&file)?, file.path(), file.bytes()))?;
    let batch = Batch { count, features, images, labels: Place::Copy(vec![0; count]) };
    Ok(ImageFile::new(file, None, batch))
}

/// The labels of the samples in the file `path`.
///
/// # Errors
/// A file that cannot be read, or does not hold integers.
pub(super) fn label_values(path: &Path) -> Result<ClassValues> {
    let file = open(&labels_of(path)?)?;
    Ok(ClassValues::of_labels(parse(&file)?.values(file.path(), file.bytes())?))
}

/// The file of labels that belongs to the file `images`: the last "images" in its name is replaced by "labels", or its "x_"
/// by "y_". Labels have one dimension, as MNIST's names say.
///
/// # Errors
/// Another name.
pub fn labels_of(images: &Path) -> Result<PathBuf> {
    let name = images.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let renamed = name.rsplit_once("images").map(|(before, after)| format!("{before}labels{after}"));
    let keras = || {
        PREFIXES.iter().find_map(|(samples, labels)| Some(format!("{labels}{}", name.strip_prefix(samples)?)))
    };
    match renamed.or_else(keras) {
        Some(labels) if is_idx(images) => {
            Ok(images.with_file_name(labels.replace("idx3", "idx1").replace("idx2", "idx1")))
        }
        Some(labels) => Ok(images.with_file_name(labels)),
        None => {
            let expected = "a name with \"images\", so that the file of labels has the same name with \"labels\", or x_ and y_";
            Err(Error::format(images, expected, "another name"))
        }
    }
}

/// Whether the file of labels that belongs to the file `images` is there.
pub fn has_labels(images: &Path) -> bool {
    labels_of(images).is_ok_and(|labels| exists(&labels))
}

/// Whether there is a file of this path, or an array in an archive.
pub(super) fn exists(path: &Path) -> bool {
    match npz::member(path) {
        Some((archive, name)) => {
            npz::names(archive).is_ok_and(|names| names.iter().any(|other| other == name))
        }
        None => path.exists(),
    }
}
