//! `onelayer sweep merge`: shards become one sweep.

use std::path::PathBuf;
use std::time::Instant;

use super::super::args;
use super::super::console::Console;
use super::super::inputs::Inputs;
use super::common::CommonArgs;
use super::conclusion::Conclusion;
use super::text;
use crate::error::Result;
use crate::files::run_folder::JOURNAL;
use crate::sweep::{Shards, Sweep};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The folder of each shard, in any order
    #[arg(required = true, value_name = "DIR")]
    shards: Vec<PathBuf>,
    #[command(flatten)]
    common: CommonArgs,
}

impl Args {
    pub(super) fn run(mut self) -> Result<()> {
        let merging = Instant::now();
        let console = Console::new(self.common.output);
        let shards = Shards::read(&self.shards)?;
        if let Some(rung) = shards.next_rung() {
            let on = shards.decide(rung)?;
            return console.say(&text::decided(rung, on, shards.header().runs));
        }
        let outcomes = shards.outcomes()?;
        self.common.engine.prefer(&shards.header().engine);
        let inputs = Inputs::of(&self.common.data, &self.common.engine)?;
        let mut sweep = Sweep::new(inputs.splits(), shards.plan(), &inputs.machine)?;
        let journal = self.shards[0].join(JOURNAL);
        shards.header().check_whole(sweep.header(), "the shards", &journal)?;
        let folder = args::folder(self.common.out.as_deref(), self.common.overwrite, "sweep")?;
        console.dataset(&inputs.dataset)?;
        console.remark(&text::heading(&sweep, &inputs.machine))?;
        sweep.keep_in(folder.clone())?;
        sweep.adopt(outcomes, shards.best_model()?)?;
        let load = inputs.started.duration_since(merging).as_secs_f64();
        let args = &self.common;
        Conclusion { args, inputs: &inputs, folder: &folder, load, train: 0.0 }.draw(&sweep, console)
    }
}
