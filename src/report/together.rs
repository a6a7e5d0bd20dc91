//! The curves of several runs in one figure: validation loss and accuracy over the epochs.

use super::axes::{Axes, Scale};
use super::chart::{Chart, DASHED, DOTTED, Line, ROW};
use super::svg::{BLUE, FAINT, GREEN, ORANGE, PINK, Svg, VERMILION};
use crate::train::{EpochRecord, Metrics};

/// The room of each of the two charts, and of the data in it.
const PANEL: (f64, f64) = (500.0, 372.0);
const DATA: (f64, f64) = (400.0, 300.0);
/// Where the data begin in a panel.
const CORNER: (f64, f64) = (84.0, 8.0);
/// The colours of runs that are told apart, Okabe and Ito's; and their dashes, which change more slowly.
const COLOURS: [&str; 5] = [BLUE, VERMILION, GREEN, PINK, ORANGE];
const DASHES: [&str; 5] = ["", DASHED, "2 3", "12 3 2 3", "5 3"];

/// The curves of a run.
pub(super) struct Strand<'a> {
    /// Its name; empty where it is one of many.
    pub(super) name: String,
    pub(super) history: &'a [EpochRecord],
}

/// The figure of `strands`, those with a name in colours above the others. A dotted line stands at each of the epochs
/// `rungs`.
pub(super) fn figure(strands: &[Strand], rungs: &[usize], label: &str) -> String {
    let loss = |metrics: Metrics| metrics.loss;
    let accuracy = |metrics: Metrics| 100.0 * metrics.accuracy;
    let [loss, accuracy] = [lines(strands, loss), lines(strands, accuracy)];
    let top = 14.0 + ROW * strands.iter().filter(|strand| !strand.name.is_empty()).count().div_ceil(2) as f64;
    let mut svg = Svg::new(2.0 * PANEL.0, top + PANEL.1);
    let epochs = strands.iter().flat_map(|strand| strand.history).map(|record| record.epoch as f64);
    let x = Scale::tight(epochs, 6.0);
    let panels = [(loss, "validation loss (nats)"), (accuracy, "validation accuracy (%)")];
    for (panel, (lines, name)) in panels.into_iter().enumerate() {
        let values = lines.iter().filter(|line| !line.name.is_empty()).flat_map(|line| &line.points);
        let y = Scale::round(values.map(|point| point.1), 5.0);
        let corner = (PANEL.0 * panel as f64 + CORNER.0, top + CORNER.1);
        let at = |rung: &usize| Line {
            width: 1.3,
            dash: DOTTED,
            ..Line::new("", FAINT, vec![(*rung as f64, y.low), (*rung as f64, y.high)])
        };
        let within = |line: Line| Line { points: within(&line, y), ..line };
        let lines = rungs.iter().map(at).chain(lines.into_iter().map(within)).collect();
        let axes = Axes { x, y, corner, size: DATA };
        let chart = Chart { axes, x_name: "epoch", y_name: "", lines };
        chart.draw(&mut svg);
        svg.vertical_text((corner.0 - CORNER.0 + 16.0, corner.1 + 0.5 * DATA.1), name);
        if panel == 0 {
            // One legend for both, as wide as the figure.
            let axes = Axes { size: (2.0 * PANEL.0 - CORNER.0, DATA.1), ..chart.axes };
            Chart { axes, ..chart }.draw_legend(&mut svg);
        }
    }
    svg.finish(label)
}

/// The lines of one quantity: first those of runs without a name, so that the others lie above.
fn lines(strands: &[Strand], value: impl Fn(Metrics) -> f64) -> Vec<Line> {
    let points = |strand: &Strand| {
        strand.history.iter().map(|record| (record.epoch as f64, value(record.validation))).collect()
    };
    let (named, faint): (Vec<&Strand>, Vec<&Strand>) =
        strands.iter().partition(|strand| !strand.name.is_empty());
    let faint = faint.into_iter().map(|strand| Line { width: 0.8, ..Line::new("", FAINT, points(strand)) });
    let named = named.into_iter().enumerate().map(|(index, strand)| Line {
        dash: DASHES[index / COLOURS.len() % DASHES.len()],
        width: 2.4 - 0.3 * (index % COLOURS.len()) as f64,
        ..Line::new(strand.name.clone(), COLOURS[index % COLOURS.len()], points(strand))
    });
    faint.chain(named).collect()
}

/// The points of `line` that `y` has room for, with a gap for each other one. What is left of a faint line between two gaps
/// is no point to look at.
fn within(line: &Line, y: Scale) -> Vec<(f64, f64)> {
    let shown =
        |index: usize| line.points.get(index).is_some_and(|point| (y.low..=y.high).contains(&point.1));
    let alone = |index: usize| !shown(index.wrapping_sub(1)) && !shown(index + 1);
    let points = line.points.iter().enumerate().map(|(index, &(x, value))| {
        let seen = shown(index) && !(line.name.is_empty() && alone(index));
        (x, if seen { value } else { f64::NAN })
    });
    points.collect()
}
