//! Settings as Python's arguments: the names that people know, and their values.

use std::collections::BTreeMap;

use onelayer::Error;
use onelayer::train::{Optimizer, Settings};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString, PyTuple};

use crate::error::raised;

/// The settings that Python calls by another name: its argument, and the setting.
const RENAMED: [(&str, &str); 7] = [
    ("solver", "optimizer"),
    ("max_iter", "iterations"),
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

/// The arguments that a solver has a use for.
#[pyfunction]
pub fn used(solver: &str) -> PyResult<Vec<&'static str>> {
    let mut settings = Settings::default();
    settings.set("optimizer", solver).map_err(raised)?;
    let used = Settings::TABLE.iter().filter(|row| settings.uses(row.name));
    Ok(used.map(|row| argument(row.name)).collect())
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

/// Settings from arguments. An argument that is None has its default. One that the solver has no use for is refused, also
/// where its value is the library's default: an estimator has defaults of its own, and whoever gave it meant something.
pub fn of(arguments: &Bound<PyDict>) -> PyResult<Settings> {
    let mut settings = Settings::default();
    let mut given = Vec::new();
    for (name, value) in arguments {
        let name: String = name.extract()?;
        if value.is_none() {
            continue;
        }
        let name = known(&name)?;
        settings.set(name, &text(&value)?).map_err(raised)?;
        given.push(name);
    }
    let optimizer = settings.optimizer;
    match given.into_iter().find(|name| !settings.uses(name)) {
        None => Ok(settings),
        Some(name) => {
            let other = if optimizer == Optimizer::Sgd { Optimizer::Lbfgs } else { Optimizer::Sgd };
            let found = format_args!("{} with optimizer {optimizer}", settings.get(name));
            Err(raised(Error::setting(name, format_args!("optimizer {other}"), found)))
        }
    }
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
