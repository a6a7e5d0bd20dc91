//! The command keeps its word to people and scripts: what it prints and where, its JSON, its exit codes, and
//! one line that says what is wrong.

mod assignment;
mod bench;
mod completions;
mod desk;
mod evaluate;
mod fetch;
mod folders;
mod formats;
#[cfg(target_os = "linux")]
mod full_disk;
mod golden;
mod gradcheck;
mod info;
#[cfg(unix)]
mod inputs;
#[cfg(target_os = "linux")]
mod malformed;
#[path = "../support/markup.rs"]
mod markup;
mod misuse;
mod output;
mod own_data;
mod predict;
mod provenance;
mod random;
mod records;
mod report;
mod resume;
mod run_folders;
mod settings;
#[cfg(unix)]
mod signals;
mod strange_data;
#[path = "../support/mod.rs"]
mod support;
mod survival;
mod sweep;
#[cfg(unix)]
mod sweep_shards;
#[cfg(unix)]
mod sweep_survival;
#[cfg(target_os = "linux")]
mod terminal;

use desk::{Desk, Done};
