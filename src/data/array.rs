//! Arrays of numbers, whatever file they lie in: samples `[N, D]`, images, and labels `[N]` or `[N, 1]`.
//!
//! Unsigned bytes and little-endian float32 in C order are read in place. What is stored otherwise is copied once: other
//! floats, which are rounded to float32, Fortran order, and images whose colours come last, `[N, H, W, 3]`: their features
//! are put in the order of CIFAR's, plane after plane.

use std::path::Path;

use rayon::prelude::*;

use super::class_values::ClassValues;
use super::image_file::{Batch, Place};
use super::layout::CHANNELS;
use super::numpy_type::NumpyType;
use crate::error::{Error, Result};

/// The shapes of images that are read.
const SHAPES: &str =
    "samples [N, D], or images [N, H, W], [N, H, W, C] or [N, C, H, W] of C = 1 or 3 colours";

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

impl Array {
    /// Checks that `values` bytes are what the values take.
    ///
    /// # Errors
    /// Values that are missing, or bytes after them; `path` is the file.
    pub(super) fn check(self, path: &Path, values: usize) -> Result<Self> {
        let product = |product: usize, &size: &usize| product.checked_mul(size);
        if self.shape.iter().try_fold(self.kind.size, product) == Some(values) {
            return Ok(self);
        }
        Err(Error::format(path, format_args!("the bytes of shape {:?}", self.shape), values))
    }

    /// The labels in `bytes`, the contents of the file `path`: as many as there are samples in `images`.
    ///
    /// # Errors
    /// Another shape; numbers that are no integers.
    pub fn labels<'a>(
        &self,
        path: &Path,
        bytes: &'a [u8],
        (count, images): (usize, &Path),
    ) -> Result<impl Iterator<Item = i64> + use<'a>> {
        if self.shape != [count] && self.shape != [count, 1] {
            let expected = format!("labels [{count}], one for each image of {}", images.display());
            return Err(Error::format(path, expected, format_args!("shape {:?}", self.shape)));
        }
        self.values(path, bytes)
    }

    /// The integers in `bytes`, the contents of the file `path`.
    ///
    /// # Errors
    /// Numbers that are no integers.
    pub(super) fn values<'a>(
        &self,
        path: &Path,
        bytes: &'a [u8],
    ) -> Result<impl Iterator<Item = i64> + use<'a>> {
        let expected = "labels that are integers (array.astype(numpy.int64) makes them of whole numbers)";
        let integers = self.kind.integers(&bytes[self.offset..]);
        integers.ok_or_else(|| Error::format(path, expected, self.kind.name()))
    }
}

/// An array, the path of its file, and the contents of that file.
pub type Found<'a> = (Array, &'a Path, &'a [u8]);

/// The samples and labels in two arrays; `values` tells the classes of labels.
///
/// # Errors
/// As [`images`] and [`Array::labels`]; a label that stands for no class.
pub fn pair(of_images: Found, of_labels: Found, values: &ClassValues) -> Result<Batch> {
    let (count, features, images) = images(of_images.clone())?;
    let (array, path, bytes) = of_labels;
    let labels = array.labels(path, bytes, (count, of_images.1))?;
    let mut rows = labels.enumerate();
    let in_place = array.kind == NumpyType::BYTE && values.are_numbers();
    let class = |(row, label): (usize, i64)| match values.class(label) {
        Some(class) => Ok(class.to_le_bytes()),
        None => {
            let found = format!("{label} in row {row}, counted from 0");
            Err(Error::format(path, values.expected(), found))
        }
    };
    let labels = if in_place {
        rows.try_for_each(|row| class(row).map(drop))?;
        Place::File { offset: array.offset, stride: 1 }
    } else {
        Place::Copy(rows.map(class).collect::<Result<Vec<_>>>()?.into_flattened())
    };
    Ok(Batch { count, features, images, labels })
}

/// The samples in an array: N, D and `[N, D]`. Colours that come last are moved before rows and columns, as CIFAR has
/// them.
///
/// # Errors
/// Integers other than unsigned bytes; numbers that are not finite; shapes other than `[N, D]`, `[N, H, W]`,
/// and with 1 or 3 colours `[N, H, W, C]` and `[N, C, H, W]`; 3 both where colours would come first and where they would
/// come last; no samples.
pub fn images((array, path, bytes): Found) -> Result<(usize, usize, Place)> {
    let Array { kind, fortran, shape, offset } = array;
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
