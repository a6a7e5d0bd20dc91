//! The report of a sweep: one page with a map of what each setting reaches, the curves of the best runs, and all runs in a
//! table; the same as Markdown, with its figures beside it; and the table as CSV.

mod contents;
mod csv;
mod map;
mod page;

use askama::Template;

use super::together::{self, Strand};
use crate::error::Result;
use crate::files::RunFolder;
use crate::sweep::record::{Row, varied};
use crate::sweep::{Ending, Outcome};
use contents::{Figures, axes};
use map::Quantity;
use page::Page;

pub use contents::SweepContents;

/// The runs whose curves have colours.
const BEST: usize = 5;
/// The other runs whose curves are drawn.
const OTHERS: usize = 300;

/// `report.html`: one page that needs nothing else, for screens of any width and for paper.
#[derive(Template)]
#[template(path = "sweep/page.html")]
struct Html<'a> {
    page: &'a Page<'a>,
}

/// `report.md`: the page as Markdown, its figures beside it.
#[derive(Template)]
#[template(path = "sweep/page.md")]
struct Markdown<'a> {
    page: &'a Page<'a>,
}

/// Writes the table of the runs as `sweep.csv` into `folder`.
///
/// # Errors
/// A file that cannot be written.
pub fn write_sweep_csv(folder: &RunFolder, outcomes: &[&Outcome]) -> Result<()> {
    folder.write("sweep.csv", csv::csv(outcomes))
}

/// Writes `report.html`, `report.md` and the figures into `folder`.
///
/// # Errors
/// A file that cannot be written.
pub fn write_sweep(folder: &RunFolder, contents: &SweepContents) -> Result<()> {
    let rows = &contents.record.runs;
    let varied = varied(rows.iter().map(|row| &row.config));
    let figures = Figures { maps: maps(rows, &axes(&varied)), curves: curves(contents, &varied) };
    if let Some([accuracy, loss]) = &figures.maps {
        folder.write("validation_accuracy.svg", accuracy)?;
        folder.write("validation_loss.svg", loss)?;
    }
    if let Some(curves) = &figures.curves {
        folder.write("curves.svg", curves)?;
    }
    let page = Page::new(contents, &varied, &figures);
    folder.write("report.md", Markdown { page: &page }.render().expect("a String takes all"))?;
    folder.write("report.html", Html { page: &page }.render().expect("a String takes all"))
}

fn maps(rows: &[Row], axes: &[&str]) -> Option<[String; 2]> {
    let (x, y) = (axes.first()?, axes.get(1).copied());
    Some([Quantity::Accuracy, Quantity::Loss].map(|quantity| map::figure(rows, x, y, quantity)))
}

/// The curves of the best runs in colours, above those of others, and the rungs.
fn curves(contents: &SweepContents, varied: &[&str]) -> Option<String> {
    let SweepContents { record, outcomes, .. } = *contents;
    let seen = outcomes.iter().filter(|outcome| !outcome.history.is_empty());
    let strand = |(index, outcome): (usize, &&'_ Outcome)| {
        let best = index < BEST && outcome.status != Ending::Diverged;
        let name = if best { described(outcome, varied) } else { String::new() };
        (name, index)
    };
    let names: Vec<(String, usize)> = seen.clone().take(BEST + OTHERS).enumerate().map(strand).collect();
    let strands: Vec<Strand> = names
        .into_iter()
        .zip(seen)
        .map(|((name, _), outcome)| Strand { name, history: &outcome.history })
        .collect();
    let rungs: Vec<usize> = record.rungs.iter().map(|rung| rung.epoch).collect();
    let label = "Validation loss and accuracy of the best runs over the epochs, in colours, and of the others, in grey";
    (!strands.is_empty()).then(|| together::figure(&strands, &rungs, label))
}

/// A run, by the settings in which it differs from others.
fn described(outcome: &Outcome, varied: &[&str]) -> String {
    let value = |name: &&str| format!("{} {}", name.replace('_', " "), outcome.config.get(name));
    match varied {
        [] => outcome.id.clone(),
        _ => varied.iter().map(value).collect::<Vec<_>>().join(", "),
    }
}
