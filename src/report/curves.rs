//! Loss and accuracy curves as SVG: training and validation over the epochs.
//!
//! A split has its colour and its dash, a quantity its width and markers.

use super::axes::Scale;
use super::chart::{Chart, DASHED, Line};
use super::svg::{BLUE, VERMILION};
use crate::train::{EpochRecord, Metrics, RunRecord};

const SIZE: (f64, f64) = (520.0, 350.0);
/// The room left of the data.
const LEFT: f64 = 74.0;
/// Up to this many points, each has a marker on every line.
const FEW: usize = 12;

/// The loss curve of a run in nats; with the cost as well where a penalty makes the two differ.
pub fn loss_curve(run: &RunRecord) -> String {
    let mut lines = pair(&run.history, ["training loss", "validation loss"], |metrics| metrics.loss);
    let mut axis = "loss (nats)";
    if run.config.lambda > 0.0 {
        let cost = pair(&run.history, ["training cost", "validation cost"], |metrics| metrics.cost);
        lines.extend(cost.into_iter().map(|line| Line {
            width: 1.3,
            open: true,
            every: run.history.len().div_ceil(FEW),
            ..line
        }));
        axis = "loss, cost (nats)";
    }
    figure(&run.history, lines, axis, "Loss curve: training and validation over the epochs")
}

/// The accuracy curve of a run in percent.
pub fn accuracy_curve(run: &RunRecord) -> String {
    let lines = pair(&run.history, ["training", "validation"], |metrics| 100.0 * metrics.accuracy);
    figure(&run.history, lines, "accuracy (%)", "Accuracy curve: training and validation over the epochs")
}

/// One quantity of the training split and of the validation split.
fn pair(history: &[EpochRecord], names: [&str; 2], value: fn(&Metrics) -> f64) -> Vec<Line> {
    let points = |split: fn(&EpochRecord) -> &Metrics| {
        history.iter().map(|record| (record.epoch as f64, value(split(record)))).collect()
    };
    let line = |name, colour, dash, points| Line {
        width: 2.6,
        dash,
        every: usize::from(history.len() <= FEW),
        ..Line::new(name, colour, points)
    };
    vec![
        line(names[0], BLUE, "", points(|record| &record.train)),
        line(names[1], VERMILION, DASHED, points(|record| &record.validation)),
    ]
}

fn figure(history: &[EpochRecord], lines: Vec<Line>, axis: &str, label: &str) -> String {
    let x = Scale::tight(history.iter().map(|record| record.epoch as f64), 6.0);
    let y = Scale::round(lines.iter().flat_map(|line| &line.points).map(|point| point.1), 5.0);
    Chart { x_name: "epoch", y_name: axis, ..Chart::filling(SIZE, LEFT, [x, y], lines) }.picture(label)
}
