//! The V-curve of numerical gradients: their largest error against the step, as SVG, table and CSV.
//!
//! A precision has its colour, a formula its dash. The legend stands above the data, never on it.

use std::fmt::Write;

use super::axes::{Axes, Scale};
use super::svg::{Anchor, BLUE, INK, Svg, TEXT, VERMILION};
use super::table::Table;
use crate::gradient_check::{StepSweep, SweepRow};

const WIDTH: f64 = 620.0;
const HEIGHT: f64 = 460.0;
/// The room left of the data, above it, right of it, and below it.
const LEFT: f64 = 84.0;
const TOP: f64 = 92.0;
const RIGHT: f64 = 16.0;
const BOTTOM: f64 = 58.0;

/// One curve.
struct Series {
    name: &'static str,
    error: fn(&SweepRow) -> f64,
    colour: &'static str,
    dashed: bool,
}

const SERIES: [Series; 4] = [
    Series { name: "f64, central", error: |row| row.central_f64, colour: BLUE, dashed: false },
    Series { name: "f64, forward", error: |row| row.forward_f64, colour: BLUE, dashed: true },
    Series { name: "f32, central", error: |row| row.central_f32, colour: VERMILION, dashed: false },
    Series { name: "f32, forward", error: |row| row.forward_f32, colour: VERMILION, dashed: true },
];

impl Series {
    fn style(&self) -> String {
        let dash = if self.dashed { " stroke-dasharray=\"8 5\"" } else { "" };
        format!(
            " fill=\"none\" stroke=\"{}\" stroke-width=\"2.2\" stroke-linejoin=\"round\"{dash}",
            self.colour
        )
    }

    /// Decimal logarithms of step and error. An error of 0 has none, and is left out.
    fn points(&self, rows: &[SweepRow]) -> Vec<(f64, f64)> {
        let point = |row: &SweepRow| (row.step.log10(), (self.error)(row).log10());
        rows.iter().map(point).filter(|point| point.1.is_finite()).collect()
    }
}

/// The figure, with a line at `threshold`, below which the lab report wants the error.
pub fn figure(sweep: &StepSweep, threshold: f64) -> String {
    let curves = SERIES.map(|series| series.points(&sweep.rows));
    let limit = threshold.log10();
    let axes = Axes {
        x: Scale::decades(sweep.rows.iter().map(|row| row.step.log10()), 6.0),
        y: Scale::decades(curves.iter().flatten().map(|point| point.1).chain([limit]), 6.0),
        corner: (LEFT, TOP),
        size: (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM),
    };
    let mut svg = Svg::new(WIDTH, HEIGHT);
    axes.draw(&mut svg, "step h (units of the parameter)", "largest error (gradient's units)");
    let (left, right) = (axes.place((axes.x.low, limit)), axes.place((axes.x.high, limit)));
    let dots = format!(" stroke=\"{INK}\" stroke-width=\"1.3\" stroke-dasharray=\"2 4\"");
    svg.line(left, right, &dots);
    legend_entry(&mut svg, SERIES.len(), &format!("threshold {threshold:e}"), &dots);
    for (position, (series, points)) in SERIES.iter().zip(&curves).enumerate() {
        legend_entry(&mut svg, position, series.name, &series.style());
        let mut path = String::new();
        for (index, &point) in points.iter().enumerate() {
            let (x, y) = axes.place(point);
            write!(path, "{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' }).expect("a String takes all");
        }
        svg.shape(format_args!("<path d=\"{path}\"{}/>", series.style()));
    }
    svg.finish("Largest error of numerical gradients against the step, in f64 and f32; dotted: the threshold")
}

/// An entry of the legend, which has two columns.
fn legend_entry(svg: &mut Svg, position: usize, name: &str, style: &str) {
    let x = LEFT + (position % 2) as f64 * 0.5 * (WIDTH - LEFT - RIGHT);
    let y = 18.0 + (position / 2) as f64 * 26.0;
    svg.line((x, y), (x + 42.0, y), style);
    svg.text((x + 50.0, y + 0.35 * TEXT), Anchor::Start, name);
}

/// The sweep as a table.
pub fn table(sweep: &StepSweep) -> Table {
    let mut table = Table::new(["step h"].into_iter().chain(SERIES.iter().map(|series| series.name)));
    for row in &sweep.rows {
        let errors = SERIES.iter().map(|series| format!("{:.1e}", (series.error)(row)));
        table.rows.push([format!("{:.1e}", row.step)].into_iter().chain(errors).collect());
    }
    table
}

/// The sweep as CSV.
pub fn csv(sweep: &StepSweep) -> String {
    let mut text = String::from("step,central_f64,forward_f64,central_f32,forward_f32\n");
    for SweepRow { step, central_f64, forward_f64, central_f32, forward_f32 } in &sweep.rows {
        writeln!(text, "{step:e},{central_f64:e},{forward_f64:e},{central_f32:e},{forward_f32:e}")
            .expect("a String takes all");
    }
    text
}
