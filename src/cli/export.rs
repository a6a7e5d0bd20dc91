//! `onelayer export`: a saved model in a format of other programs.

use std::path::PathBuf;

use serde::Serialize;

use super::console::{Console, OutputArgs};
use super::model_file;
use crate::error::{Result, one_line};
use crate::files::whole::WholeFile;
use crate::report::count;

const EXAMPLES: &str = "\
The graph has one input, features [batch, D] of f32, and two outputs: class
[batch], and probabilities [batch, K], or scores where the objective is hinge.
A model of bytes wants pixels from 0 to 255. The names of the classes are in
the metadata.

Examples:
  onelayer export runs/train --onnx model.onnx";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A model file, or a run folder with one
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The file to write, in ONNX format; one of that name is replaced
    #[arg(long, value_name = "FILE")]
    onnx: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Written {
    #[serde(serialize_with = "crate::files::path_text::path")]
    onnx: PathBuf,
    features: usize,
    classes: Vec<String>,
    bytes: usize,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let console = Console::new(self.output);
        let model = model_file::load(&self.model)?;
        let file = model.to_onnx();
        WholeFile::new(&self.onnx, &file, false)?.finish()?;
        let (features, bytes) = (model.parameters.features, file.len());
        console.say(&format!(
            "model     {} features, {} classes\nwritten   {} ({} bytes)\n",
            count(features),
            count(model.classes.len()),
            one_line(self.onnx.display()),
            count(bytes)
        ))?;
        console.json(&Written { onnx: self.onnx, features, classes: model.classes, bytes })
    }
}
