//! What the report promises, one file for each kind of output.

mod folder;
mod history;
#[path = "../support/markup.rs"]
mod markup;
mod page;
mod pictures;
mod runs;
#[path = "../support/mod.rs"]
mod support;
mod sweep;
mod tables;
