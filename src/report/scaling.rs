//! How cost grows, as a table and as a picture: a panel for each size, GFLOP/s against its values.

use super::axes::{Axes, Scale};
use super::chart::{Chart, Line};
use super::number::count;
use super::svg::{BLUE, Svg, VERMILION};
use super::table::Table;
use crate::bench::scaling::{Axis, Point, ScalingRecord};

/// The room of a panel, and of the data in it.
const PANEL: (f64, f64) = (400.0, 300.0);
const DATA: (f64, f64) = (290.0, 200.0);
/// Where the data begin in a panel.
const CORNER: (f64, f64) = (84.0, 34.0);
/// Panels side by side.
const COLUMNS: usize = 2;
/// The room above the panels.
const LEGEND: f64 = 66.0;

/// The figure; dotted, the peak of the lab's threads.
pub fn figure(record: &ScalingRecord) -> String {
    let rows = Axis::CURVES.len().div_ceil(COLUMNS);
    let mut svg = Svg::new(PANEL.0 * COLUMNS as f64, LEGEND + PANEL.1 * rows as f64);
    for (index, axis) in Axis::CURVES.into_iter().enumerate() {
        let (column, row) = ((index % COLUMNS) as f64, (index / COLUMNS) as f64);
        let corner = (PANEL.0 * column + CORNER.0, LEGEND + PANEL.1 * row + CORNER.1);
        let panel = panel(record, axis, corner);
        panel.draw(&mut svg);
        if index == 0 {
            panel.draw_legend(&mut svg);
        }
    }
    svg.finish(
        "GFLOP/s of training and evaluation against the number of images, classes, features, threads, and \
         images of a batch; dotted: the machine's peak",
    )
}

/// One axis: a panel whose data begin at `corner`.
fn panel(record: &ScalingRecord, axis: Axis, corner: (f64, f64)) -> Chart<'static> {
    let mut points: Vec<&Point> = record.points.iter().filter(|point| point.axis == axis).collect();
    points.sort_by_key(|point| point.value);
    let place = |point: &Point| (point.value as f64).log10();
    let x = Scale::decades(points.iter().map(|point| place(point)), 6.0);
    let y = Scale::round([0.0, record.peak].into_iter(), 4.0);
    let line = |name, colour, gflops: fn(&Point) -> f64| {
        let points = points.iter().map(|point| (place(point), gflops(point))).collect();
        Line { every: 1, ..Line::new(name, colour, points) }
    };
    Chart {
        axes: Axes { x, y, corner, size: DATA },
        x_name: axis.name(),
        // The name stands at the picture's edge, once for the panels of a row.
        y_name: if corner.0 < PANEL.0 { "GFLOP/s" } else { "" },
        lines: vec![
            line("training", BLUE, Point::training_gflops),
            line("evaluation", VERMILION, Point::evaluation_gflops),
            Line::limit("peak", x, record.peak),
        ],
    }
}

/// The table: a row for each point.
pub fn table(record: &ScalingRecord) -> Table {
    let mut table = Table::new([
        "",
        "N",
        "D",
        "C",
        "B",
        "threads",
        "epoch ms",
        "spread",
        "images/s",
        "GFLOP/s",
        "evaluation",
        "spread",
    ]);
    for point in &record.points {
        let Point { axis, job, epoch, evaluation, .. } = point;
        let whole = |value: usize| count(value as u64);
        let spread = |spread: f64| format!("{:.0} %", 100.0 * spread);
        table.rows.push(vec![
            axis.name().into(),
            whole(job.images),
            whole(job.features),
            whole(job.columns()),
            whole(job.batch),
            whole(job.threads),
            format!("{:.2}", 1e3 * epoch.median),
            spread(epoch.spread()),
            count((job.images as f64 / epoch.median) as u64),
            format!("{:.0}", point.training_gflops()),
            format!("{:.0}", point.evaluation_gflops()),
            spread(evaluation.spread()),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::roofline::Timing;
    use crate::bench::scaling::Job;
    use crate::machine::MachineRecord;

    #[test]
    fn each_point_has_a_row_and_a_dot_a_curve() {
        let point = |value| {
            let job = Job::lab(1).with(Axis::Batch, value);
            let timing = |seconds| Timing::of(vec![seconds]);
            Point { axis: Axis::Batch, value, job, epoch: timing(0.01), evaluation: timing(0.01) }
        };
        let machine = MachineRecord { name: "a machine".into(), cores: 1 };
        let record = ScalingRecord { machine, peak: 100.0, points: vec![point(1), point(100)] };
        assert_eq!(figure(&record).matches("<circle").count(), 2 * 2);
        let table = table(&record);
        assert_eq!(table.rows.len(), 2);
        assert_eq!(table.rows[1][4], "100");
        assert_eq!(table.rows[1][9..11], ["123", "61"], "4 N D C, and 2 N D C, in ten milliseconds");
    }
}
