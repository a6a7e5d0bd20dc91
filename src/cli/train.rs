//! `onelayer train`: one run.

use std::path::{Path, PathBuf};

use super::args::{self, TrainingArgs};
use super::console::Console;
use super::inputs::Inputs;
use super::model_file;
use super::pass::Pass;
use super::settings::{self, Rates, SettingArgs};
use super::{seeds, text};
use crate::error::{Error, Result};
use crate::files::{Existing, RunFolder};
use crate::train::record::weights_sha256;
use crate::train::{Checkpoint, Notes, Run, Session, Setting, Settings, WarmStart, checkpoint};

/// Examples after the help of the verb.
const EXAMPLES: &str = "\
Examples:
  onelayer train --eta 0.001 --lambda 0.1 --epochs 40 --out runs/first
  onelayer train --data my-arrays --shuffle --checkpoint-every 5 --out runs/second
  onelayer train --resume runs/second --epochs 100
  onelayer train --mirror --shift 1 --momentum 0.9 --schedule linear --eta 0.005 --seeds 3
  onelayer train --from runs/first --data my-arrays --out runs/third";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    settings: SettingArgs<Rates>,
    /// Save a checkpoint in the run folder after every N epochs, after the last one, and when a signal stops training
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Run folder")]
    checkpoint_every: Option<usize>,
    /// Continue the run in this folder from its checkpoint, with its settings, on the data that it was trained on. Another
    /// --eta holds from here on, and more --epochs train it longer
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "overwrite"], help_heading = "Run folder")]
    resume: Option<PathBuf>,
    /// Begin with this model instead of random weights: a model file, or a run folder that holds one
    #[arg(long, value_name = "MODEL", conflicts_with = "resume", help_heading = "Model")]
    from: Option<PathBuf>,
    /// Train from several seeds, and save the model of each, and their mean: how many, from --seed on, or a list
    #[arg(long, value_name = "SEEDS", conflicts_with_all = ["resume", "from", "checkpoint_every"],
        help_heading = "Optimization")]
    seeds: Option<String>,
    #[command(flatten)]
    training: TrainingArgs,
}

impl Args {
    pub(super) fn run(mut self) -> Result<()> {
        if let Some(text) = self.seeds.take() {
            let settings = self.runs(None)?.swap_remove(0).settings;
            return seeds::run(&self.training, &settings, &seeds::parse(&text, settings.seed)?);
        }
        let console = Console::new(self.training.output);
        if self.checkpoint_every == Some(0) {
            return Err(Error::setting("checkpoint_every", "at least 1", 0));
        }
        let model = self.from.as_deref().map(model_file::load).transpose()?;
        let checkpoint = self.resume.as_deref().map(load).transpose()?;
        let mut runs = self.runs(checkpoint.as_ref())?;
        let checkpoint = checkpoint.map(|checkpoint| checkpoint.go_on_with(runs.clone())).transpose()?;
        let inputs = Inputs::open(&self.training)?;
        inputs.signals.note();
        if checkpoint.is_none() {
            console.remark(&self.training.fit(&mut runs, inputs.dataset.train.len()))?;
        }
        let folders = [match &self.resume {
            Some(folder) => RunFolder::create(folder, Existing::Keep)?,
            None => self.training.folder("train")?,
        }];
        let every = self.checkpoint_every.or(checkpoint.as_ref().map(|checkpoint| checkpoint.every));
        let from = match &checkpoint {
            Some(checkpoint) => checkpoint.notes.from.clone(),
            None => self.from.clone().zip(model.as_ref()).map(|(path, model)| WarmStart {
                model: path,
                weights_sha256: weights_sha256(&model.parameters),
            }),
        };
        let (splits, machine) = (inputs.splits(), &inputs.machine);
        let session = match (checkpoint, &model) {
            (Some(checkpoint), _) => Session::resume(splits, checkpoint, machine)?,
            (None, Some(model)) => Session::from_model(splits, runs, model, machine)?,
            (None, None) => Session::new(splits, runs, machine)?,
        };
        if let Some(model) = &model {
            console.say(&text::renamed(&model.classes, &inputs.dataset.classes))?;
        }
        let command = self.command(&session, &inputs, from.as_ref(), every);
        let mut pass = Pass::new(&inputs, session, &folders);
        pass.note(Notes { data: Some(self.training.data.origin()), from });
        every.into_iter().for_each(|every| pass.save_checkpoints(every));
        pass.run(&self.training, console)?;
        let records = pass.write(&folders[0], &command)?;
        console.say(&text::summary(&records[0]))?;
        console.json(&records[0])
    }

    /// The run that the options describe. Where it goes on from a checkpoint, what they leave out is as it was.
    fn runs(&mut self, checkpoint: Option<&Checkpoint>) -> Result<Vec<Run>> {
        let mut runs = match checkpoint {
            Some(checkpoint) => checkpoint.runs.clone(),
            None => Run::single(Settings::default()),
        };
        self.settings.apply(&mut runs[0].settings)?;
        self.training.apply(&mut runs)?;
        if let Some(checkpoint) = checkpoint {
            self.training.engine.prefer(&checkpoint.engine);
            checkpoint.notes.data.iter().try_for_each(|origin| self.training.data.remember(origin))?;
        }
        Ok(runs)
    }

    /// The command that trains the model again: one for each of its phases.
    fn command(
        &self,
        session: &Session,
        inputs: &Inputs,
        from: Option<&WarmStart>,
        every: Option<usize>,
    ) -> String {
        let mut phases = session.phases().iter().map(|phase| &phase.runs[..]).chain([session.runs()]);
        let first = phases.next().expect("the runs themselves");
        let mut command = self.training.command("train", first, &inputs.dataset, &session.engine());
        if let Some(from) = from {
            command += &format!(" --from {}", args::quoted(&from.model.display().to_string()));
        }
        if let (Some(every), [_, ..]) = (every, session.phases()) {
            command += &format!(" --checkpoint-every {every} --out RUN");
        }
        for (phase, later) in session.phases().iter().zip(phases) {
            let [before, now] = [&phase.runs[0].settings, &later[0].settings];
            if !phase.is_whole() {
                command += &format!(" (stopped after {} epochs and {} images)", phase.epoch, phase.images);
            }
            let differs = |row: &&Setting| before.get(row.name) != now.get(row.name);
            let changed = settings::options(now, Settings::TABLE.iter().filter(differs));
            command += &format!(" && onelayer train --resume RUN {}", changed.join(" "));
        }
        command
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
