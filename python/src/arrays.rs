//! NumPy's arrays as the library's samples, in place.

use numpy::{PyArrayDyn, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use onelayer::samples::{Rows, Samples};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

/// The features of samples: an array of bytes or of f32 numbers `[N, D]`, one row after the other in memory.
pub enum Features<'py> {
    /// Bytes.
    Bytes(PyReadonlyArray2<'py, u8>),
    /// f32 numbers.
    Floats(PyReadonlyArray2<'py, f32>),
}

impl<'py> Features<'py> {
    /// The array of the argument `name`.
    pub fn of(name: &str, array: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = array.extract() {
            return Ok(Self::Bytes(bytes));
        }
        let Ok(floats) = array.extract::<PyReadonlyArray2<f32>>() else {
            let found = array.get_type().name()?;
            let message =
                format!("{name}: expected a two-dimensional array of uint8 or float32, found {found}");
            return Err(PyTypeError::new_err(message));
        };
        if !(floats.data() as usize).is_multiple_of(align_of::<f32>()) {
            return Err(PyValueError::new_err(format!("{name}: expected an aligned array")));
        }
        Ok(Self::Floats(floats))
    }

    /// The rows, in place. While they are read, the interpreter's lock is not held: an array that another thread writes to
    /// meanwhile is read as whatever it holds, as with NumPy's own functions that release the lock.
    pub fn rows(&self, name: &str) -> PyResult<Rows<'_>> {
        let columns = match self {
            Self::Bytes(array) => array.shape()[1],
            Self::Floats(array) => array.shape()[1],
        };
        if columns == 0 {
            return Err(PyValueError::new_err(format!("{name}: expected at least 1 feature, found 0")));
        }
        let order = |_| PyValueError::new_err(format!("{name}: expected C order"));
        Ok(match self {
            Self::Bytes(array) => Rows::contiguous(array.as_slice().map_err(order)?, columns),
            Self::Floats(array) => Rows::floats(array.as_slice().map_err(order)?, columns),
        })
    }
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
pub fn not_finite(array: &Bound<PyAny>) -> PyResult<Option<(usize, usize)>> {
    let features = Features::of("X", array)?;
    let Features::Floats(floats) = &features else { return Ok(None) };
    let (values, columns) = (floats.as_slice()?, floats.shape()[1]);
    let is_finite = |row: &[f32]| {
        // Without a branch for each number: what is not finite makes the sum so, and nothing finite does in f64.
        row.iter().map(|&x| f64::from(x)).sum::<f64>().is_finite()
    };
    let found = values.chunks(columns.max(1)).position(|row| !is_finite(row));
    Ok(found.map(|row| {
        let column = values[row * columns..][..columns].iter().position(|x| !x.is_finite());
        (row, column.unwrap_or(0))
    }))
}

/// `values`, as an array of this shape.
pub fn shaped<'py, T: numpy::Element>(
    py: Python<'py>,
    values: Vec<T>,
    shape: [usize; 2],
) -> PyResult<Bound<'py, PyAny>> {
    let flat = numpy::PyArray1::from_vec(py, values);
    let array: Bound<PyArrayDyn<T>> = flat.reshape(shape.to_vec())?;
    Ok(array.into_any())
}
