//! NumPy's arrays as the library's samples, in place.

use numpy::{Element, PyArrayDyn, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use onelayer::samples::{self, Rows, Samples, Values};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::enter::guarded;

/// The features of samples: an array of bytes or of f32 numbers `[N, D]`. The numbers of a row follow one another in memory;
/// rows need not.
pub enum Features<'py> {
    /// Bytes.
    Bytes(PyReadonlyArray2<'py, u8>),
    /// f32 numbers.
    Floats(PyReadonlyArray2<'py, f32>),
}

impl<'py> Features<'py> {
    /// The array of the argument `name`.
    pub fn of(name: &str, array: &Bound<'py, PyAny>) -> PyResult<Self> {
        let found = array.get_type().name()?;
        let bytes = array.extract().map(Self::Bytes);
        bytes.or_else(|_| array.extract().map(Self::Floats)).map_err(|_| {
            let expected = "a two-dimensional array of uint8 or float32";
            PyTypeError::new_err(format!("{name}: expected {expected}, found {found}"))
        })
    }

    /// The rows, in place. While they are read, the interpreter's lock is not held: an array that another thread writes to
    /// meanwhile is read as whatever it holds, as with NumPy's own functions that release the lock.
    pub fn rows(&self, name: &str) -> PyResult<Rows<'_>> {
        match self {
            Self::Bytes(array) => rows(name, array, Values::Bytes),
            Self::Floats(array) => rows(name, array, Values::Floats),
        }
    }
}

fn rows<'a, T: Element>(
    name: &str,
    array: &'a PyReadonlyArray2<T>,
    values: fn(&'a [T]) -> Values<'a>,
) -> PyResult<Rows<'a>> {
    let refused =
        |expected, found| PyValueError::new_err(format!("{name}: expected {expected}, found {found}"));
    let &[count, features] = array.shape() else { unreachable!("two dimensions") };
    let &[row, column] = array.strides() else { unreachable!("two dimensions") };
    let size = size_of::<T>() as isize;
    if features == 0 {
        return Err(refused("at least 1 feature", "0".to_string()));
    }
    if count == 0 {
        return Ok(Rows::of(values(&[]), 0, features, features));
    }
    let begins = array.data().cast_const();
    // What NumPy says of a single row's or column's stride has no meaning.
    let row = if count == 1 { features as isize * size } else { row };
    let follow = features == 1 || column == size;
    if !follow || row < features as isize * size || row % size != 0 || !begins.is_aligned() {
        return Err(refused(
            "rows that are contiguous and aligned",
            format!("strides {:?}", array.strides()),
        ));
    }
    let stride = (row / size) as usize;
    // SAFETY: NumPy vouches for `count` rows, `row` bytes apart, of `features` elements that follow one another: the
    // range from the first element of the first row to the last of the last is within its memory, which stays while the
    // array is borrowed. Gaps between rows belong to the array that this one is a view of. It is aligned, as was checked,
    // and any bytes are a `u8` or an `f32`.
    let slice = unsafe { std::slice::from_raw_parts(begins, (count - 1) * stride + features) };
    Ok(Rows::of(values(slice), count, features, stride))
}

/// What is trained on, or validated by: features, the number of each sample's class, and what its loss is multiplied by.
pub struct Labelled<'py> {
    name: &'static str,
    features: Features<'py>,
    labels: PyReadonlyArray1<'py, u16>,
    weights: Option<PyReadonlyArray1<'py, f32>>,
}

impl<'py> Labelled<'py> {
    /// The arrays of the argument `name`: X, y and weights or None.
    pub fn of(
        name: &'static str,
        (x, y, weights): (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>),
    ) -> PyResult<Self> {
        let labels = y.extract().map_err(|_| PyTypeError::new_err(format!("{name}: labels of uint16")))?;
        let weights = match weights.is_none() {
            true => None,
            false => Some(
                weights.extract().map_err(|_| PyTypeError::new_err(format!("{name}: weights of float32")))?,
            ),
        };
        Ok(Self { name, features: Features::of(name, &x)?, labels, weights })
    }

    /// The samples, in place.
    pub fn samples(&self) -> PyResult<Samples<'_>> {
        let rows = self.features.rows(self.name)?;
        let lengths = [Some(self.labels.len()), self.weights.as_ref().map(|weights| weights.len())];
        if let Some(found) = lengths.into_iter().flatten().find(|&length| length != rows.len()) {
            let message =
                format!("{}: expected {} of them, as there are rows, found {found}", self.name, rows.len());
            return Err(PyValueError::new_err(message));
        }
        let labels = Rows::contiguous(bytemuck::cast_slice(self.labels.as_slice()?), size_of::<u16>());
        let samples = Samples::new(rows, labels);
        Ok(match &self.weights {
            Some(weights) => samples.with_weights(weights.as_slice()?),
            None => samples,
        })
    }
}

/// The row and the column of the first number of `array` that is not finite; None where there is none.
#[pyfunction]
pub fn not_finite(py: Python, array: &Bound<PyAny>) -> PyResult<Option<(usize, usize)>> {
    let features = Features::of("X", array)?;
    let rows = features.rows("X")?;
    if rows.element() == samples::Element::U8 {
        return Ok(None);
    }
    let find = |row: usize| {
        let Values::Floats(values) = rows.row(row) else { unreachable!("not bytes") };
        // Without a branch for each number: 0 times what is not finite is NaN.
        let mut lanes = [0.0_f32; 16];
        let chunks = values.chunks_exact(16);
        let rest: f32 = chunks.remainder().iter().map(|x| 0.0 * x).sum();
        chunks.for_each(|chunk| lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane += 0.0 * x));
        let is_finite = lanes.iter().sum::<f32>() + rest == 0.0;
        let column = || values.iter().position(|x| !x.is_finite());
        if is_finite { None } else { column().map(|column| (row, column)) }
    };
    py.detach(|| guarded(|| Ok((0..rows.len()).find_map(find))))
}

/// `values`, as an array of this shape.
pub fn shaped<'py, T: Element>(
    py: Python<'py>,
    values: Vec<T>,
    shape: [usize; 2],
) -> PyResult<Bound<'py, PyAny>> {
    let flat = numpy::PyArray1::from_vec(py, values);
    let array: Bound<PyArrayDyn<T>> = flat.reshape(shape.to_vec())?;
    Ok(array.into_any())
}
