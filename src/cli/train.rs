//! `onelayer train`: one run.

use super::args::TrainingArgs;
use super::console::Console;
use super::pass::Pass;
use super::text;
use crate::error::Result;
use crate::train::{Config, Run};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Learning rate
    #[arg(long, value_name = "RATE", default_value_t = 0.001, allow_hyphen_values = true)]
    eta: f64,
    /// Weight of the penalty ||W||^2
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0, allow_hyphen_values = true)]
    lambda: f64,
    #[command(flatten)]
    training: TrainingArgs,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let console = Console::new(self.training.output);
        let run = Run { name: "run".into(), eta: self.eta, lambda: self.lambda };
        let config = self.training.apply(Config { runs: vec![run], ..Config::lab() });
        let folder = || Ok(vec![self.training.folder("train")?]);
        let (pass, folders) = Pass::run(config, &self.training, console, folder)?;
        let command = self.training.command("train", &pass.config.runs, &pass.dataset, &pass.engine);
        let records = pass.write(&folders, &folders[0], &command)?;
        console.say(&text::summary(&records[0]))?;
        console.json(&records[0])
    }
}
