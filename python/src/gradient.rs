//! The criteria of gradient checks.

use numpy::PyReadonlyArray1;
use onelayer::gradient_check::{Options, compare};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::enter::guarded;

/// Compares a gradient with numerical differences by the report's two criteria, and holds small entries to a third. Of each
/// criterion: its name, threshold, entries that were checked and that failed, and the worst one's index and error.
#[pyfunction]
pub fn compare_gradients<'py>(
    py: Python<'py>,
    analytic: PyReadonlyArray1<'py, f64>,
    numerical: PyReadonlyArray1<'py, f64>,
    epsilon: f64,
    threshold: f64,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    for (name, value) in [("eps", epsilon), ("threshold", threshold)] {
        if !(value.is_finite() && value > 0.0) {
            let message = format!("{name}: expected a finite number above 0, found {value}");
            return Err(PyValueError::new_err(message));
        }
    }
    let options = Options { epsilon, threshold, ..Options::default() };
    let report = guarded(|| Ok(compare(analytic.as_slice()?, numerical.as_slice()?, &options)))?;
    let criterion = |criterion: &onelayer::gradient_check::Criterion| {
        let dict = PyDict::new(py);
        dict.set_item("name", &criterion.name)?;
        dict.set_item("threshold", criterion.threshold)?;
        dict.set_item("checked", criterion.checked)?;
        dict.set_item("failed", criterion.failed)?;
        dict.set_item("error", criterion.max_error())?;
        dict.set_item("worst", criterion.worst.map(|worst| worst.index))?;
        Ok(dict)
    };
    report.criteria().into_iter().map(criterion).collect()
}
