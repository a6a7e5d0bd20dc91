//! NumPy's `.npy` files, for a user's own data: images `[N, D]` in one file, labels `[N]` in another.
//!
//! A file has a magic number, a version, the length of the header, the header (a Python dictionary of type, order and
//! shape) and the values. Arrays of unsigned bytes in C order are supported, and read in place.

use std::path::{Path, PathBuf};

use super::image_file::{Batch, Place};
use crate::error::{Error, Result};

/// What such a file is, for errors.
pub const WHAT: &str = "an array as numpy.save writes it (.npy)";

/// The first bytes of a file.
const MAGIC: &[u8] = b"\x93NUMPY";
/// The most dimensions of an array.
const MOST_DIMENSIONS: usize = 64;
/// The most characters of a header that an error quotes.
const QUOTED: usize = 60;

/// An array of bytes in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// The size of each dimension. The product of all is the number of bytes from `offset` to the end of the file.
    pub shape: Vec<usize>,
    /// The first byte of the values.
    pub offset: usize,
}

/// Reads the header of the array in `bytes`, the contents of the file `path`.
///
/// # Errors
/// Contents other than an array of unsigned bytes in C order; values that are missing; bytes after the array.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Array> {
    let (header, offset) = header(bytes).ok_or_else(|| {
        let begins = if bytes.starts_with(MAGIC) { "end within the header" } else { "begin differently" };
        Error::format(path, WHAT, format_args!("{} bytes that {begins}", bytes.len()))
    })?;
    let header = header.trim_end();
    if header.contains(char::is_control) {
        return Err(Error::format(path, "a header without control characters", "some"));
    }
    let field = |name: &str| {
        let expected = || format!("a header with {name:?}");
        field(header, name)
            .ok_or_else(|| Error::format(path, expected(), format_args!("{:?}", excerpt(header))))
    };
    let kind = field("descr")?;
    if !matches!(kind, "'|u1'" | "'u1'" | "'<u1'" | "'>u1'") {
        let expected = "unsigned bytes, '|u1' (array.astype(numpy.uint8) makes them)";
        return Err(Error::format(path, expected, excerpt(kind)));
    }
    let fortran_order = field("fortran_order")?;
    if fortran_order != "False" {
        let expected = "C order (numpy.ascontiguousarray(array) makes it)";
        return Err(Error::format(path, expected, format_args!("fortran_order {}", excerpt(fortran_order))));
    }
    let text = field("shape")?;
    let shape = shape(text).ok_or_else(|| Error::format(path, "a shape of whole numbers", excerpt(text)))?;
    let values = bytes.len() - offset;
    if shape.iter().try_fold(1, |product: usize, &size| product.checked_mul(size)) != Some(values) {
        return Err(Error::format(path, format_args!("the bytes of shape {shape:?}"), values));
    }
    Ok(Array { shape, offset })
}

/// Finds the images and labels in two files, each given by its path and contents.
///
/// # Errors
/// As [`parse`]; images that are not `[N, D]`; labels that are not `[N]`; no images.
pub fn pair(images: (&Path, &[u8]), labels: (&Path, &[u8])) -> Result<Batch> {
    let (images_array, labels_array) = (parse(images.0, images.1)?, parse(labels.0, labels.1)?);
    let [count, features] = images_array.shape[..] else {
        let expected = "images [N, D], as images.reshape(len(images), -1) makes them";
        return Err(Error::format(images.0, expected, format_args!("shape {:?}", images_array.shape)));
    };
    if count == 0 || features == 0 {
        let expected = "at least one image of at least one byte";
        return Err(Error::format(images.0, expected, format_args!("shape {:?}", images_array.shape)));
    }
    if labels_array.shape != [count] {
        let expected = format!("labels [{count}], one for each image of {}", images.0.display());
        return Err(Error::format(labels.0, expected, format_args!("shape {:?}", labels_array.shape)));
    }
    Ok(Batch {
        count,
        features,
        images: Place::File { offset: images_array.offset, stride: features },
        labels: Place::File { offset: labels_array.offset, stride: 1 },
    })
}

/// The file of labels that belongs to the file `images`: the last "images" in its name is replaced by "labels".
///
/// # Errors
/// A name without "images".
pub fn labels_of(images: &Path) -> Result<PathBuf> {
    let name = images.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match name.rsplit_once("images") {
        Some((before, after)) => Ok(images.with_file_name(format!("{before}labels{after}"))),
        None => {
            let expected =
                "a name with \"images\", so that the file of labels has the same name with \"labels\"";
            Err(Error::format(images, expected, "another name"))
        }
    }
}

/// The beginning of a text, for an error message.
fn excerpt(text: &str) -> String {
    text.chars().take(QUOTED).collect()
}

/// The header of a file, and the offset of its end.
fn header(bytes: &[u8]) -> Option<(&str, usize)> {
    let (version, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<2>()?;
    let (length, rest) = match version {
        [1, _] => {
            rest.split_first_chunk().map(|(length, rest)| (u16::from_le_bytes(*length).into(), rest))?
        }
        [2 | 3, _] => rest.split_first_chunk().map(|(length, rest)| (u32::from_le_bytes(*length), rest))?,
        _ => return None,
    };
    let header = rest.get(..usize::try_from(length).ok()?)?;
    Some((str::from_utf8(header).ok()?, bytes.len() - rest.len() + header.len()))
}

/// The value of a key in the header: the text up to the next comma, or, if it begins with a parenthesis, up to the
/// closing one.
fn field<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let value = header.split_once(&format!("'{name}':"))?.1.trim_start();
    let end = match value.strip_prefix('(') {
        Some(rest) => 2 + rest.find(')')?,
        None => value.find([',', '}'])?,
    };
    Some(value[..end].trim_end())
}

/// The sizes in `(2, 3)`, `(2,)` or `()`; none if there are too many.
fn shape(text: &str) -> Option<Vec<usize>> {
    let numbers = text.strip_prefix('(')?.strip_suffix(')')?.trim();
    let numbers = numbers.strip_suffix(',').unwrap_or(numbers);
    if numbers.is_empty() {
        return Some(Vec::new());
    }
    let sizes = numbers.split(',').map(|number| number.trim().parse().ok());
    sizes.collect::<Option<Vec<_>>>().filter(|sizes| sizes.len() <= MOST_DIMENSIONS)
}
