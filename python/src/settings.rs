//! Settings as Python's arguments: the names that people know, and their values.

use std::collections::BTreeMap;

use onelayer::train::Settings;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString, PyTuple};

use crate::error::raised;

/// The settings that Python calls by another name: its argument, and the setting.
const RENAMED: [(&str, &str); 5] = [
    ("penalty", "lambda"),
    ("batch_size", "batch"),
    ("random_state", "seed"),
    ("class_weight", "class_weights"),
    ("n_iter_no_change", "early_stop"),
];

/// The argument of a setting.
pub fn argument(setting: &str) -> &str {
    RENAMED.iter().find(|(_, name)| *name == setting).map_or(setting, |(argument, _)| argument)
}

/// The setting of an argument.
fn setting(argument: &str) -> &str {
    RENAMED.iter().find(|(name, _)| *name == argument).map_or(argument, |(_, setting)| setting)
}

/// The arguments of all settings, in the order of their table.
#[pyfunction]
pub fn arguments() -> Vec<&'static str> {
    Settings::TABLE.iter().map(|row| argument(row.name)).collect()
}

/// Lists of values, by the names of their settings.
pub fn lists(of: &BTreeMap<String, String>) -> PyResult<Vec<(&str, String)>> {
    let named = |(argument, list): (&'_ String, &String)| Ok((known(argument)?, list.clone()));
    of.iter().map(named).collect()
}

fn known(argument: &str) -> PyResult<&'static str> {
    let name = setting(argument);
    let row = Settings::TABLE.iter().find(|row| row.name == name);
    row.map(|row| row.name).ok_or_else(|| {
        let names = arguments().join(", ");
        PyTypeError::new_err(format!("expected a setting ({names}), found {argument}"))
    })
}

/// Settings from arguments. An argument that is None has its default.
pub fn of(arguments: &Bound<PyDict>) -> PyResult<Settings> {
    let mut settings = Settings::default();
    for (name, value) in arguments {
        let name: String = name.extract()?;
        if value.is_none() {
            continue;
        }
        settings.set(known(&name)?, &text(&value)?).map_err(raised)?;
    }
    Ok(settings)
}

/// A value as the text that settings read.
fn text(value: &Bound<PyAny>) -> PyResult<String> {
    if value.is_instance_of::<PyString>() {
        value.extract()
    } else if value.is_instance_of::<PyBool>() {
        Ok(value.extract::<bool>()?.to_string())
    } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let texts: PyResult<Vec<String>> = value.try_iter()?.map(|item| text(&item?)).collect();
        Ok(texts?.join(","))
    } else if let Ok(flag) = value.extract::<bool>() {
        // NumPy's.
        Ok(flag.to_string())
    } else {
        Ok(value.str()?.to_string())
    }
}
