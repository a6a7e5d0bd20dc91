//! NumPy's `.npy` files, for a user's own data: samples in one file, labels `[N]` or `[N, 1]` in another.
//!
//! A file has a magic number, a version, the length of the header, the header (a Python dictionary of type, order and
//! shape) and the values. Unsigned bytes and little-endian float32 in C order are read in place. What is stored otherwise is
//! copied once: other floats, which are rounded to float32, Fortran order, and images whose colours come last,
//! `[N, H, W, 3]`: their features are put in the order of CIFAR's, plane after plane.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::image_file::{Batch, Place};
use super::layout::CHANNELS;
use super::numpy_type::NumpyType;
use crate::error::{Error, Result};

/// What such a file is, for errors.
pub const WHAT: &str = "an array as numpy.save writes it (.npy)";

/// The first bytes of a file.
const MAGIC: &[u8] = b"\x93NUMPY";
/// The most dimensions of an array.
const MOST_DIMENSIONS: usize = 64;
/// The shapes of images that are read.
const SHAPES: &str =
    "samples [N, D], or images [N, H, W], [N, H, W, C] or [N, C, H, W] of C = 1 or 3 colours";
/// The largest label: one in each row of a confusion matrix.
const LARGEST_LABEL: i64 = 1023;
/// The most characters of a header that an error quotes.
const QUOTED: usize = 60;

/// An array in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// What its numbers are.
    pub kind: NumpyType,
    /// Whether the first index changes fastest.
    pub fortran: bool,
    /// The size of each dimension.
    pub shape: Vec<usize>,
    /// The first byte of the values, which reach to the end of the file.
    pub offset: usize,
}

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
    let values = bytes.len() - offset;
    if shape.iter().try_fold(kind.size, |product: usize, &size| product.checked_mul(size)) != Some(values) {
        return Err(Error::format(path, format_args!("the bytes of shape {shape:?}"), values));
    }
    Ok(Array { kind, fortran, shape, offset })
}

/// Finds the samples and labels in two files, each given by its path and contents.
///
/// # Errors
/// As [`parse`] and [`images`]; labels that are not whole numbers from 0 on, one for each sample.
pub fn pair(of_images: (&Path, &[u8]), of_labels: (&Path, &[u8])) -> Result<Batch> {
    let (count, features, images) = images(of_images.0, of_images.1)?;
    let (path, bytes) = of_labels;
    let Array { kind, shape, offset, .. } = parse(path, bytes)?;
    if shape != [count] && shape != [count, 1] {
        let expected = format!("labels [{count}], one for each image of {}", of_images.0.display());
        return Err(Error::format(path, expected, format_args!("shape {shape:?}")));
    }
    if kind == NumpyType::BYTE {
        return Ok(Batch { count, features, images, labels: Place::File { offset, stride: 1 } });
    }
    let Some(labels) = kind.integers(&bytes[offset..]) else {
        return Err(Error::format(
            path,
            "labels that are integers (array.astype(numpy.int64) makes them)",
            kind.name(),
        ));
    };
    let label = |(row, label): (usize, i64)| match label {
        0..=LARGEST_LABEL => Ok((label as u16).to_le_bytes()),
        _ => {
            let expected = format!(
                "labels from 0 to {LARGEST_LABEL} (numpy.unique(array, return_inverse=True)[1] makes them of any)"
            );
            Err(Error::format(path, expected, format_args!("{label} in row {row}, counted from 0")))
        }
    };
    let labels: Vec<[u8; 2]> = labels.enumerate().map(label).collect::<Result<_>>()?;
    Ok(Batch { count, features, images, labels: Place::Copy(labels.into_flattened()) })
}

