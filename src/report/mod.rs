//! The report: what a run folder holds, one exporter per file.
//!
//! [`folder`] takes the files.

pub mod folder;

pub use folder::RunFolder;
