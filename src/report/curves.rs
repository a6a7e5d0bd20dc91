//! Loss and accuracy curves as SVG: training and validation over the epochs.
//!
//! A split has its colour and its dash, a quantity its width and markers.

use super::axes::Scale;
use super::chart::{Chart, DASHED, Line};
use super::svg::{BLUE, INK, VERMILION};
use crate::objective::Loss;
use crate::train::{EpochRecord, Metrics, RunRecord, Schedule, Settings, When};

const SIZE: (f64, f64) = (520.0, 350.0);
/// The room left of the data.
const LEFT: f64 = 74.0;
/// Up to this many points, each has a marker on every line.
const FEW: usize = 12;

/// The loss curve of a run in nats; with the cost as well where a penalty makes the two differ.
pub fn loss_curve(run: &RunRecord) -> String {
    let mut lines = pair(&run.history, ["training loss", "validation loss"], |metrics| metrics.loss);
    // A hinge loss has no unit.
    let unit = if run.config.objective == Loss::Hinge { "" } else { " (nats)" };
    let mut axis = format!("loss{unit}");
    if run.config.lambda > 0.0 {
        let cost = pair(&run.history, ["training cost", "validation cost"], |metrics| metrics.cost);
        lines.extend(cost.into_iter().map(|line| Line {
            width: 1.3,
            open: true,
            every: run.history.len().div_ceil(FEW),
            ..line
        }));
        axis = format!("loss, cost{unit}");
    }
    lines.extend(best_epoch(run, &lines));
    figure(&run.history, lines, &axis, "Loss curve: training and validation over the epochs")
}

/// A vertical line at the epoch with the smallest validation loss, where the run stops or is kept by it.
fn best_epoch(run: &RunRecord, lines: &[Line]) -> Option<Line> {
    let by_validation = run.config.best || run.config.early_stop > 0;
    let loss = |record: &&EpochRecord| record.validation.loss;
    let finite = run.history.iter().filter(|record| loss(record).is_finite());
    let best = finite.min_by(|a, b| loss(a).total_cmp(&loss(b))).filter(|_| by_validation)?;
    let values = lines.iter().flat_map(|line| &line.points).map(|point| point.1).filter(|y| y.is_finite());
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
    let x = best.epoch as f64;
    Some(Line {
        width: 1.3,
        dash: DASHED,
        ..Line::new(format!("best epoch, {}", best.epoch), INK, vec![(x, low), (x, high)])
    })
}

/// The learning rate over the epochs; none where it is constant.
pub fn rate_curve(run: &RunRecord) -> Option<String> {
    const POINTS: usize = 400;
    let Settings { schedule, eta, batch, epochs, .. } = run.config;
    if schedule == Schedule::Constant {
        return None;
    }
    let epoch = run.dataset.train.div_ceil(batch).max(1);
    let steps = epochs * epoch;
    let every = steps.div_ceil(POINTS);
    let rate = |step: usize| {
        let rate = schedule.rate(eta, When { step, steps, epoch });
        (step as f64 / epoch as f64, rate)
    };
    let points: Vec<(f64, f64)> = (0..steps).step_by(every).chain([steps - 1]).map(rate).collect();
    let x = Scale::tight([0.0, epochs as f64].into_iter(), 6.0);
    let y = Scale::round(points.iter().map(|point| point.1).chain([0.0]), 5.0);
    let lines = vec![Line::new(format!("eta, {schedule}"), BLUE, points)];
    let chart =
        Chart { x_name: "epochs", y_name: "learning rate", ..Chart::filling(SIZE, LEFT, [x, y], lines) };
    Some(chart.picture("The learning rate over the epochs"))
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
