//! Loss and accuracy curves as SVG: training and validation over the epochs.
//!
//! A split has its colour and its dash, a quantity its width and markers, so that the lines stay apart for
//! colour-blind people and in grey print. The legend stands above the data, never on it.

use std::fmt::Write;

use super::axes::{Axes, Scale};
use super::svg::{Anchor, BLUE, Svg, TEXT, VERMILION};
use crate::train::{EpochRecord, Metrics, RunRecord};

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 350.0;
/// The room left of the data, right of it, and below it.
const LEFT: f64 = 74.0;
const RIGHT: f64 = 16.0;
const BOTTOM: f64 = 58.0;
/// The height of a line of the legend.
const LEGEND: f64 = 26.0;
/// Up to this many points, each has a marker on every line.
const FEW: usize = 12;

/// One line of a figure.
struct Series {
    name: &'static str,
    split: fn(&EpochRecord) -> &Metrics,
    value: fn(&Metrics) -> f64,
    colour: &'static str,
    dashed: bool,
    /// Drawn thin, with markers: the cost beside the loss.
    thin: bool,
}

impl Series {
    fn train(name: &'static str, value: fn(&Metrics) -> f64) -> Self {
        Self { name, split: |record| &record.train, value, colour: BLUE, dashed: false, thin: false }
    }

    fn validation(name: &'static str, value: fn(&Metrics) -> f64) -> Self {
        Self { name, split: |record| &record.validation, value, colour: VERMILION, dashed: true, thin: false }
    }

    fn thin(self) -> Self {
        Self { thin: true, ..self }
    }

    /// The points of this line: epoch and value.
    fn points(&self, history: &[EpochRecord]) -> Vec<(f64, f64)> {
        history.iter().map(|record| (record.epoch as f64, (self.value)((self.split)(record)))).collect()
    }

    fn style(&self) -> String {
        let width = if self.thin { 1.3 } else { 2.6 };
        let dash = if self.dashed { " stroke-dasharray=\"8 5\"" } else { "" };
        let colour = self.colour;
        format!(" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{dash}")
    }

    /// Markers are filled like the line where it is wide, and open where it is thin.
    fn marker(&self) -> String {
        let fill = if self.thin { "#fff" } else { self.colour };
        format!(" fill=\"{fill}\" stroke=\"{}\" stroke-width=\"1.3\"", self.colour)
    }
}

/// The loss curve of a run in nats; with the cost beside it where a penalty makes the two differ.
pub fn loss_curve(run: &RunRecord) -> String {
    let loss = |metrics: &Metrics| metrics.loss;
    let cost = |metrics: &Metrics| metrics.cost;
    let mut series = vec![Series::train("training loss", loss), Series::validation("validation loss", loss)];
    let mut axis = "loss (nats)";
    if run.config.lambda > 0.0 {
        series.push(Series::train("training cost", cost).thin());
        series.push(Series::validation("validation cost", cost).thin());
        axis = "loss, cost (nats)";
    }
    figure(&run.history, &series, axis, "Loss curve: training and validation over the epochs")
}

/// The accuracy curve of a run in percent.
pub fn accuracy_curve(run: &RunRecord) -> String {
    let percent = |metrics: &Metrics| 100.0 * metrics.accuracy;
    let series = [Series::train("training", percent), Series::validation("validation", percent)];
    figure(&run.history, &series, "accuracy (%)", "Accuracy curve: training and validation over the epochs")
}

fn figure(history: &[EpochRecord], series: &[Series], axis: &str, label: &str) -> String {
    let lines: Vec<Vec<(f64, f64)>> = series.iter().map(|series| series.points(history)).collect();
    let top = 14.0 + LEGEND * series.len().div_ceil(2) as f64;
    let axes = Axes {
        x: Scale::tight(history.iter().map(|record| record.epoch as f64), 6.0),
        y: Scale::round(lines.iter().flatten().map(|point| point.1), 5.0),
        corner: (LEFT, top),
        size: (WIDTH - LEFT - RIGHT, HEIGHT - top - BOTTOM),
    };
    let mut svg = Svg::new(WIDTH, HEIGHT);
    axes.draw(&mut svg, "epoch", axis);
    for (position, series) in series.iter().enumerate() {
        legend_entry(&mut svg, position, series);
    }
    for (series, points) in series.iter().zip(&lines) {
        draw_line(&mut svg, &axes, series, points);
    }
    if !lines.iter().flatten().any(|point| point.1.is_finite()) {
        svg.text((WIDTH / 2.0, HEIGHT / 2.0), Anchor::Middle, "no finite value");
    }
    svg.finish(label)
}

/// The legend has two columns: training, validation.
fn legend_entry(svg: &mut Svg, position: usize, series: &Series) {
    let x = LEFT + (position % 2) as f64 * 0.5 * (WIDTH - LEFT - RIGHT);
    let y = 18.0 + (position / 2) as f64 * LEGEND;
    svg.line((x, y), (x + 42.0, y), &series.style());
    if series.thin {
        svg.circle((x + 21.0, y), &series.marker());
    }
    svg.text((x + 50.0, y + 0.35 * TEXT), Anchor::Start, series.name);
}

/// Draws the stretches of finite values, with a gap at each value that is not.
fn draw_line(svg: &mut Svg, axes: &Axes, series: &Series, points: &[(f64, f64)]) {
    for stretch in points.split(|point| !point.1.is_finite()).filter(|stretch| stretch.len() > 1) {
        let mut path = String::new();
        for (index, &point) in stretch.iter().enumerate() {
            let (x, y) = axes.place(point);
            write!(path, "{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' }).expect("a String takes all");
        }
        svg.shape(format_args!("<path d=\"{path}\"{}/>", series.style()));
    }
    let every = if points.len() <= FEW { 1 } else { points.len().div_ceil(FEW) };
    let alone = |i: usize| {
        let finite = |i: usize| points.get(i).is_some_and(|point| point.1.is_finite());
        finite(i) && !finite(i.wrapping_sub(1)) && !finite(i + 1)
    };
    for (index, &point) in points.iter().enumerate().filter(|(_, point)| point.1.is_finite()) {
        let marked = index % every == 0 && (series.thin || points.len() <= FEW);
        if marked || alone(index) {
            svg.circle(axes.place(point), &series.marker());
        }
    }
}
