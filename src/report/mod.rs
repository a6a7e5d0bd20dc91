//! The report: what a run folder holds, one exporter per file.
//!
//! [`folder`] takes the files. [`history_csv`] is for spreadsheets; [`curves`] and [`templates`] are the lab
//! report's figures.

mod axes;
pub mod curves;
pub mod folder;
mod history_csv;
mod svg;
pub mod templates;

pub use folder::RunFolder;
pub use history_csv::history_csv;
pub use templates::Templates;
