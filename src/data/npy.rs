//! NumPy's `.npy` files, for a user's own data: images in one file, labels `[N]` in another.
//!
//! A file has a magic number, a version, the length of the header, the header (a Python dictionary of type, order and
//! shape) and the values. Arrays of unsigned bytes in C order are supported. They are read in place, but for images
//! whose colours come last, `[N, H, W, 3]`: their features are put in the order of CIFAR's, plane after plane.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::image_file::{Batch, Place};
use super::layout::CHANNELS;
use crate::error::{Error, Result};

/// What such a file is, for errors.
pub const WHAT: &str = "an array as numpy.save writes it (.npy)";

/// The first bytes of a file.
const MAGIC: &[u8] = b"\x93NUMPY";
/// The most dimensions of an array.
const MOST_DIMENSIONS: usize = 64;
/// The shapes of images that are read.
const SHAPES: &str = "images [N, D], [N, H, W], [N, H, W, C] or [N, C, H, W] of C = 1 or 3 colours";
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

/// What an array is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Pixels, from 0 to 255.
    Images,
    /// The numbers of classes.
    Labels,
}

/// Reads the header of the array in `bytes`, the contents of the file `path`.
///
/// # Errors
/// Contents other than an array of unsigned bytes in C order; values that are missing; bytes after the array.
pub fn parse(path: &Path, bytes: &[u8], content: Content) -> Result<Array> {
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
        let (advice, values) = advice(kind, &bytes[offset..], content);
        let expected = format!("unsigned bytes, '|u1' ({advice})");
        return Err(Error::format(path, expected, format_args!("{}{values}", excerpt(kind))));
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

/// How to make unsigned bytes of `values` of another type, and what is known of them.
fn advice(kind: &str, values: &[u8], content: Content) -> (&'static str, String) {
    const UNREADABLE: &str = "no other type is read so far";
    let Some((least, most)) = range(kind.trim_matches('\''), values) else {
        return (UNREADABLE, String::new());
    };
    let float = kind.contains('f') && content == Content::Images;
    let advice = match (float, least >= 0.0, most) {
        (true, true, ..=1.0) => "(array * 255).round().astype(numpy.uint8) makes them",
        (true, true, ..=255.0) => "array.round().astype(numpy.uint8) makes them",
        (false, true, ..=255.0) => "array.astype(numpy.uint8) makes them",
        _ => UNREADABLE,
    };
    (advice, format!(" with values from {least} to {most}"))
}

/// The smallest and the largest of the numbers of this type; none of other types, or if one is not a number.
fn range(kind: &str, values: &[u8]) -> Option<(f64, f64)> {
    fn of<const N: usize>(values: &[u8], number: impl Fn([u8; N]) -> f64) -> Option<(f64, f64)> {
        let mut range = (f64::INFINITY, f64::NEG_INFINITY);
        for number in values.as_chunks().0.iter().map(|&bytes| number(bytes)) {
            range = (range.0.min(number), range.1.max(number));
            if number.is_nan() {
                return None;
            }
        }
        (range.0 <= range.1).then_some(range)
    }
    match kind {
        "|b1" => of(values, |[byte]| byte.into()),
        "|i1" => of(values, |byte| i8::from_le_bytes(byte).into()),
        "<i2" => of(values, |bytes| i16::from_le_bytes(bytes).into()),
        "<i4" => of(values, |bytes| i32::from_le_bytes(bytes).into()),
        "<i8" => of(values, |bytes| i64::from_le_bytes(bytes) as f64),
        "<u2" => of(values, |bytes| u16::from_le_bytes(bytes).into()),
        "<u4" => of(values, |bytes| u32::from_le_bytes(bytes).into()),
        "<u8" => of(values, |bytes| u64::from_le_bytes(bytes) as f64),
        "<f4" => of(values, |bytes| f32::from_le_bytes(bytes).into()),
        "<f8" => of(values, f64::from_le_bytes),
        _ => None,
    }
}

/// Finds the images and labels in two files, each given by its path and contents.
///
/// # Errors
/// As [`parse`] and [`images`]; labels that are not `[N]`.
pub fn pair(of_images: (&Path, &[u8]), of_labels: (&Path, &[u8])) -> Result<Batch> {
    let (count, features, images) = images(of_images.0, of_images.1)?;
    let labels = parse(of_labels.0, of_labels.1, Content::Labels)?;
    if labels.shape != [count] {
        let expected = format!("labels [{count}], one for each image of {}", of_images.0.display());
        return Err(Error::format(of_labels.0, expected, format_args!("shape {:?}", labels.shape)));
    }
    Ok(Batch { count, features, images, labels: Place::File { offset: labels.offset, stride: 1 } })
}

/// Finds the images in the file `path` with the contents `bytes`: N, D and `[N, D]`. Colours that come last are moved
/// before rows and columns, as CIFAR has them.
///
/// # Errors
/// As [`parse`]; shapes other than `[N, D]`, `[N, H, W]`, and with 1 or 3 colours `[N, H, W, C]` and `[N, C, H, W]`;
/// 3 both where colours would come first and where they would come last; no images.
pub fn images(path: &Path, bytes: &[u8]) -> Result<(usize, usize, Place)> {
    let Array { shape, offset } = parse(path, bytes, Content::Images)?;
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
        return refused("at least one image of at least one byte");
    }
    let place = match interleaved {
        true => Place::Copy(planes(&bytes[offset..], features)),
        false => Place::File { offset, stride: features },
    };
    Ok((count, features, place))
}

/// `[N, C, H W] <- [N, H W, C]`
fn planes(values: &[u8], features: usize) -> Vec<u8> {
    let mut images = vec![0; values.len()];
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
