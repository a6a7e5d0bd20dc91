//! MNIST's IDX files: an array each, in C order, its numbers in big-endian order.
//!
//! A file has two zero bytes, the type of the numbers, the number of dimensions, the size of each in 32 bits, and the
//! values.

use std::path::Path;

use super::array::Array;
use super::numpy_type::NumpyType;
use crate::error::{Error, Result};

/// What such a file is, for errors.
pub const WHAT: &str = "an IDX file, as MNIST has";

/// Reads the header of the array in `bytes`, the contents of the file `path`.
///
/// # Errors
/// Contents other than an array of numbers; values that are missing; bytes after the array.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Array> {
    let refused = |found: String| Error::format(path, WHAT, found);
    let Some(([0, 0, kind, dimensions], rest)) = bytes.split_first_chunk::<4>() else {
        return Err(refused(format!("{} bytes that begin differently", bytes.len())));
    };
    let name = match kind {
        0x08 => "|u1",
        0x09 => "|i1",
        0x0B => ">i2",
        0x0C => ">i4",
        0x0D => ">f4",
        0x0E => ">f8",
        other => return Err(refused(format!("numbers of type {other:#04x}"))),
    };
    let kind = NumpyType::parse(name).expect("a type of numbers");
    let Some((sizes, values)) = rest.split_at_checked(4 * usize::from(*dimensions)) else {
        return Err(refused(format!("{} bytes that end within the header", bytes.len())));
    };
    let sizes = sizes.as_chunks().0.iter();
    let shape = sizes.map(|size| u32::from_be_bytes(*size) as usize).collect();
    Array { kind, fortran: false, shape, offset: bytes.len() - values.len() }.check(path, values.len())
}
