//! `onelayer sweep`: many settings, of which the best is found.

mod common;
mod conclusion;
mod lists;
mod merge;
mod progress;
mod text;
mod train;
mod winner;

use clap::Subcommand;

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
