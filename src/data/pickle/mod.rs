//! The Python versions of CIFAR-10 and CIFAR-100: pickled dictionaries of Python 2. Those of the images hold an array
//! of pixels and lists of labels; others hold lists of class names.
//!
//! A pickle is read as data and never executed; `machine` explains how. Pickles of Python 3, in its protocols 2 to 5,
//! are read too.

mod machine;
mod value;

use std::borrow::Cow;
use std::path::Path;

use self::machine::Values;
use self::value::{Id, Value};
use super::image_file::{Batch, Place};
use super::layout::FEATURES;
use crate::error::{Error, Result};

/// What such a file is, for errors.
pub const WHAT: &str = "a pickle like those of CIFAR's Python version";

/// The number of images that are transposed together.
const BLOCK: usize = 64;
/// The most dimensions of an array that are read.
const MOST_DIMENSIONS: usize = 8;
/// The most keys of a dictionary that an error lists.
const MOST_KEYS: usize = 8;

/// Finds the images in `bytes`, the contents of the file `path`, and the labels of the key `labels`.
///
/// The images stay in place. Memory is bounded: about 100 bytes for each of at most four million operations, and a copy
/// of the images if they are not stored as bytes in C order.
///
/// # Errors
/// Contents other than a pickled dictionary with `data`, an array of unsigned bytes `[N, 3072]`, and `labels`, a list
/// of N numbers from 0 to 255.
pub fn parse(path: &Path, bytes: &[u8], labels: &str) -> Result<Batch> {
    let dict = Dict::read(path, bytes)?;
    let (count, images) = dict.images("data")?;
    let labels = dict.labels(labels, count)?;
    Ok(Batch { count, features: FEATURES, images, labels: Place::Copy(labels) })
}

/// The list of strings of the key `key` in `bytes`, the contents of the file `path`.
///
/// # Errors
/// Contents other than a pickled dictionary with such a list.
pub fn names(path: &Path, bytes: &[u8], key: &str) -> Result<Vec<String>> {
    let dict = Dict::read(path, bytes)?;
    let name = |(index, &id): (usize, &Id)| {
        let text = dict.string(id).and_then(|text| str::from_utf8(text).ok());
        let found = || format!("something else at {index} (counted from 0)");
        text.map(String::from)
            .ok_or_else(|| Error::format(path, format_args!("text for names in {key:?}"), found()))
    };
    dict.list(key)?.iter().enumerate().map(name).collect()
}

/// The dictionary that a pickle builds.
struct Dict<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    values: Values,
}

impl<'a> Dict<'a> {
    fn read(path: &'a Path, bytes: &'a [u8]) -> Result<Self> {
        let values = Values::read(bytes).map_err(|refusal| {
            Error::format(path, WHAT, format_args!("{} at byte {}", refusal.found, refusal.at))
        })?;
        if !matches!(values.root(), Value::Dict(_)) {
            return Err(Error::format(path, WHAT, "a pickle of something other than a dictionary"));
        }
        Ok(Self { path, bytes, values })
    }

    /// The value of a key; the last one if there are several.
    fn value(&self, key: &str) -> Result<&Value> {
        let Value::Dict(pairs) = self.values.root() else { unreachable!("read() has looked") };
        let same = |id: Id| self.string(id) == Some(key.as_bytes());
        match pairs.iter().rev().find(|pair| same(pair.0)) {
            Some(&(_, value)) => Ok(self.values.get(value)),
            None => {
                let keys = pairs.iter().filter_map(|pair| self.string(pair.0)).take(MOST_KEYS);
                let found = format!("keys {:?}", keys.map(excerpt).collect::<Vec<_>>());
                Err(Error::format(self.path, format_args!("a dictionary with {key:?}"), found))
            }
        }
    }

    fn list(&self, key: &str) -> Result<&[Id]> {
        match self.value(key)? {
            Value::List(items) => Ok(items),
            _ => Err(Error::format(self.path, format_args!("{key:?} to be a list"), "something else")),
        }
    }

