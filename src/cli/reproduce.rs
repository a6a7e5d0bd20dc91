//! `onelayer reproduce`: the lab report's four runs, in one pass over the data.

use super::args::TrainingArgs;
use super::console::{self, Console};
use super::keep::Resumption;
use super::pass::Pass;
use super::text;
use crate::error::Result;
use crate::report::table_1;
use crate::train::Config;
use crate::train::record::{ReproductionRecord, TotalSeconds};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    training: TrainingArgs,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let console = Console::new(self.training.output);
        let config = self.training.apply(Config::lab());
        let names: Vec<String> = config.runs.iter().map(|run| run.name.clone()).collect();
        let folder = self.training.folder("reproduce")?;
        let out = folder.path().to_path_buf();
        // They lie in a folder that may be written to.
        let folders = || {
            folder.check_no_input()?;
            names.iter().map(|name| folder.inner(name)).collect()
        };
        let (pass, folders) = Pass::run(config, Resumption::default(), &self.training, console, folders)?;
        let command = self.training.command("reproduce", &pass.setting, &[]);
        let runs = pass.write(&folders, &folder, &command)?;

        let table = table_1(&runs.iter().collect::<Vec<_>>());
        console.say(&(table.text() + &text::differences(&runs[0])))?;
        console.remark(&format!("\nvalidation split, epoch by epoch\n{}", text::validation_curves(&runs)))?;
        let record = ReproductionRecord { runs, seconds: TotalSeconds { total: pass.elapsed() }, out };
        folder.write("run.json", console::to_json(&record))?;
        console.say(&format!("\n{}written   {}\n", text::timing(&record.runs[0]), record.out.display()))?;
        console.json(&record)
    }
}
