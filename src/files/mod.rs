//! Files, whatever they hold: how they are read, written and protected.
//!
//! [`regular`] reads regular files up to a size. [`whole`] writes files that appear whole or not at all, and
//! [`RunFolder`] collects those of one run. `in_use` lists the files that are mapped into memory, so that none is
//! replaced while it is read, and so that a fault in one can be reported. [`lock`] keeps other processes out of a file,
//! [`path_text`] writes paths as text.

#[cfg(unix)]
pub mod in_use;
pub mod lock;
pub mod path_text;
pub mod regular;
pub mod run_folder;
pub mod whole;

pub use run_folder::{Existing, RunFolder};
