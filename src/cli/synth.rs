//! `onelayer synth`: the synthetic data set, as files.

use std::path::PathBuf;

use serde::Serialize;

use super::console::{Console, OutputArgs};
use crate::data::{layout, synthetic};
use crate::error::{Error, Result};
use crate::files::{Existing, RunFolder};
use crate::report::count;

const EXAMPLES: &str = "\
Examples:
  onelayer synth --out synthetic
  onelayer synth --out other --seed 7";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Folder to write into; it is created if necessary
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Seed of the images: the same seed gives the same bytes on any machine
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    #[command(flatten)]
    output: OutputArgs,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Written {
    name: &'static str,
    seed: u64,
    #[serde(serialize_with = "crate::files::path_text::path")]
    out: PathBuf,
    files: Vec<&'static str>,
    classes: Vec<&'static str>,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let console = Console::new(self.output);
        let files: Vec<_> = synthetic::file_names().collect();
        // Nothing is overwritten: the files in a folder of that name may be the real ones.
        if let Some(name) = files.iter().find(|name| self.out.join(name).symlink_metadata().is_ok()) {
            let expected = "a folder without a data set, as nothing is overwritten";
            return Err(Error::format(&self.out, expected, name));
        }
        let folder = RunFolder::create(&self.out, Existing::Keep)?;
        synthetic::write(folder.path(), self.seed)?;

        let written = Written {
            name: synthetic::NAME,
            seed: self.seed,
            out: self.out,
            files,
            classes: synthetic::class_names().collect(),
        };
        console.say(&format!(
            "data      {} (seed {}): {} files of {} images, {} classes, {} features\n\
             written   {}\n",
            written.name,
            written.seed,
            synthetic::FILES.len(),
            count(synthetic::RECORDS),
            written.classes.len(),
            count(layout::FEATURES),
            written.out.display()
        ))?;
        console.json(&written)
    }
}
