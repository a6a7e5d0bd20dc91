//! The command, called from Python.

use std::ffi::OsString;

use pyo3::prelude::*;

use crate::enter;

/// Runs the command with these words after its name, and returns its exit code.
#[pyfunction]
pub fn main(py: Python, words: Vec<OsString>) -> PyResult<u8> {
    let words = [OsString::from("onelayer")].into_iter().chain(words);
    // The command has its own answer to Ctrl-C.
    py.detach(|| enter::guarded(|| Ok(onelayer::cli::main(words))))
}
