//! `onelayer reproduce`: the lab report's four runs, in one pass over the data.

mod bonus;

use super::args::TrainingArgs;
use super::console::{self, Console};
use super::inputs::Inputs;
use super::pass::Pass;
use super::text;
use crate::error::Result;
use crate::files::RunFolder;
use crate::report::table_1;
use crate::train::record::{ReproductionRecord, TotalSeconds};
use crate::train::{Run, Session};

/// Which report this is.
const LAB: &str = "report    KTH DD2424, Assignment 1 (2020): runs test1 to test4\n";

/// Examples after the help of the verb.
const EXAMPLES: &str = "\
Examples:
  onelayer reproduce
  onelayer reproduce --data data/cifar-10-batches-bin --engine fixed --out runs/report
  onelayer reproduce --bonus";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Run the course's optional part instead: each improvement alone and all together, on all training files less 1,000
    /// images, as one table and one page
    #[arg(long)]
    bonus: bool,
    #[command(flatten)]
    training: TrainingArgs,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        if self.bonus {
            return bonus::run(self.training);
        }
        let console = Console::new(self.training.output);
        let mut runs = Run::lab();
        self.training.apply(&mut runs)?;
        let inputs = Inputs::open(&self.training)?;
        inputs.signals.note();
        let few = self.training.fit(&mut runs, inputs.dataset.train.len());
        let folder = self.training.folder("reproduce")?;
        let out = folder.path().to_path_buf();
        let folders: Vec<RunFolder> =
            runs.iter().map(|run| folder.inner(&run.name)).collect::<Result<_>>()?;
        let session = Session::new(inputs.splits(), runs, &inputs.machine)?;
        let mut pass = Pass::new(&inputs, session, &folders);
        console.remark(LAB)?;
        console.remark(&few)?;
        pass.run(&self.training, console)?;
        let session = pass.session();
        let command = self.training.command("reproduce", session.runs(), &inputs.dataset, &session.engine());
        let runs = pass.write(&folder, &command)?;

        let table = table_1(&runs.iter().collect::<Vec<_>>());
        let overflows: String = runs.iter().map(text::overflow).collect();
        console.say(&(text::table(&table) + &overflows + &text::differences(&runs[0])))?;
        console.remark(&format!("\nvalidation split, epoch by epoch\n{}", text::validation_curves(&runs)))?;
        let record = ReproductionRecord { runs, seconds: TotalSeconds { total: pass.elapsed() }, out };
        folder.write("run.json", console::to_json(&record))?;
        console.say(&format!("\n{}written   {}\n", text::timing(&record.runs[0]), record.out.display()))?;
        console.json(&record)?;
        pass.diverged()
    }
}
