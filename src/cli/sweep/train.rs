//! `onelayer sweep` itself.

use std::time::Instant;

use super::super::args::{self, fit};
use super::super::console::Console;
use super::super::inputs::Inputs;
use super::super::text::features;
use super::common::CommonArgs;
use super::conclusion::Conclusion;
use super::lists::ListArgs;
use super::progress::Progress;
use super::text;
use crate::error::{Error, Result};
use crate::files::run_folder::JOURNAL;
use crate::files::{Existing, RunFolder};
use crate::sweep::{End, Plan, Shard, Space, Sweep};
use crate::train::{Optimizer, Run, Settings};

#[derive(clap::Args)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    lists: ListArgs,
    /// Draw N settings from the lists, and from ranges LO..HI, instead of trying all combinations; --seed says which
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Sweep")]
    random: Option<usize>,
    /// Successive halving: compare the runs on validation after an eighth, a quarter and a half of the epochs, each time go on
    /// with the best one in F, and drop the others
    #[arg(long, value_name = "F", allow_negative_numbers = true, help_heading = "Sweep")]
    halving: Option<usize>,
    /// With lbfgs: train the runs that differ in lambda alone one after the other, from the largest lambda to the smallest,
    /// each from where the one before it ended. That takes fewer iterations, and ends at the same optima within --tol, but not
    /// with the bits of train alone
    #[arg(long, conflicts_with = "shard", help_heading = "Sweep")]
    path: bool,
    /// Train the I-th of N parts of the runs, counted from 1; sweep merge makes one sweep of all parts
    #[arg(
        long,
        value_name = "I/N",
        allow_hyphen_values = true,
        conflicts_with = "refit",
        help_heading = "Sweep"
    )]
    shard: Option<String>,
    /// Go on with the same sweep where the folder --out has it, whatever ended it; begin it where there is none
    #[arg(long, requires = "out", conflicts_with = "overwrite", help_heading = "Run folder")]
    resume: bool,
    #[command(flatten)]
    common: CommonArgs,
}

impl TrainArgs {
    pub(super) fn run(self) -> Result<()> {
        let console = Console::new(self.common.output);
        let shard = self.shard.as_deref().map(shard).transpose()?;
        let inputs = Inputs::of(&self.common.data, &self.common.engine)?;
        let (plan, few) = self.plan(inputs.dataset.train.len(), shard)?;
        let mut sweep = Sweep::new(inputs.splits(), &plan, &inputs.machine)?;
        inputs.signals.note();
        let (folder, goes_on) = self.folder()?;
        console.dataset(&inputs.dataset)?;
        let images = sweep.images();
        let of_features = |run: &Run| features(&run.settings, images.standardization(), images.rounding());
        console.say(&sweep.runs().first().map(of_features).unwrap_or_default())?;
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
        // Everything is kept: nothing is lost by a signal from here on.
        let signal = inputs.signals.release();
        if let (End::Waiting(rung), None) = (end, signal) {
            return console.say(&text::waiting(&sweep, rung, folder.path()));
        }
        if let Some(signal) = signal {
            let (out, ended) = (folder.path().to_path_buf(), sweep.outcomes().count());
            return Err(Error::SweepStopped { out, signal, ended, runs: sweep.runs().len() });
        }
        let (args, train) = (&self.common, training.elapsed().as_secs_f64());
        Conclusion { args, inputs: &inputs, folder: &folder, load, train }.draw(&sweep, console)
    }

    /// The folder, and whether it holds a sweep that goes on.
    fn folder(&self) -> Result<(RunFolder, bool)> {
        let CommonArgs { out, overwrite, .. } = &self.common;
        match out {
            Some(out) if self.resume && out.join(JOURNAL).is_file() => {
                Ok((RunFolder::create(out, Existing::Keep)?, true))
            }
            out => Ok((args::folder(out.as_deref(), *overwrite, "sweep")?, false)),
        }
    }

    /// The plan, for so many training images; and that its batch is smaller than the default, if it is.
    fn plan(&self, images: usize, shard: Option<Shard>) -> Result<(Plan, String)> {
        let mut runs = Run::single(Settings::default());
        let given = |setting| self.lists.0.iter().filter(move |(name, _)| *name == setting);
        // Where no run is one of sgd, there are no batches.
        if given("optimizer").any(|(_, list)| list == Optimizer::Lbfgs.name()) {
            runs[0].settings.optimizer = Optimizer::Lbfgs;
        }
        let few = fit(&mut runs, images, given("batch").count() > 0);
        let space = Space::new(&runs[0].settings, &self.lists.0, self.random)?;
        Ok((Plan { space, halving: self.halving, path: self.path, shard }, few))
    }
}

fn shard(text: &str) -> Result<Shard> {
    text.parse().map_err(|expected: String| Error::setting("shard", expected, text))
}
