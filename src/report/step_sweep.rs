//! The V-curve of numerical gradients: their largest error against the step, as SVG, table and CSV.
//!
//! A precision has its colour, a formula its dash.

use super::axes::Scale;
use super::chart::{Chart, DASHED, Line};
use super::svg::{BLUE, VERMILION};
use super::table::Table;
use crate::gradient_check::{StepSweep, SweepRow};

const SIZE: (f64, f64) = (620.0, 460.0);
/// The room left of the data.
const LEFT: f64 = 84.0;

/// One curve: its name, its error in a row, its colour and its dash.
type Series = (&'static str, fn(&SweepRow) -> f64, &'static str, &'static str);

const SERIES: [Series; 4] = [
    ("f64, central", |row| row.central_f64, BLUE, ""),
    ("f64, forward", |row| row.forward_f64, BLUE, DASHED),
    ("f32, central", |row| row.central_f32, VERMILION, ""),
    ("f32, forward", |row| row.forward_f32, VERMILION, DASHED),
];

/// The figure, with a line at `threshold`, below which the lab report wants the error. An error of 0 has no
/// logarithm, and leaves a gap.
pub fn figure(sweep: &StepSweep, threshold: f64) -> String {
    let line = |(name, error, colour, dash): Series| {
        let point = |row: &SweepRow| (row.step.log10(), error(row).log10());
        Line { dash, ..Line::new(name, colour, sweep.rows.iter().map(point).collect()) }
    };
    let mut lines: Vec<Line> = SERIES.into_iter().map(line).collect();
    let limit = threshold.log10();
    let x = Scale::decades(sweep.rows.iter().map(|row| row.step.log10()), 6.0);
    let errors = lines.iter().flat_map(|line| &line.points).map(|point| point.1);
    let y = Scale::decades(errors.chain([limit]), 6.0);
    lines.push(Line::limit(format!("threshold {threshold:e}"), x, limit));
    let (x_name, y_name) = ("step h (units of the parameter)", "largest error (gradient's units)");
    Chart { x_name, y_name, ..Chart::filling(SIZE, LEFT, [x, y], lines) }.picture(
        "Largest error of numerical gradients against the step, in f64 and f32; dotted: the threshold",
    )
}

/// The sweep as a table.
pub fn table(sweep: &StepSweep) -> Table {
    let row = |row: &SweepRow| {
        let errors = SERIES.map(|(_, error, ..)| error(row));
        [row.step].into_iter().chain(errors).map(|value| format!("{value:.1e}")).collect()
    };
    let header = ["step h"].into_iter().chain(SERIES.map(|series| series.0));
    Table { rows: sweep.rows.iter().map(row).collect(), ..Table::new(header) }
}

/// The sweep as CSV.
pub fn csv(sweep: &StepSweep) -> String {
    let row = |row: &SweepRow| {
        let SweepRow { step, central_f64, forward_f64, central_f32, forward_f32 } = row;
        [step, central_f64, forward_f64, central_f32, forward_f32].map(|value| format!("{value:e}")).into()
    };
    let header = ["step", "central_f64", "forward_f64", "central_f32", "forward_f32"];
    Table { rows: sweep.rows.iter().map(row).collect(), ..Table::new(header) }.csv()
}
