//! What the report promises, one file for each kind of output.

mod folder;
mod history;
mod markup;
mod page;
mod pictures;
mod runs;
mod tables;
