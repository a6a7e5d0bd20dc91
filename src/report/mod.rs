//! The report: what a run folder holds, one exporter per file.
//!
//! [`history_csv()`] is for spreadsheets. [`curves`] and
//! [`templates`] are the lab report's figures, [`table`] its Table 1, [`findings()`] its conclusions put to
//! the test; [`confusion`] and [`TrueClassProbabilities`] look at single classes and answers. [`write()`]
//! makes of all of them `report.html`, `report.md` and the figures beside them. [`sparkline()`] is for
//! terminals. [`step_sweep`] is the gradient check's V-curve, [`roofline`] the benchmark's picture, [`panels`] that
//! of how its figures change with each size.
//!
//! It knows nothing of engines: it gets records, parameters and counts.

mod axes;
mod bitmap;
mod chart;
pub mod confusion;
mod contents;
pub mod curves;
mod figures;
mod findings;
mod history_csv;
mod html;
mod markdown;
mod number;
mod page;
pub mod panels;
mod probabilities;
pub mod roofline;
mod sparkline;
pub mod step_sweep;
mod svg;
pub mod table;
pub mod templates;
mod terminal;

use crate::error::Result;
use crate::files::RunFolder;
use figures::Figures;
use page::Page;

pub use confusion::{Confusion, per_class};
pub use contents::{Contents, RunDetails};
pub use findings::{Finding, Verdict, findings};
pub use history_csv::history_csv;
pub use number::count;
pub use probabilities::TrueClassProbabilities;
pub use sparkline::sparkline;
pub use table::{Table, table_1};
pub use templates::Templates;
pub use terminal::Ink;

/// Writes `report.html` and `report.md` into `folder`, and each run's figures into its own folder within.
///
/// # Errors
/// A file that cannot be written.
///
/// # Panics
/// If there is no run.
pub fn write(folder: &RunFolder, contents: &Contents) -> Result<()> {
    let figures: Vec<Figures> = contents.runs.iter().map(Figures::draw).collect();
    let page = Page::new(contents, &figures);
    contents.runs.iter().zip(&figures).try_for_each(|(run, figures)| figures.write(folder, run.folder))?;
    folder.write("report.md", markdown::markdown(&page))?;
    folder.write("report.html", html::html(&page))
}
