//! NumPy's `.npy` files: an array each.
//!
//! A file has a magic number, a version, the length of the header, the header (a Python dictionary of type, order and
//! shape) and the values.

use std::path::Path;

use super::array::Array;
use super::numpy_type::NumpyType;
use crate::error::{Error, Result};

/// What such a file is, for errors.
pub const WHAT: &str = "an array as numpy.save writes it (.npy)";

/// The first bytes of a file.
const MAGIC: &[u8] = b"\x93NUMPY";
/// The most dimensions of an array.
const MOST_DIMENSIONS: usize = 64;
/// The most characters of a header that an error quotes.
const QUOTED: usize = 60;

/// Reads the header of the array in `bytes`, the contents of the file `path`.
///
/// # Errors
/// Contents other than an array of numbers; values that are missing; bytes after the array.
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
    let descr = field("descr")?;
    let kind = NumpyType::parse(descr.trim_matches('\'')).ok_or_else(|| {
        let expected = "numbers: bytes, integers, float16, float32 or float64";
        Error::format(path, expected, excerpt(descr))
    })?;
    let fortran = match field("fortran_order")? {
        "False" => false,
        "True" => true,
        other => return Err(Error::format(path, "fortran_order True or False", excerpt(other))),
    };
    let text = field("shape")?;
    let shape = shape(text).ok_or_else(|| Error::format(path, "a shape of whole numbers", excerpt(text)))?;
    Array { kind, fortran, shape, offset }.check(path, bytes.len() - offset)
}

/// The file of an array of floats of this shape.
pub fn of_floats(shape: [usize; 2], values: &[f32]) -> Vec<u8> {
    [before_floats(shape), values.iter().flat_map(|value| value.to_le_bytes()).collect()].concat()
}

/// What comes before the values in a file of an array of floats: 128 bytes, whatever its shape.
pub fn before_floats([rows, columns]: [usize; 2]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let header = format!("{header:117}\n");
    [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat()
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
    // Python 2 writes (2L, 3L).
    let sizes = numbers.split(',').map(|number| number.trim().trim_end_matches('L').parse().ok());
    sizes.collect::<Option<Vec<_>>>().filter(|sizes| sizes.len() <= MOST_DIMENSIONS)
}
