//! `onelayer predict`: what a saved model sees in pictures.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::args::EngineArgs;
use super::console::{self, Console, OutputArgs};
use super::model_file;
use crate::data::layout::SIDE;
use crate::data::{Format, Labels};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::files::whole::folder_of;
use crate::model::{Model, Parameters};
use crate::picture::Picture;
use crate::samples::Rows;
use crate::train::evaluator;

/// The characters of a bar that stands for certainty.
const BAR: usize = 40;
/// What a file in a folder of pictures is called.
const EXTENSIONS: [&str; 3] = ["png", "jpg", "jpeg"];

/// Examples after the help of the verb.
const EXAMPLES: &str = "\
Examples:
  onelayer predict runs/first cat.jpg photos/
  onelayer predict runs/first data/cifar-10-batches-bin/test_batch.bin:0-9 --top 1";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model file, or a run folder that holds one
    model: PathBuf,
    /// PNG or JPEG files, folders of them, or images of a data file by their numbers, counted from 0: FILE:7 or
    /// FILE:0-9
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
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// An image to classify, and what is known of it.
struct Image {
    name: String,
    /// What was done to make a CIFAR image of it.
    remark: String,
    truth: Option<usize>,
    features: Vec<u8>,
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
    probability: f64,
}

/// A line of `--json` for a picture that could not be read.
#[derive(Serialize)]
struct Failure {
    picture: String,
    error: String,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let console = Console::new(self.output);
        let model = model_file::load(&self.model)?;
        if self.top == 0 {
            return Err(Error::setting("top", "at least 1", self.top));
        }
        let mut engine = evaluator(std::slice::from_ref(&model), &self.engine.machine()?)?;

        let (mut seen, mut failed) = (0, 0);
        for picture in &self.pictures {
            images(picture, &model.parameters, |path, image| {
                seen += 1;
                match image {
                    Ok(image) => {
                        self.check(&model, &image)?;
                        self.classify(&image, &model, &mut *engine, console)
                    }
                    Err(error) => {
                        failed += 1;
                        self.report(path, &error)
                    }
                }
            })?;
        }
        if failed > 0 { Err(Error::Pictures { failed, seen }) } else { Ok(()) }
    }

    /// Checks that the model is made for images like this one.
    fn check(&self, model: &Model, image: &Image) -> Result<()> {
        let (features, found) = (image.features.len(), model.parameters.features);
        if features == found {
            return Ok(());
        }
        let expected = format!("a model of {features} features, as {} has", image.name);
        Err(Error::format(&self.model, expected, found))
    }

    /// Prints what the model sees in one image.
    fn classify(
        &self,
        image: &Image,
        model: &Model,
        engine: &mut dyn Engine,
        console: Console,
    ) -> Result<()> {
        let mut logits = vec![0.0; model.classes.len()];
        engine.forward(&Rows::contiguous(&image.features, image.features.len()), &mut logits)?;
        let mut ranking: Vec<(usize, f64)> =
            model.objective.probabilities(&logits).into_iter().enumerate().collect();
        ranking.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranking.truncate(self.top);
        let name = |class: usize| model.classes[class].as_str();
        if self.output.json {
            let top = ranking
                .iter()
                .map(|&(class, probability)| ClassProbability { class: name(class), probability });
            let record = Record { picture: &image.name, truth: image.truth.map(name), top: top.collect() };
            return print_line(&record);
        }
        let remark = if self.output.quiet { "" } else { &image.remark };
        let truth = image.truth.map(|class| format!(", labelled {}", name(class))).unwrap_or_default();
        let width = model.classes.iter().map(|class| class.chars().count()).max().unwrap_or(0);
        let mut text = format!("{}{truth}{remark}\n", image.name);
        for (class, probability) in ranking {
            let line =
                format!("  {:<width$} {:>6.2} %  {}", name(class), 100.0 * probability, bar(probability));
            text += &format!("{}\n", line.trim_end());
        }
        console.say(&text)
    }

    /// Tells of a picture that could not be read.
    fn report(&self, path: &Path, error: &Error) -> Result<()> {
        console::complain(&error.to_string());
        if !self.output.json {
            return Ok(());
        }
        print_line(&Failure { picture: path.display().to_string(), error: error.to_string() })
    }
}

