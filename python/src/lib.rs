//! The native half of the Python package `onelayer`: arrays in, threads off, errors out. Everything it calls is in the
//! library; what it offers is for the package's own files, which `onelayer/_onelayer.pyi` describes it to.

mod arrays;
mod command;
mod enter;
mod error;
mod gradient;
mod history;
mod model;
mod rate;
mod rounds;
mod settings;
mod sweep;
mod train;

use pyo3::prelude::*;

#[pymodule]
mod _onelayer {
    #[pymodule_export]
    use super::arrays::not_finite;
    #[pymodule_export]
    use super::command::main;
    #[pymodule_export]
    use super::gradient::compare_gradients;
    #[pymodule_export]
    use super::model::Model;
    #[pymodule_export]
    use super::rounds::{advance, average, learning_rate, model_at};
    #[pymodule_export]
    use super::settings::{arguments, used};
    #[pymodule_export]
    use super::sweep::sweep;
    #[pymodule_export]
    use super::train::train;
}
