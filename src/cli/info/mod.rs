//! `onelayer info`: what a data folder, a model file, a run folder or this machine is.

mod dataset;
mod machine;
mod model;
mod pixels;
mod run;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::args::DataArgs;
use super::console::{self, Console, OutputArgs};
use crate::error::Result;

use dataset::DatasetInfo;
use machine::MachineInfo;
use model::ModelInfo;
use run::{RECORD_FILE, RunInfo};

/// Examples after the help of the verb.
const EXAMPLES: &str = "\
Examples:
  onelayer info runs/first
  onelayer info runs/first/model.safetensors --templates";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Data folder, model file, run folder or its run.json [default: this machine and the data set that training
    /// would use]
    path: Option<PathBuf>,
    /// Draw the weights of a model as a picture of each class, in colour where COLORTERM is truecolor
    #[arg(long, help_heading = "Output", requires = "path", conflicts_with = "json")]
    templates: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// What `--json` prints: the fields of one kind of thing, and which kind it is.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Info {
    Machine(MachineInfo),
    Dataset(DatasetInfo),
    Model(ModelInfo),
    Run(RunInfo),
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let console = Console::new(self.output);
        let info = match self.path {
            Some(path) if self.templates => return console::print(&model::templates(&path)?),
            Some(path) => Info::of(&path, self.data)?,
            None => Info::Machine(MachineInfo::new(DatasetInfo::new(&self.data.open()?))),
        };
        console.say(&info.text())?;
        console.json(&info)
    }
}

impl Info {
    /// What is at `path`: a file called as a record is one, any other file is a model; a folder with a record
    /// is a run, any other folder is data.
    fn of(path: &Path, data: DataArgs) -> Result<Self> {
        let record = path.join(RECORD_FILE);
        Ok(if path.is_dir() && record.is_file() {
            Self::Run(RunInfo::read(&record)?)
        } else if path.file_name().is_some_and(|name| name == RECORD_FILE) {
            Self::Run(RunInfo::read(path)?)
        } else if path.is_dir() {
            Self::Dataset(DatasetInfo::new(&data.within(path).open()?))
        } else {
            Self::Model(ModelInfo::read(path)?)
        })
    }

    /// As people read it.
    fn text(&self) -> String {
        match self {
            Self::Machine(machine) => machine.text(),
            Self::Dataset(dataset) => dataset.text(),
            Self::Model(model) => model.text(),
            Self::Run(run) => run.text(),
        }
    }
}
