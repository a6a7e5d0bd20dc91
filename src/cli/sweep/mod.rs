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
use crate::files::RunFolder;
use crate::machine::MachineRecord;
use crate::sweep::record::{self, Row, SweepSeconds};
use crate::sweep::{Plan, Space, Sweep, SweepRecord};
use crate::train::record::DatasetRecord;
use crate::train::{End, Settings};
use lists::ListArgs;
use progress::Progress;
use winner::Winner;

/// Examples after the help of the verb.
const EXAMPLES: &str = "\
Every option of a run takes a LIST: values separated by commas, or LO..HI:N, N points evenly in their logarithms.

Examples:
  onelayer sweep --eta 1e-4..1e-1:10 --lambda 0,1e-4..1:9 --out runs/grid
  onelayer sweep --eta 1e-4..1e-1 --lambda 1e-4..1 --batch 50,100,200 --random 50";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    lists: ListArgs,
    /// Draw N settings from the lists, and from ranges LO..HI, instead of trying all combinations; --seed says which
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Sweep")]
    random: Option<usize>,
    /// Folder of the sweep: where results, the best model and the report go [default: a new folder in runs/, named by date]
    #[arg(long, value_name = "DIR", help_heading = "Run folder")]
    out: Option<PathBuf>,
    /// Replace the run that the folder already holds
    #[arg(long, help_heading = "Run folder")]
    overwrite: bool,
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
        let plan = self.plan()?;
        let inputs = Inputs::of(&self.data, &self.engine)?;
        let mut sweep = Sweep::new(inputs.splits(), &plan, &inputs.machine)?;
        inputs.signals.note();
        let folder = args::folder(self.out.as_deref(), self.overwrite, "sweep")?;
        let out = folder.path().to_path_buf();
        console.dataset(&inputs.dataset)?;
        console.say(&constant_pixels(sweep.images().standardization()))?;
        console.remark(&text::heading(&sweep, &inputs.machine))?;
        sweep.keep_in(folder.clone())?;

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
        let winner = Winner::test(&sweep, &inputs)?;
        let best = winner.map(|winner| winner.write(&folder, &inputs, &sweep)).transpose()?;
        let seconds = SweepSeconds { load, train, total: inputs.started.elapsed().as_secs_f64() };
        let record = summary(&sweep, &inputs, best, seconds, &folder);
        folder.write(record::FILE, console::to_json(&record))?;
        console.say(&text::summary(&record))?;
        console.json(&record)
    }

    fn plan(&self) -> Result<Plan> {
        let space = Space::new(&Settings::default(), &self.lists.0, self.random)?;
        Ok(Plan { space, halving: None, shard: None })
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
