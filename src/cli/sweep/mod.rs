//! `onelayer sweep`: many settings, of which the best is found.

mod conclusion;
mod lists;
mod merge;
mod progress;
mod text;
mod train;
mod winner;

use std::path::PathBuf;

use clap::Subcommand;

use super::args::{DataArgs, EngineArgs};
use super::console::OutputArgs;
use crate::error::Result;

/// Examples after the help of the verb.
const EXAMPLES: &str = "\
Every option of a run takes a LIST: values separated by commas, or LO..HI:N, N points evenly in their logarithms.

Examples:
  onelayer sweep --eta 1e-4..1e-1:10 --lambda 0,1e-4..1:9 --out runs/grid
  onelayer sweep --eta 1e-4..1e-1:10 --lambda 0,1e-4..1:9 --halving 3
  onelayer sweep --eta 1e-4..1e-1 --lambda 1e-4..1 --batch 50,100,200 --random 50
  onelayer sweep --eta 1e-4..1e-1:10 --shard 1/2 --out shards/1 --resume
  onelayer sweep merge shards/1 shards/2 --out runs/grid";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_help_heading = "Verbs")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    train: train::TrainArgs,
}

#[derive(Subcommand)]
enum Verb {
    /// Make one sweep of shards that were trained in folders of their own
    Merge(merge::Args),
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        match self.verb {
            Some(Verb::Merge(args)) => args.run(),
            None => self.train.run(),
        }
    }
}

/// Where a sweep goes, and what it works with.
#[derive(clap::Args)]
struct CommonArgs {
    /// Folder of the sweep: where results, the best model and the report go [default: a new folder in runs/, named by date]
    #[arg(long, value_name = "DIR", help_heading = "Run folder")]
    out: Option<PathBuf>,
    /// Replace the run that the folder already holds
    #[arg(long, help_heading = "Run folder")]
    overwrite: bool,
    /// Write no report and no figures
    #[arg(long, help_heading = "Run folder")]
    no_report: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    output: OutputArgs,
}
