//! `onelayer sweep`: many settings, of which the best is found.

mod lists;
mod progress;
mod text;
mod winner;

use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use super::args::{self, DataArgs, EngineArgs};
use super::console::{self, Console, OutputArgs};
use super::inputs::Inputs;
use super::text::constant_pixels;
use crate::error::{Error, Result};
use crate::files::run_folder::JOURNAL;
use crate::files::{Existing, RunFolder};
use crate::machine::MachineRecord;
use crate::sweep::record::{self, Row, SweepSeconds};
use crate::sweep::{Plan, Space, Sweep, SweepRecord};
use crate::train::record::DatasetRecord;
use crate::train::{End, Run, Settings};
use lists::ListArgs;
use progress::Progress;
use winner::Winner;

/// Examples after the help of the verb.
const EXAMPLES: &str = "\
Every option of a run takes a LIST: values separated by commas, or LO..HI:N, N points evenly in their logarithms.

Examples:
  onelayer sweep --eta 1e-4..1e-1:10 --lambda 0,1e-4..1:9 --out runs/grid
  onelayer sweep --eta 1e-4..1e-1:10 --lambda 0,1e-4..1:9 --halving 3
  onelayer sweep --eta 1e-4..1e-1 --lambda 1e-4..1 --batch 50,100,200 --random 50";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    lists: ListArgs,
    /// Draw N settings from the lists, and from ranges LO..HI, instead of trying all combinations; --seed says which
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Sweep")]
    random: Option<usize>,
    /// Successive halving: compare the runs on validation after an eighth, a quarter and a half of the epochs, each time go on
    /// with the best one in F, and drop the others
    #[arg(long, value_name = "F", allow_negative_numbers = true, help_heading = "Sweep")]
    halving: Option<usize>,
    /// Folder of the sweep: where results, the best model and the report go [default: a new folder in runs/, named by date]
    #[arg(long, value_name = "DIR", help_heading = "Run folder")]
    out: Option<PathBuf>,
    /// Replace the run that the folder already holds
    #[arg(long, help_heading = "Run folder")]
    overwrite: bool,
    /// Go on with the same sweep where the folder --out has it, whatever ended it; begin it where there is none
    #[arg(long, requires = "out", conflicts_with = "overwrite", help_heading = "Run folder")]
    resume: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let console = Console::new(self.output);
        let inputs = Inputs::of(&self.data, &self.engine)?;
        let (plan, few) = self.plan(inputs.dataset.train.len())?;
        let mut sweep = Sweep::new(inputs.splits(), &plan, &inputs.machine)?;
        inputs.signals.note();
        let (folder, goes_on) = self.folder()?;
        let out = folder.path().to_path_buf();
        console.dataset(&inputs.dataset)?;
        console.say(&constant_pixels(sweep.images().standardization()))?;
        console.remark(&(few + &text::heading(&sweep, &inputs.machine)))?;
        match goes_on {
            true => {
                sweep.resume_in(folder.clone())?;
                console.remark(&text::resumed(&sweep))?;
            }
            false => sweep.keep_in(folder.clone())?,
        }

        let load = inputs.started.elapsed().as_secs_f64();
        let training = Instant::now();
        let mut progress = Progress::new(&console, &inputs.signals);
        let end = sweep.run(&mut progress)?;
        progress.finish();
        let ended = sweep.outcomes().count();
        if end == End::Stopped {
            let signal = inputs.signals.received().unwrap_or_default();
            return Err(Error::SweepStopped { out, signal, ended, runs: sweep.runs().len() });
        }
        let train = training.elapsed().as_secs_f64();
        // Everything is kept: nothing is lost by a signal from here on.
        if let Some(signal) = inputs.signals.release() {
            return Err(Error::SweepStopped { out, signal, ended, runs: sweep.runs().len() });
        }
        let winner = Winner::test(&sweep, &inputs)?;
        let best = winner.map(|winner| winner.write(&folder, &inputs, &sweep)).transpose()?;
        let seconds = SweepSeconds { load, train, total: inputs.started.elapsed().as_secs_f64() };
        let record = summary(&sweep, &inputs, best, seconds, &folder);
        folder.write(record::FILE, console::to_json(&record))?;
        console.say(&text::summary(&record))?;
        console.json(&record)
    }

    /// The folder, and whether it holds a sweep that goes on.
    fn folder(&self) -> Result<(RunFolder, bool)> {
        match &self.out {
            Some(out) if self.resume && out.join(JOURNAL).is_file() => {
                Ok((RunFolder::create(out, Existing::Keep)?, true))
            }
            out => Ok((args::folder(out.as_deref(), self.overwrite, "sweep")?, false)),
        }
    }

    /// The plan, for so many training images; and that its batch is smaller than the default, if it is.
    fn plan(&self, images: usize) -> Result<(Plan, String)> {
        let mut runs = Run::single(Settings::default());
        let few = args::fit(&mut runs, images, self.lists.0.iter().any(|(name, _)| *name == "batch"));
        let space = Space::new(&runs[0].settings, &self.lists.0, self.random)?;
        Ok((Plan { space, halving: self.halving, shard: None }, few))
    }
}

/// What the sweep found.
fn summary(
    sweep: &Sweep,
    inputs: &Inputs,
    best: Option<crate::train::RunRecord>,
    seconds: SweepSeconds,
    folder: &RunFolder,
) -> SweepRecord {
    let header = sweep.header();
    SweepRecord {
        runs: Row::sorted(sweep.outcomes()),
        best,
        refit: false,
        version: header.version.clone(),
        date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        machine: MachineRecord::here().name,
        dataset: DatasetRecord::new(&inputs.dataset),
        fingerprint: header.data.clone(),
        engine: sweep.engine().clone(),
        space: header.space.clone(),
        random: header.random,
        halving: header.halving,
        rungs: sweep.rungs().to_vec(),
        seconds,
        shard: header.shard,
        out: folder.path().to_path_buf(),
    }
}
