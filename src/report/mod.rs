//! The report of training runs: tables, figures and the page, one file for each.
//!
//! [`write()`] makes `report.html`, `report.md` and the figures beside them: [`curves`] and [`templates`], the lab
//! report's figures; [`table`], its Table 1; [`findings()`], its conclusions, tested; and single classes and answers
//! ([`confusion`], [`TrueClassProbabilities`]). [`history_csv()`] is for spreadsheets, [`sparkline()`] for terminals.
//! `step_sweep` draws the errors of the gradient check against its step, `roofline` a benchmark's roofline,
//! [`panels`] how its results change with each size.
//!
//! The report knows nothing of engines: it is given records, parameters and counts.

mod axes;
mod bitmap;
pub mod bonus;
mod chart;
pub mod confusion;
mod contents;
pub mod curves;
mod figures;
mod findings;
mod history_csv;
mod number;
mod page;
pub mod panels;
mod probabilities;
pub(crate) mod roofline;
mod sparkline;
pub(crate) mod step_sweep;
mod svg;
mod sweep;
pub mod table;
pub mod templates;
mod terminal;
mod together;

use askama::Template;

use crate::error::Result;
use crate::files::RunFolder;
use figures::Figures;
use page::Page;
use together::Strand;

pub use confusion::{Confusion, per_class};
pub use contents::{Contents, RunDetails};
pub use findings::{Finding, Verdict, findings};
pub use history_csv::history_csv;
pub use number::count;
pub(crate) use number::list;
pub use probabilities::TrueClassProbabilities;
pub use sparkline::sparkline;
pub use sweep::{SweepContents, write_sweep, write_sweep_csv};
pub use table::{Table, table_1};
pub use templates::Templates;
pub use terminal::Ink;

/// `report.html`: one page that needs nothing else, for screens of any width and for paper.
#[derive(Template)]
#[template(path = "report.html")]
struct Html<'a> {
    page: &'a Page<'a>,
}

/// `report.md`: the page as Markdown, its figures beside it.
#[derive(Template)]
#[template(path = "report.md")]
struct Markdown<'a> {
    page: &'a Page<'a>,
}

/// Writes `report.html` and `report.md` into `folder`, and each run's figures into its own folder within.
///
/// # Errors
/// A file that cannot be written.
///
/// # Panics
/// If there is no run.
pub fn write(folder: &RunFolder, contents: &Contents) -> Result<()> {
    let figures: Vec<Figures> = contents.runs.iter().map(Figures::draw).collect();
    let together = (contents.runs.len() > 1).then(|| together(contents.runs));
    if let Some(together) = &together {
        folder.write("curves.svg", together)?;
    }
    let page = Page::new(contents, together.as_deref(), &figures);
    contents.runs.iter().zip(&figures).try_for_each(|(run, figures)| figures.write(folder, run.folder))?;
    folder.write("report.md", Markdown { page: &page }.render().expect("a String takes all"))?;
    folder.write("report.html", Html { page: &page }.render().expect("a String takes all"))
}

/// The curves of all runs in one figure.
fn together(runs: &[RunDetails]) -> String {
    let strands: Vec<Strand> = runs
        .iter()
        .map(|run| Strand { name: table::run_name(run.record).into(), history: &run.record.history })
        .collect();
    together::figure(&strands, &[], "Validation loss and accuracy of all runs over the epochs")
}
