//! Tables, as aligned text for a terminal, as Markdown and as CSV; and Table 1, next to the lab report's own.

use super::number::{fixed, signed};
use crate::data::{layout, synthetic};
use crate::train::{Run, RunRecord, Settings};

/// A table of text. The first column is aligned to the left, numbers to the right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The names of the columns.
    pub header: Vec<String>,
    /// The rows, each as long as the header.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Self {
        Self { header: header.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// For a terminal: columns two spaces apart, a line below the header.
    pub fn text(&self) -> String {
        let widths = self.widths();
        let line = |cells: &[String]| self.pad(cells, &widths).join("  ").trim_end().to_string() + "\n";
        let rule = "─".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1));
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}{rule}\n{rows}", line(&self.header))
    }

    /// For a terminal of `width` columns: as [`Table::text`] where that fits, else each row as a list of its cells.
    pub fn text_within(&self, width: usize) -> String {
        let widths = self.widths();
        if widths.iter().sum::<usize>() + 2 * (widths.len() - 1) <= width {
            return self.text();
        }
        let name = self.header.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let cell = |(header, cell): (&String, &String)| format!("  {header:<name$}  {cell}\n");
        let row = |row: &Vec<String>| {
            let cells: String = self.header.iter().zip(row).skip(1).map(cell).collect();
            format!("{}\n{cells}", row[0])
        };
        self.rows.iter().map(row).collect()
    }

    /// As Markdown, aligned in the source too.
    pub fn markdown(&self) -> String {
        // A bar in a cell is marked as being none of the table's.
        let plain = |row: &Vec<String>| row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let escaped = Self { header: plain(&self.header), rows: self.rows.iter().map(plain).collect() };
        let widths = escaped.widths();
        let line = |cells: &[String]| format!("| {} |\n", self.pad(cells, &widths).join(" | "));
        let rule = |(column, &width): (usize, &usize)| match column {
            0 => format!(":{}|", "-".repeat(width + 1)),
            _ => format!("{}:|", "-".repeat(width + 1)),
        };
        let rules: String = widths.iter().enumerate().map(rule).collect();
        let rows: String = escaped.rows.iter().map(|row| line(row)).collect();
        format!("{}|{rules}\n{rows}", line(&escaped.header))
    }

    /// As CSV: fields in quotes where they must be.
    pub fn csv(&self) -> String {
        let field = |cell: &String| match cell.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.clone(),
        };
        let line = |row: &Vec<String>| row.iter().map(field).collect::<Vec<_>>().join(",") + "\n";
        [&self.header].into_iter().chain(&self.rows).map(line).collect()
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&self.header]).map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        (0..self.header.len()).map(width).collect()
    }

    fn pad(&self, cells: &[String], widths: &[usize]) -> Vec<String> {
        let pad = |(column, (cell, &width)): (usize, (&String, &usize))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        };
        cells.iter().zip(widths).enumerate().map(pad).collect()
    }
}

/// A table of names and values.
pub(super) fn pairs<S: Into<String>>(
    header: [&str; 2],
    rows: impl IntoIterator<Item = (S, String)>,
) -> Table {
    let rows = rows.into_iter().map(|(name, value)| vec![name.into(), value]).collect();
    Table { rows, ..Table::new(header) }
}

/// A row of the lab report's Table 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabResult {
    /// Its number: `test1` is 1.
    pub test: usize,
    /// The accuracy on the test set.
    pub accuracy: f64,
    /// The cost on the test set; the report's column says "loss".
    pub cost: f64,
}

impl LabResult {
    /// What the lab report has for the settings of this run, if anything. It speaks of CIFAR-10, which
    /// synthetic images stand in for.
    pub fn of(run: &RunRecord) -> Option<Self> {
        let RunRecord { config, dataset, earlier, from, .. } = run;
        // The report's runs had one setting of each kind, and began with random weights.
        if !earlier.is_empty() || from.is_some() || ![layout::NAME, synthetic::NAME].contains(&&*dataset.name)
        {
            return None;
        }
        let results = [(0.3029, 6.4767), (0.3975, 1.7548), (0.3969, 1.8668), (0.3791, 1.9292)];
        let as_here = |lab: &Settings| {
            let Settings { shuffle, seed, evaluate_every, .. } = *config;
            Settings { shuffle, seed, evaluate_every, ..lab.clone() }
        };
        let index = Run::lab().iter().position(|lab| as_here(&lab.settings) == *config)?;
        let (accuracy, cost) = results[index];
        Some(Self { test: index + 1, accuracy, cost })
    }
}

/// Table 1: what each run reaches on the test split, next to what the lab report has for the same settings.
pub fn table_1(runs: &[&RunRecord]) -> Table {
    let row = |run: &&RunRecord| {
        let lab = LabResult::of(run);
        let beside = |value: f64, lab: Option<f64>| match lab {
            Some(lab) => [fixed(value, 4), fixed(lab, 4), signed(value - lab, 4)],
            None => [fixed(value, 4), "–".into(), "–".into()],
        };
        let mut row =
            vec![run_name(run).to_string(), run.config.lambda.to_string(), run.config.eta.to_string()];
        row.extend(beside(run.test.accuracy, lab.map(|lab| lab.accuracy)));
        row.push(fixed(run.test.loss, 4));
        row.extend(beside(run.test.cost, lab.map(|lab| lab.cost)));
        row
    };
    let header = ["run", "lambda", "eta", "accuracy", "report", "diff.", "loss", "cost", "report", "diff."];
    Table { rows: runs.iter().map(row).collect(), ..Table::new(header) }
}

/// The run's own name, where it is one of several.
pub(super) fn run_name(run: &RunRecord) -> &str {
    run.name.as_deref().unwrap_or("run")
}
