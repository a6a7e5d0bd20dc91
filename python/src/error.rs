//! Errors of the library as Python's exceptions.

use onelayer::Error;
use pyo3::PyErr;
use pyo3::exceptions::{PyFloatingPointError, PyOSError, PyRuntimeError, PyValueError};

use crate::settings;

/// What a caller in Python is told: of a setting, the name of its argument.
pub fn raised(error: Error) -> PyErr {
    match error {
        Error::Setting { name, expected, found } => {
            let argument = settings::argument(name);
            // Texts name another setting only where the optimizer refuses one.
            let [expected, found] = [expected, found].map(|text| text.replace("optimizer", "solver"));
            PyValueError::new_err(format!("{argument}: expected {expected}, found {found}"))
        }
        Error::Io { path, action, source } => match source.raw_os_error() {
            // Python makes a FileNotFoundError of the number, and the like.
            Some(number) => PyOSError::new_err((number, format!("cannot {action}: {source}"), path)),
            None => PyOSError::new_err(format!("{}: cannot {action}: {source}", path.display())),
        },
        Error::Format { .. } => PyValueError::new_err(error.to_string()),
        Error::Diverged { .. } => PyFloatingPointError::new_err(format!("{error}; try a smaller eta")),
        error => PyRuntimeError::new_err(error.to_string()),
    }
}