    /// The bytes of a string of Python 2 or 3.
    fn string(&self, id: Id) -> Option<&'a [u8]> {
        match self.values.get(id) {
            Value::Bytes(range) | Value::Text(range) | Value::Latin1(range) => {
                Some(&self.bytes[range.clone()])
            }
            _ => None,
        }
    }

    /// The labels of `key`, which must be `count` numbers, in a list or an array.
    fn labels(&self, key: &str, count: usize) -> Result<Vec<u8>> {
        if let Value::Array(state) = self.value(key)? {
            let expected = format!("{count} numbers from 0 to 255 in {key:?}, one for each image");
            let labels = state.and_then(|state| self.array(state)).and_then(|array| array.labels(count));
            return labels.ok_or_else(|| Error::format(self.path, expected, "another array"));
        }
        let items = self.list(key)?;
        if items.len() != count {
            let expected = format!("{count} numbers in {key:?}, one for each image");
            return Err(Error::format(self.path, expected, items.len()));
        }
        let label = |(record, &id): (usize, &Id)| match self.values.get(id) {
            Value::Int(label) if (0..=255).contains(label) => Ok(*label as u8),
            other => {
                let found = match other {
                    Value::Int(label) => label.to_string(),
                    _ => "something other than a number".into(),
                };
                let found = format!("{found} in record {record} (counted from 0)");
                Err(Error::format(self.path, format_args!("labels from 0 to 255 in {key:?}"), found))
            }
        };
        items.iter().enumerate().map(label).collect()
    }

    /// The number of images in the array of `key`, and where they are.
    fn images(&self, key: &str) -> Result<(usize, Place)> {
        let expected = format!("{key:?} to be an array of unsigned bytes [N, {FEATURES}]");
        let refused = |found: String| Error::format(self.path, &expected, found);
        let Value::Array(Some(state)) = self.value(key)? else {
            return Err(refused("something else".into()));
        };
        let Array { shape, code, fortran, values, offset } =
            self.array(*state).ok_or_else(|| refused("an array of another form".into()))?;
        if code != b"u1" {
            return Err(refused(format!("type {:?}", excerpt(code))));
        }
        let count = match shape[..] {
            [count, features] if count > 0 && features == FEATURES as i32 => count as usize,
            _ => return Err(refused(format!("shape {shape:?}"))),
        };
        if count.checked_mul(FEATURES) != Some(values.len()) {
            return Err(refused(format!("shape {shape:?} with {} values", values.len())));
        }
        let place = match values {
            values if fortran => Place::Copy(transposed(&values, count)),
            Cow::Owned(values) => Place::Copy(values),
            Cow::Borrowed(_) => Place::File { offset, stride: FEATURES },
        };
        Ok((count, place))
    }

    /// The array with this pickled state; none if NumPy does not pickle arrays like that.
    fn array(&self, state: Id) -> Option<Array<'a>> {
        let Value::Tuple(state) = self.values.get(state) else { return None };
        let &[_, shape, dtype, fortran, values] = &state[..] else { return None };
        let Value::Tuple(shape) = self.values.get(shape) else { return None };
        let size = |&id: &Id| match self.values.get(id) {
            Value::Int(size) => Some(*size),
            _ => None,
        };
        let shape = shape.iter().take(MOST_DIMENSIONS).map(size).collect::<Option<Vec<_>>>()?;
        let Value::Dtype(code) = self.values.get(dtype) else { return None };
        let Value::Bool(fortran) = self.values.get(fortran) else { return None };
        let (values, offset) = match self.values.get(values) {
            Value::Bytes(range) => (Cow::Borrowed(&self.bytes[range.clone()]), range.start),
            Value::Latin1(range) => (Cow::Owned(latin1(&self.bytes[range.clone()])?), 0),
            _ => return None,
        };
        Some(Array { shape, code: self.string(*code)?, fortran: *fortran, values, offset })
    }
}

/// An array as NumPy pickles it.
struct Array<'a> {
    shape: Vec<i32>,
    code: &'a [u8],
    /// Whether the first dimension varies fastest.
    fortran: bool,
    values: Cow<'a, [u8]>,
    /// The offset of the values in the file, if they are borrowed from it.
    offset: usize,
}

impl Array<'_> {
    /// The values of an array of `count` little-endian whole numbers from 0 to 255; none of any other.
    fn labels(&self, count: usize) -> Option<Vec<u8>> {
        let bytes = match self.code {
            b"u1" | b"i1" => 1,
            b"u2" | b"i2" => 2,
            b"u4" | b"i4" => 4,
            b"u8" | b"i8" => 8,
            _ => return None,
        };
        let negative = |first: u8| self.code == b"i1" && first > 127;
        let label = |number: &[u8]| match number {
            &[first, ref others @ ..] if !negative(first) && others.iter().all(|&byte| byte == 0) => {
                Some(first)
            }
            _ => None,
        };
        let fits = self.shape == [i32::try_from(count).ok()?] && self.values.len() == count * bytes;
        fits.then(|| self.values.chunks(bytes).map(label).collect())?
    }
}

/// The characters of a text in UTF-8 as bytes; none if a character is above 255.
fn latin1(text: &[u8]) -> Option<Vec<u8>> {
    str::from_utf8(text).ok()?.chars().map(|character| u8::try_from(character).ok()).collect()
}

/// `[N, D] <- [D, N]`, block by block, so that the rows being written stay in the cache.
fn transposed(values: &[u8], count: usize) -> Vec<u8> {
    let mut rows = vec![0; values.len()];
    for (block, rows) in rows.chunks_mut(BLOCK * FEATURES).enumerate() {
        for (feature, column) in values.chunks_exact(count).enumerate() {
            let column = &column[block * BLOCK..];
            let pixels = rows.iter_mut().skip(feature).step_by(FEATURES);
            pixels.zip(column).for_each(|(pixel, &value)| *pixel = value);
        }
    }
    rows
}

/// The beginning of a string, for an error message.
fn excerpt(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().take(24).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_in_fortran_order_are_transposed_block_by_block() {
        // Two whole blocks and a part of one.
        let count = 2 * BLOCK + 3;
        let pixel = |image: usize, feature: usize| (31 * image + 7 * feature + feature / 256) as u8;
        let columns: Vec<u8> = (0..FEATURES * count).map(|i| pixel(i % count, i / count)).collect();
        let rows = transposed(&columns, count);
        assert!((0..rows.len()).all(|i| rows[i] == pixel(i / FEATURES, i % FEATURES)));
    }
}
