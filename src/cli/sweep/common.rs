//! Options that the verbs of a sweep share.

use std::path::PathBuf;

use super::super::args::{DataArgs, EngineArgs};
use super::super::console::OutputArgs;

/// Where a sweep goes, and what it works with.
#[derive(clap::Args)]
pub(super) struct CommonArgs {
    /// Folder of the sweep: where results, the best model and the report go [default: a new folder in runs/, named by date]
    #[arg(long, value_name = "DIR", help_heading = "Run folder")]
    pub(super) out: Option<PathBuf>,
    /// Replace the run that the folder already holds
    #[arg(long, help_heading = "Run folder")]
    pub(super) overwrite: bool,
    /// Train the best run again on the training and the validation images together, with the same settings, before it is tested
    #[arg(long, help_heading = "Sweep")]
    pub(super) refit: bool,
    /// Write no report and no figures
    #[arg(long, help_heading = "Run folder")]
    pub(super) no_report: bool,
    #[command(flatten)]
    pub(super) data: DataArgs,
    #[command(flatten)]
    pub(super) engine: EngineArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}
