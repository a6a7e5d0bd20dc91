//! `onelayer train`: one run.

use std::path::PathBuf;

use super::args::TrainingArgs;
use super::console::Console;
use super::keep::Resumption;
use super::pass::Pass;
use super::text;
use crate::error::{Error, Result};
use crate::files::{Existing, RunFolder};
use crate::train::{Checkpoint, Config, Run, checkpoint};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Learning rate [default: 0.001]
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    eta: Option<f64>,
    /// Weight of the penalty ||W||^2 [default: 0]
    #[arg(long, value_name = "WEIGHT", allow_hyphen_values = true)]
    lambda: Option<f64>,
    /// Save a checkpoint in the run folder after every so many epochs, after the last, and when a signal stops training
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    checkpoint_every: Option<usize>,
    /// Go on from the checkpoint in this run folder, with its settings, on the same data
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "overwrite"])]
    resume: Option<PathBuf>,
    #[command(flatten)]
    training: TrainingArgs,
}

impl Args {
    pub(super) fn run(mut self) -> Result<()> {
        let console = Console::new(self.training.output);
        let resumption = self.resumption()?;
        let base = resumption.from.as_ref().map_or_else(single, |checkpoint| checkpoint.config.clone());
        let rates = &base.runs[0];
        let run = Run {
            name: "run".into(),
            eta: self.eta.unwrap_or(rates.eta),
            lambda: self.lambda.unwrap_or(rates.lambda),
        };
        let config = self.training.apply(Config { runs: vec![run], ..base });
        let folder = || match &self.resume {
            Some(folder) => Ok(vec![RunFolder::create(folder, Existing::Keep)?]),
            None => Ok(vec![self.training.folder("train")?]),
        };
        let (pass, folders) = Pass::run(config, resumption, &self.training, console, folder)?;
        let command = self.training.command("train", &pass.setting, &pass.setting.config.runs);
        let records = pass.write(&folders, &folders[0], &command)?;
        console.say(&text::summary(&records[0]))?;
        console.json(&records[0])
    }

    /// Where training begins, and how often it is saved. An engine that was not chosen is that of the checkpoint.
    fn resumption(&mut self) -> Result<Resumption> {
        if self.checkpoint_every == Some(0) {
            return Err(Error::option("--checkpoint-every", "at least 1", 0));
        }
        let Some(folder) = &self.resume else {
            return Ok(Resumption { every: self.checkpoint_every, from: None });
        };
        let path = folder.join(checkpoint::FILE);
        let checkpoint = Checkpoint::load(&path)?;
        if checkpoint.config.runs.len() != 1 || checkpoint.every == 0 {
            let found = format!("{}, saved every {}", checkpoint.config.runs.len(), checkpoint.every);
            return Err(Error::format(&path, "one run, saved every 1 or more epochs", found));
        }
        self.training.engine.prefer(&checkpoint.engine);
        Ok(Resumption { every: self.checkpoint_every, from: Some(checkpoint) })
    }
}

/// The settings of a run without options: those of the report, but for the rates.
fn single() -> Config {
    Config { runs: vec![Run { name: "run".into(), eta: 0.001, lambda: 0.0 }], ..Config::lab() }
}