/// Calls `see` with each image that `argument` names: a picture, the pictures of a folder, or records of a
/// file.
fn images(
    argument: &Path,
    model: &Parameters,
    mut see: impl FnMut(&Path, Result<Image>) -> Result<()>,
) -> Result<()> {
    if argument.is_dir() {
        return match pictures_in(argument) {
            Ok(pictures) => pictures.iter().try_for_each(|path| see(path, picture(path))),
            Err(error) => see(argument, Err(error)),
        };
    }
    match numbered(argument) {
        Some((file, first, last)) => match records(file, first, last, model) {
            Ok(images) => images.into_iter().try_for_each(|image| see(file, Ok(image))),
            Err(error) => see(argument, Err(error)),
        },
        None => see(argument, picture(argument)),
    }
}

fn picture(path: &Path) -> Result<Image> {
    let Picture { width, height, features } = Picture::read(path)?;
    let square = if width == height { "averaged" } else { "its centre square averaged" };
    let remark = match (width, height) {
        (SIDE, SIDE) => String::new(),
        _ => format!(" ({width} x {height}, {square} to {SIDE} x {SIDE})"),
    };
    Ok(Image { name: path.display().to_string(), remark, truth: None, features })
}

/// The pictures in a folder, by name.
fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_picture = |path: &PathBuf| {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        EXTENSIONS.contains(&extension.as_str())
    };
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let entries = entries.map_err(Error::io(folder, "read the folder"))?;
    let mut pictures: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).filter(is_picture).collect();
    if pictures.is_empty() {
        let expected = "a folder with .png, .jpg or .jpeg files";
        return Err(Error::format(folder, expected, "none of them"));
    }
    pictures.sort();
    Ok(pictures)
}

/// The file and the first and last number of `FILE:N` or `FILE:N-M`; none for any other path, or a file of
/// that very name.
fn numbered(argument: &Path) -> Option<(&Path, usize, usize)> {
    let (file, numbers) = argument.to_str().filter(|_| !argument.exists())?.rsplit_once(':')?;
    let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
    Some((Path::new(file), first.parse().ok()?, last.parse().ok()?))
}

/// Records `first` to `last` of a file of a data set, in the format of its folder. Of CIFAR-100's labels
/// those count of which there are as many as the model has classes.
fn records(path: &Path, first: usize, last: usize, model: &Parameters) -> Result<Vec<Image>> {
    let (folder, classes) = (folder_of(path), model.classes);
    let format =
        if folder.is_dir() { Format::of_folder(folder)?.unwrap_or_default() } else { Format::default() };
    let labels = Labels::ALL.into_iter().find(|labels| labels.classes() == classes).unwrap_or_default();
    let records = format.open(path, labels)?;
    if let Some(names) = format.class_names(folder, labels)?.filter(|names| names.len() != classes) {
        let expected = format!("images of {classes} classes, as the model has");
        return Err(Error::format(path, expected, names.len()));
    }
    records.check_labels(classes)?;
    if first > last || last >= records.len() {
        let expected = format!("record numbers from 0 to {}", records.len() - 1);
        return Err(Error::format(path, expected, format_args!("{first} to {last}")));
    }
    let image = |record: usize| Image {
        name: format!("{}:{record}", path.display()),
        remark: String::new(),
        truth: Some(records.labels().row(record)[0].into()),
        features: records.images().row(record).to_vec(),
    };
    Ok((first..=last).map(image).collect())
}

/// A bar in eighths of a character.
fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share * (8 * BAR) as f64).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

fn print_line(record: &impl Serialize) -> Result<()> {
    let line = serde_json::to_string(record).expect("records have string keys");
    console::print(&(line + "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_named_by_number_and_range() {
        let parts = |argument: &'static str| numbered(Path::new(argument));
        assert_eq!(parts("a.bin:7"), Some((Path::new("a.bin"), 7, 7)));
        assert_eq!(parts("C:/a.bin:0-9"), Some((Path::new("C:/a.bin"), 0, 9)));
        assert_eq!([parts("a.bin"), parts("a.bin:x"), parts("a.bin:1-")], [None; 3]);
    }

    #[test]
    fn bars_grow_by_eighths() {
        assert_eq!([bar(0.0), bar(1.0 / 320.0), bar(0.05), bar(0.06)], ["", "▏", "██", "██▍"]);
        assert_eq!(bar(1.0), "█".repeat(BAR));
    }
}
