//! `onelayer evaluate`: a saved model on a data set.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::args::{DataArgs, EngineArgs};
use super::console::{Console, OutputArgs};
use super::warnings::used_again;
use super::{model_file, provenance, text};
use crate::data::{Excerpt, Part};
use crate::error::{Error, Result, one_line};
use crate::model::Model;
use crate::report::columns::{columns, cut};
use crate::report::{Confusion, Table, count, fixed, per_class};
use crate::train::{Metrics, evaluate, evaluator, top5};

/// The columns that are taken for granted, where nobody knows how many there are.
const COLUMNS: usize = 80;

/// Examples after the help of the verb.
const EXAMPLES: &str = "\
Examples:
  onelayer evaluate runs/first
  onelayer evaluate runs/first/model.safetensors --split validation --csv > confusion.csv";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model file, or a run folder that holds one
    model: PathBuf,
    /// Split to evaluate the model on
    #[arg(long, default_value = Part::Test.name(), value_parser = part_parser())]
    split: Part,
    /// Print the confusion matrix as CSV on stdout, and text for people on stderr
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    csv: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    output: OutputArgs,
}

fn part_parser() -> impl TypedValueParser<Value = Part> {
    let names = PossibleValuesParser::new(Part::ALL.map(Part::name));
    names.map(|name| Part::from_name(&name).expect("a possible value"))
}

/// What `--json` prints.
#[derive(Serialize)]
struct Record<'a> {
    #[serde(serialize_with = "crate::files::path_text::path")]
    model: PathBuf,
    dataset: DataRecord,
    split: &'static str,
    #[serde(flatten)]
    metrics: Metrics,
    classes: Vec<ClassRecord>,
    /// `[K][K]`: rows are true classes; null of more than 256 classes.
    confusion: Option<Vec<&'a [u64]>>,
}

/// The data, with the images of the split that was opened, and null for the others.
#[derive(Serialize)]
struct DataRecord {
    name: &'static str,
    #[serde(serialize_with = "crate::files::path_text::optional")]
    path: Option<PathBuf>,
    train: Option<usize>,
    validation: Option<usize>,
    test: Option<usize>,
    classes: Vec<String>,
}

#[derive(Serialize)]
struct ClassRecord {
    name: String,
    images: u64,
    precision: f64,
    recall: f64,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let console = Console::new(OutputArgs { json: self.output.json || self.csv, ..self.output });
        let model = model_file::load(&self.model)?;
        let mut machine = self.engine.machine()?;
        let excerpt = machine.team.install(|| self.data.open_part(self.split, &model))??;
        let name = self.split.name();
        let samples = excerpt.split.samples();
        self.check(&model, excerpt.classes.len(), samples.features())?;

        let mut engine = evaluator(std::slice::from_ref(&model), samples.element(), &machine)?;
        let evaluation = evaluate(&mut *engine, &samples, &mut ())?.expect("nothing stops it").swap_remove(0);
        let top5 = top5(&mut *engine, std::slice::from_ref(&model), &samples)?[0];
        let metrics = Metrics { top5, ..Metrics::of_model(&evaluation, &model) };
        let names: Vec<String> = model.classes.iter().map(one_line).collect();
        let confusion = Confusion::new(&names, &evaluation.counts);

        console.excerpt(&excerpt)?;
        console.say(&used_again(&[(name, &excerpt.split)]))?;
        console.say(&machine.team.install(|| provenance::warnings(&model, &excerpt))?)?;
        console.say(&text::renamed(&model.classes, &excerpt.classes))?;
        console.say(&text::other_element(&model, samples.element()))?;
        console.say(&format!(
            "{} on the {name} split, {} images: loss {}, cost {}, accuracy {:.2} %{}\n\n{}\n{}",
            one_line(self.model.display()),
            count(samples.len()),
            fixed(metrics.loss, 4),
            fixed(metrics.cost, 4),
            100.0 * metrics.accuracy,
            top5.map(|top5| format!(", top-5 accuracy {:.2} %", 100.0 * top5)).unwrap_or_default(),
            text::table(&per_class(&[(name, confusion)])),
            matrix(&confusion)
        ))?;
        if self.csv {
            let many = || Error::setting("csv", "a model of at most 256 classes", model.classes.len());
            return super::console::print(&csv(&confusion).ok_or_else(many)?);
        }
        let class = |class: usize| ClassRecord {
            name: model.classes[class].clone(),
            images: confusion.images(class),
            precision: confusion.precision(class),
            recall: confusion.recall(class),
        };
        console.json(&Record {
            model: self.model.clone(),
            dataset: DataRecord::new(&excerpt),
            split: name,
            metrics,
            classes: (0..model.classes.len()).map(class).collect(),
            confusion: confusion.rows().map(Iterator::collect),
        })
    }

    /// Checks that the model is made for images like these.
    fn check(&self, model: &Model, classes: usize, features: usize) -> Result<()> {
        let shape = |features: usize, classes: usize| format!("{features} features and {classes} classes");
        let (expected, found) =
            (shape(features, classes), shape(model.parameters.features, model.parameters.classes));
        if expected == found {
            return Ok(());
        }
        Err(Error::format(&self.model, format!("a model of {expected}, as the data has"), found))
    }
}

/// The confusion matrix with names cut to the width of a column, where it fits into a terminal.
fn matrix(confusion: &Confusion) -> String {
    let Some(rows) = confusion.rows() else {
        return "A confusion matrix of so many classes is not counted.\n".into();
    };
    let rows: Vec<&[u64]> = rows.collect();
    let classes = confusion.classes();
    let wide = rows.concat().into_iter().max().unwrap_or(0).to_string().len().max(4);
    let header = classes.iter().map(|name| cut(name, wide).to_string());
    let mut table = Table::new([String::from("true")].into_iter().chain(header));
    for (name, counts) in classes.iter().zip(rows) {
        table.rows.push([name.clone()].into_iter().chain(counts.iter().map(u64::to_string)).collect());
    }
    let text = table.text();
    let room = text::width().unwrap_or(COLUMNS);
    match text.lines().all(|line| columns(line) <= room) {
        true => format!("confusion: images of each true class by the class predicted\n{text}"),
        false => {
            format!("The confusion matrix is wider than {room} columns: --csv or --json prints it.\n")
        }
    }
}

/// The confusion matrix as CSV: a line for each true class, with the images by predicted class.
fn csv(confusion: &Confusion) -> Option<String> {
    let names: Vec<String> = confusion.classes().iter().map(|name| text::csv_cell(name)).collect();
    let mut text = format!("true class,{}\n", names.join(","));
    for (name, counts) in names.iter().zip(confusion.rows()?) {
        let counts: Vec<String> = counts.iter().map(u64::to_string).collect();
        text += &format!("{name},{}\n", counts.join(","));
    }
    Some(text)
}

impl DataRecord {
    fn new(excerpt: &Excerpt) -> Self {
        let images = |part| (part == excerpt.part).then(|| excerpt.split.len());
        Self {
            name: excerpt.name,
            path: excerpt.path.clone(),
            train: images(Part::Train),
            validation: images(Part::Validation),
            test: images(Part::Test),
            classes: excerpt.classes.clone(),
        }
    }
}
