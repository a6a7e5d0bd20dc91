//! `onelayer train`: one run.

use std::path::{Path, PathBuf};

use super::args::TrainingArgs;
use super::console::Console;
use super::inputs::Inputs;
use super::pass::Pass;
use super::settings::SettingArgs;
use super::text;
use crate::error::{Error, Result};
use crate::files::{Existing, RunFolder};
use crate::train::{Checkpoint, Run, Session, Settings, checkpoint};

/// Examples after the help of the verb.
const EXAMPLES: &str = "\
Examples:
  onelayer train --eta 0.001 --lambda 0.1 --epochs 40 --out runs/first
  onelayer train --data my-arrays --shuffle --checkpoint-every 5 --out runs/second
  onelayer train --resume runs/second";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    settings: SettingArgs<true>,
    /// Save a checkpoint in the run folder after every N epochs, after the last one, and when a signal stops training
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Run folder")]
    checkpoint_every: Option<usize>,
    /// Continue the run in this folder from its checkpoint, with its settings, on the same data
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "overwrite"], help_heading = "Run folder")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    training: TrainingArgs,
}

impl Args {
    pub(super) fn run(mut self) -> Result<()> {
        let console = Console::new(self.training.output);
        if self.checkpoint_every == Some(0) {
            return Err(Error::setting("checkpoint_every", "at least 1", 0));
        }
        let checkpoint = self.resume.as_deref().map(load).transpose()?;
        let runs = self.runs(checkpoint.as_ref())?;
        let inputs = Inputs::open(&self.training)?;
        inputs.signals.note();
        let folders = [match &self.resume {
            Some(folder) => RunFolder::create(folder, Existing::Keep)?,
            None => self.training.folder("train")?,
        }];
        let every = self.checkpoint_every.or(checkpoint.as_ref().map(|checkpoint| checkpoint.every));
        let session = match checkpoint {
            Some(checkpoint) => Session::resume(inputs.splits(), checkpoint, &inputs.machine)?,
            None => Session::new(inputs.splits(), runs, &inputs.machine)?,
        };
        let mut pass = Pass::new(&inputs, session, &folders);
        every.into_iter().for_each(|every| pass.save_checkpoints(every));
        pass.run(&self.training, console)?;
        let session = pass.session();
        let command = self.training.command("train", session.runs(), &inputs.dataset, &session.engine());
        let records = pass.write(&folders[0], &command)?;
        console.say(&text::summary(&records[0]))?;
        console.json(&records[0])
    }

    /// The run that the options describe. Where it goes on from a checkpoint the options may leave out what that says,
    /// and must not say anything else.
    fn runs(&mut self, checkpoint: Option<&Checkpoint>) -> Result<Vec<Run>> {
        let mut runs = match checkpoint {
            Some(checkpoint) => checkpoint.runs.clone(),
            None => Run::single(Settings::default()),
        };
        self.settings.apply(&mut runs[0].settings)?;
        self.training.apply(&mut runs)?;
        if let Some(checkpoint) = checkpoint {
            self.training.engine.prefer(&checkpoint.engine);
            checkpoint.check_settings(&runs)?;
        }
        Ok(runs)
    }
}

/// The checkpoint of one run in a run folder.
fn load(folder: &Path) -> Result<Checkpoint> {
    let path = folder.join(checkpoint::FILE);
    let checkpoint = Checkpoint::load(&path)?;
    match checkpoint.runs.len() {
        1 => Ok(checkpoint),
        count => Err(Error::format(&path, "a checkpoint of one run", format_args!("one of {count}"))),
    }
}