/// Finds the samples in the file `path` with the contents `bytes`: N, D and `[N, D]`. Colours that come last are moved
/// before rows and columns, as CIFAR has them.
///
/// # Errors
/// As [`parse`]; integers other than unsigned bytes; numbers that are not finite; shapes other than `[N, D]`, `[N, H, W]`,
/// and with 1 or 3 colours `[N, H, W, C]` and `[N, C, H, W]`; 3 both where colours would come first and where they would
/// come last; no samples.
pub fn images(path: &Path, bytes: &[u8]) -> Result<(usize, usize, Place)> {
    let Array { kind, fortran, shape, offset } = parse(path, bytes)?;
    let refused = |expected: &str| Err(Error::format(path, expected, format_args!("shape {shape:?}")));
    let [count, sizes @ ..] = &shape[..] else { return refused(SHAPES) };
    let interleaved = match *sizes {
        [CHANNELS, _, CHANNELS] => return refused("3 colours first or 3 last, [N, 3, H, W] or [N, H, W, 3]"),
        [_, _, CHANNELS] => true,
        [_] | [_, _] | [_, _, 1] | [1 | CHANNELS, _, _] => false,
        _ => return refused(SHAPES),
    };
    let (count, features) = (*count, sizes.iter().product());
    if count == 0 || features == 0 {
        return refused("at least one image of at least one number");
    }
    let values = &bytes[offset..];
    if kind == NumpyType::BYTE {
        let copy = fortran.then(|| c_order(values, &shape));
        let place = match (interleaved, copy) {
            (false, None) => Place::File { offset, stride: features },
            (false, Some(copy)) => Place::Copy(copy),
            (true, copy) => Place::Copy(planes(copy.as_deref().unwrap_or(values), features)),
        };
        return Ok((count, features, place));
    }
    let Some(floats) = kind.floats(values) else {
        let expected = "unsigned bytes or floats (array.astype(numpy.uint8) makes bytes of pixels from 0 to 255, \
                        array.astype(numpy.float32) floats of other numbers)";
        return Err(Error::format(path, expected, kind.name()));
    };
    let place = match bytemuck::try_cast_slice::<u8, f32>(values) {
        Ok(_) if kind.is_native_f32() && !fortran && !interleaved => Place::FileFloats { offset },
        _ => {
            let floats: Vec<f32> = floats.collect();
            let floats = if fortran { c_order(&floats, &shape) } else { floats };
            Place::Floats(if interleaved { planes(&floats, features) } else { floats })
        }
    };
    check_finite(path, place.rows(bytes, count, features))?;
    Ok((count, features, place))
}

/// Checks that every number is finite.
fn check_finite(path: &Path, rows: crate::samples::Rows) -> Result<()> {
    let wrong =
        |row: usize| rows.row(row).iter().position(|value| !value.is_finite()).map(|column| (row, column));
    match (0..rows.len()).into_par_iter().find_map_first(wrong) {
        None => Ok(()),
        Some((row, column)) => {
            let found = rows.row(row).get(column);
            let found = format!("{found} in row {row}, column {column}, counted from 0");
            Err(Error::format(path, "finite numbers", found))
        }
    }
}

/// The values of an array of this shape, whose first index changes fastest, in the order in which the last one does.
fn c_order<T: Copy>(values: &[T], shape: &[usize]) -> Vec<T> {
    let mut strides = vec![1; shape.len()];
    for axis in 1..shape.len() {
        strides[axis] = strides[axis - 1] * shape[axis - 1];
    }
    let at = |mut index: usize| {
        let mut offset = 0;
        for (size, stride) in shape.iter().zip(&strides).rev() {
            offset += index % size * stride;
            index /= size;
        }
        values[offset]
    };
    (0..values.len()).map(at).collect()
}

/// `[N, C, H W] <- [N, H W, C]`
fn planes<T: Copy + Default + Send + Sync>(values: &[T], features: usize) -> Vec<T> {
    let mut images = vec![T::default(); values.len()];
    images.par_chunks_mut(features).zip(values.par_chunks(features)).for_each(|(image, pixels)| {
        for (channel, plane) in image.chunks_mut(features / CHANNELS).enumerate() {
            plane.iter_mut().zip(pixels.as_chunks::<CHANNELS>().0).for_each(|(to, from)| *to = from[channel]);
        }
    });
    images
}

/// The file of an array of floats of this shape.
pub fn of_floats(shape: [usize; 2], values: &[f32]) -> Vec<u8> {
    let [rows, columns] = shape;
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    // The values begin at a multiple of 64.
    let header = format!("{header:117}\n");
    let mut file = [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    file
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
    // Python 2 writes (2L, 3L).
    let sizes = numbers.split(',').map(|number| number.trim().trim_end_matches('L').parse().ok());
    sizes.collect::<Option<Vec<_>>>().filter(|sizes| sizes.len() <= MOST_DIMENSIONS)
}
