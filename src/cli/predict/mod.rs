//! `onelayer predict`: what a saved model sees in pictures.

mod images;
mod probabilities;

use std::mem;
use std::path::{Path, PathBuf};

use serde::Serialize;

use self::images::{Image, Receiver};
use self::probabilities::Probabilities;
use super::args::EngineArgs;
use super::console::{self, Console, OutputArgs};
use super::{model_file, text};

use crate::engine::{Engine, Machine};
use crate::error::{Error, Result, one_line};
use crate::files::whole;
use crate::model::Model;
use crate::report::columns::{columns, left};

use crate::samples::{Element, Rows, Values};
use crate::train::evaluator;

/// The images that are classified together.
const BATCH: usize = 256;
/// The characters of a bar that stands for certainty.
const BAR: usize = 40;

/// Examples after the help of the verb.
const EXAMPLES: &str = "\
Examples:
  onelayer predict runs/first cat.jpg photos/
  onelayer predict runs/first data/cifar-10-batches-bin/test_batch.bin:0-9 --top 1
  onelayer predict runs/first new_images.npy --csv > classes.csv";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model file, or a run folder that holds one
    model: PathBuf,
    /// PNG, JPEG, WebP, GIF or BMP files of any size, folders of them, or images of a data file by their numbers, counted
    /// from 0: FILE:7 or FILE:0-9; an array FILE.npy for all its images, which need no labels
    #[arg(required = true, value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
    /// Show the N most probable classes
    #[arg(
        long,
        help_heading = "Output",
        value_name = "N",
        default_value_t = 3,
        allow_negative_numbers = true
    )]
    top: usize,
    /// Print CSV on stdout: a line for each image with the most probable class
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    csv: bool,
    /// Write the probabilities of all classes to a file, an array [N, K] of float32, instead of showing them; NaN for
    /// pictures that cannot be read
    #[arg(long, value_name = "FILE.npy", help_heading = "Output")]
    probabilities: Option<PathBuf>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// One line of `--json`.
#[derive(Serialize)]
struct Record<'a> {
    picture: &'a str,
    /// The class that the record's label says; null for pictures.
    truth: Option<&'a str>,
    top: Vec<ClassProbability<'a>>,
}

#[derive(Serialize)]
struct ClassProbability<'a> {
    class: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    /// Of a model whose scores are no probabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
}

/// A line of `--json` for a picture that could not be read.
#[derive(Serialize)]
struct Failure {
    picture: String,
    error: String,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let console = Console::new(OutputArgs { json: self.output.json || self.csv, ..self.output });
        let model = model_file::load(&self.model)?;
        if self.top == 0 {
            return Err(Error::setting("top", "at least 1", self.top));
        }
        if self.probabilities.is_some() && model.is_scored() {
            let expected = "a model with probabilities: hinge's scores are none";
            return Err(Error::setting("probabilities", expected, model.objective.loss));
        }
        let classes = model.classes.len();
        let probabilities = self.probabilities.clone().map(|path| Probabilities::begin(path, classes));
        let mut classifier = Classifier {
            args: &self,
            console,
            model: &model,
            machine: self.engine.machine()?,
            engine: None,
            waiting: Vec::new(),
            probabilities: probabilities.transpose()?,
            seen: 0,
            failed: 0,
        };
        if model.is_scored() {
            console.remark("scores    of a hinge model: larger is likelier, but no probability\n\n")?;
        }
        if self.csv {
            console::print(&format!(
                "image,class,{}\n",
                if model.is_scored() { "score" } else { "probability" }
            ))?;
        }
        self.pictures.iter().try_for_each(|picture| images::give(picture, &model, &mut classifier))?;
        classifier.flush()?;
        let Classifier { probabilities, seen, failed, .. } = classifier;
        if let Some(probabilities) = probabilities {
            console.say(&probabilities.finish()?)?;
        }
        if failed > 0 { Err(Error::Pictures { failed, seen }) } else { Ok(()) }
    }
}

/// Classifies images, many at a time, and shows what the model sees in them.
struct Classifier<'a> {
    args: &'a Args,
    console: Console,
    model: &'a Model,
    machine: Machine,
    /// The engine for the images that wait, and what their features are stored as.
    engine: Option<(Element, Box<dyn Engine>)>,
    waiting: Vec<Image>,
    /// Those of all images so far, if they are asked for.
    probabilities: Option<Probabilities>,
    seen: usize,
    failed: usize,
}

