//! Histories of training as dictionaries.

use numpy::PyArray1;
use onelayer::train::EpochRecord;
use pyo3::prelude::*;
use pyo3::types::PyDict;

type Column = (&'static str, fn(&EpochRecord) -> f64);

/// What a record holds beside its epoch.
const COLUMNS: [Column; 8] = [
    ("train_loss", |record| record.train.loss),
    ("train_cost", |record| record.train.cost),
    ("train_accuracy", |record| record.train.accuracy),
    ("validation_loss", |record| record.validation.loss),
    ("validation_cost", |record| record.validation.cost),
    ("validation_accuracy", |record| record.validation.accuracy),
    ("train_seconds", |record| record.seconds.train),
    ("evaluate_seconds", |record| record.seconds.evaluate),
];

/// A record, as callbacks get it.
pub fn one<'py>(py: Python<'py>, record: &EpochRecord) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("epoch", record.epoch)?;
    COLUMNS.iter().try_for_each(|(name, value)| dict.set_item(name, value(record)))?;
    Ok(dict)
}

/// A history, as one array a column.
pub fn columns<'py>(py: Python<'py>, history: &[EpochRecord]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("epoch", PyArray1::from_iter(py, history.iter().map(|record| record.epoch as i64)))?;
    for (name, value) in COLUMNS {
        dict.set_item(name, PyArray1::from_iter(py, history.iter().map(value)))?;
    }
    Ok(dict)
}
