//! The page of the course's optional part: every improvement in one table.

use askama::Template;
use serde::Serialize;

use super::number::{count, fixed};
use super::{Table, Templates, TrueClassProbabilities};
use crate::data::synthetic;
use crate::error::Result;
use crate::files::RunFolder;
use crate::train::record::DatasetRecord;

/// An improvement, and what it reached.
#[derive(Clone, Debug, Serialize)]
pub struct Improvement {
    /// What the course calls it.
    pub name: String,
    /// Its settings, where they are not the defaults.
    pub settings: String,
    /// The test accuracy of each seed.
    pub accuracy: Vec<f64>,
    /// The mean test loss.
    pub loss: f64,
    /// The seconds of training one model, on one thread.
    pub seconds: f64,
    /// The best figure that students have published, in percent.
    pub published: Option<f64>,
}

impl Improvement {
    /// The mean test accuracy.
    pub fn mean(&self) -> f64 {
        self.accuracy.iter().sum::<f64>() / self.accuracy.len() as f64
    }

    /// The standard error of the mean, over the seeds; none of a single one.
    pub fn standard_error(&self) -> Option<f64> {
        let (mean, count) = (self.mean(), self.accuracy.len() as f64);
        let squares: f64 = self.accuracy.iter().map(|accuracy| (accuracy - mean).powi(2)).sum();
        (count > 1.0).then(|| (squares / (count - 1.0) / count).sqrt())
    }
}

/// What the page is made from.
pub struct Contents<'a> {
    /// The improvements, in the order of the table.
    pub rows: &'a [Improvement],
    /// Seeds of each.
    pub seeds: u64,
    /// The data.
    pub dataset: &'a DatasetRecord,
    /// The machine: processor and cores.
    pub machine: &'a str,
    /// The command that makes it again.
    pub command: &'a str,
    /// The probabilities of the true class, by softmax and by sigmoids.
    pub histograms: &'a [Option<TrueClassProbabilities>; 2],
    /// The learnt weights of the best model, where they are pictures.
    pub templates: Option<Templates>,
}

/// The improvements, for people.
pub fn table(rows: &[Improvement]) -> Table {
    let percent = |value: f64| fixed(100.0 * value, 2);
    let row = |row: &Improvement| {
        vec![
            row.name.clone(),
            percent(row.mean()),
            row.standard_error().map_or("–".into(), percent),
            row.published.map_or("–".into(), |published| fixed(published, 1)),
            fixed(row.loss, 4),
            fixed(row.seconds, 2),
        ]
    };
    let header = ["improvement", "test %", "± s.e.", "published", "loss", "seconds"];
    Table { rows: rows.iter().map(row).collect(), ..Table::new(header) }
}

#[derive(Template)]
#[template(path = "bonus.html")]
struct Html<'a> {
    title: &'static str,
    lead: String,
    synthetic: bool,
    note: String,
    table: Table,
    settings: Table,
    histograms: Vec<(&'static str, String)>,
    templates: Option<String>,
    machine: &'a str,
    command: &'a str,
    version: &'static str,
}

/// Writes `report.html`, `report.md`, `bonus.csv` and the figures into `folder`.
///
/// # Errors
/// A file that cannot be written.
pub fn write(folder: &RunFolder, contents: &Contents) -> Result<()> {
    let Contents { rows, seeds, dataset, machine, command, histograms, templates } = contents;
    let is_synthetic = dataset.name == synthetic::NAME;
    let [train, test] = [dataset.train, dataset.test].map(|images| count(images as u64));
    let what =
        if is_synthetic { "built-in synthetic images, which say nothing about CIFAR" } else { &dataset.name };
    let lead = format!(
        "One-layer networks on {what}: {train} images train, {test} test; {seeds} seeds of each row."
    );
    let error = 100.0 * (0.24 / dataset.test as f64).sqrt();
    let note = format!(
        "The mean over the seeds of the accuracy on the test images, and its standard error over the seeds. That of the test \
         images themselves is {error:.2} points. \"published\" are the best figures of students' reports, on the official \
         images and with other setups. Seconds are of training one model on one thread."
    );
    let mut settings = Table::new(["improvement", "settings that are not the defaults"]);
    settings.rows = rows.iter().map(|row| vec![row.name.clone(), row.settings.clone()]).collect();
    let names = ["softmax", "K sigmoids"];
    let files = ["probabilities.svg", "probabilities_sigmoid.svg"];
    let mut figures = Vec::new();
    for ((name, file), counts) in names.into_iter().zip(files).zip(histograms.iter()) {
        if let Some(counts) = counts {
            let svg = counts.svg();
            folder.write(file, &svg)?;
            figures.push((name, svg));
        }
    }
    let templates = templates.as_ref().map(|templates| templates.svg(&dataset.classes));
    if let Some(svg) = &templates {
        folder.write("templates.svg", svg)?;
    }
    let table = table(rows);
    folder.write("bonus.csv", table.csv())?;
    let markdown = format!(
        "# The course's optional part\n\n{lead}\n\n{}\n{note}\n\n{}\nMachine: {machine}. The command that makes it again:\n\n    {command}\n",
        table.markdown(),
        settings.markdown(),
    );
    folder.write("report.md", markdown)?;
    let page = Html {
        title: "The course's optional part",
        lead,
        synthetic: is_synthetic,
        note,
        table,
        settings,
        histograms: figures,
        templates,
        machine,
        command,
        version: env!("CARGO_PKG_VERSION"),
    };
    folder.write("report.html", page.render().expect("a String takes all"))
}