impl Receiver for Classifier<'_> {
    fn take(&mut self, path: &Path, image: Result<Image>) -> Result<()> {
        self.seen += 1;
        match image {
            Ok(image) => {
                self.check(&image)?;
                let element = image.features.values().element();
                if self.engine.as_ref().is_none_or(|(of, _)| *of != element) {
                    self.flush()?;
                    let models = std::slice::from_ref(self.model);
                    self.engine = Some((element, evaluator(models, element, &self.machine)?));
                    self.console.say(&text::other_element(self.model, element))?;
                }
                self.waiting.push(image);
                if self.waiting.len() < BATCH { Ok(()) } else { self.flush() }
            }
            Err(error) => {
                self.flush()?;
                self.failed += 1;
                let unknown = self.model.classes.iter().map(|_| f32::NAN);
                self.probabilities.as_mut().map_or(Ok(()), |file| file.add(unknown))?;
                self.report(path, &error)
            }
        }
    }

    /// Checks that no output is the data file, and warns where its classes are not the model's.
    fn open(&mut self, classes: Option<&[String]>) -> Result<()> {
        self.args.probabilities.as_deref().map_or(Ok(()), whole::check_no_input)?;
        self.flush()?;
        self.console.say(&text::renamed(&self.model.classes, classes.unwrap_or_default()))
    }
}

impl Classifier<'_> {
    /// Checks that the model is made for images like this one.
    fn check(&self, image: &Image) -> Result<()> {
        let (features, found) = (image.features.values().len(), self.model.parameters.features);
        if features == found {
            return Ok(());
        }
        let expected = format!("a model of {features} features, as {} has", image.name);
        Err(Error::format(&self.args.model, expected, found))
    }

    /// Classifies the images that wait, and shows them.
    fn flush(&mut self) -> Result<()> {
        let images = mem::take(&mut self.waiting);
        let (Some((_, engine)), false) = (&mut self.engine, images.is_empty()) else { return Ok(()) };
        let (features, classes) = (self.model.parameters.features, self.model.classes.len());
        let (mut bytes, mut floats) = (Vec::new(), Vec::new());
        for image in &images {
            match image.features.values() {
                Values::Bytes(of_image) => bytes.extend_from_slice(of_image),
                Values::Floats(of_image) => floats.extend_from_slice(of_image),
            }
        }
        let rows = if floats.is_empty() {
            Rows::contiguous(&bytes, features)
        } else {
            Rows::floats(&floats, features)
        };
        let mut logits = vec![0.0; images.len() * classes];
        engine.forward(&rows, &mut logits)?;
        let mut text = String::new();
        for (image, logits) in images.iter().zip(logits.chunks(classes)) {
            let values = self.model.objective.probabilities(logits);
            let values = values.unwrap_or_else(|| logits.iter().map(|&logit| logit.into()).collect());
            let rounded = values.iter().map(|&value| value as f32);
            self.probabilities.as_mut().map_or(Ok(()), |file| file.add(rounded))?;
            let mut ranking: Vec<(usize, f64)> = values.into_iter().enumerate().collect();
            ranking.sort_by(|a, b| b.1.total_cmp(&a.1));
            text += &self.line(image, &ranking);
        }
        console::print(&text)
    }

    /// What is printed of an image: classes by falling probability, or by falling score.
    fn line(&self, image: &Image, ranking: &[(usize, f64)]) -> String {
        let (output, classes) = (self.args.output, &self.model.classes);
        let top = ranking.iter().take(self.args.top);
        if output.json {
            let scored = self.model.is_scored();
            let top = top.map(|&(class, value)| ClassProbability {
                class: &classes[class],
                probability: (!scored).then_some(value),
                score: scored.then_some(value),
            });
            let record = Record { picture: &image.name, truth: image.truth.as_deref(), top: top.collect() };
            return json_line(&record);
        }
        if self.args.csv {
            let (class, probability) = ranking[0];
            let [name, class] = [&image.name, &classes[class]].map(|cell| text::csv_cell(cell));
            return format!("{name},{class},{probability}\n");
        }
        if self.args.probabilities.is_some() {
            return String::new();
        }
        let remark = if output.quiet { "" } else { &image.remark };
        let truth = image.truth.as_ref().map(|class| format!(", labelled {class}")).unwrap_or_default();
        let mut text = format!("{}{remark}\n", one_line(format!("{}{truth}", image.name)));
        let names: Vec<String> = classes.iter().map(one_line).collect();
        let width = names.iter().map(|name| columns(name)).max().unwrap_or(0);
        for &(class, value) in top {
            let line = match self.model.is_scored() {
                true => format!("  {} {value:>9.4}", left(&names[class], width)),
                false => {
                    format!("  {} {:>6.2} %  {}", left(&names[class], width), 100.0 * value, bar(value))
                }
            };
            text += &format!("{}\n", line.trim_end());
        }
        text
    }

    /// Tells of a picture that could not be read.
    fn report(&self, path: &Path, error: &Error) -> Result<()> {
        console::complain(&error.to_string());
        if !self.args.output.json {
            return Ok(());
        }
        let failure = Failure { picture: path.display().to_string(), error: error.to_string() };
        console::print(&json_line(&failure))
    }
}

/// A bar in eighths of a character.
fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share * (8 * BAR) as f64).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

fn json_line(record: &impl Serialize) -> String {
    serde_json::to_string(record).expect("records have string keys") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_by_eighths() {
        assert_eq!([bar(0.0), bar(1.0 / 320.0), bar(0.05), bar(0.06)], ["", "▏", "██", "██▍"]);
        assert_eq!(bar(1.0), "█".repeat(BAR));
    }
}
