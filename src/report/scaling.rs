//! How cost grows, as a table and as a picture: a panel for each size, GFLOP/s against its values.

use std::fmt::Write;

use super::axes::{Axes, Scale};
use super::number::count;
use super::svg::{Anchor, BLUE, INK, Svg, TEXT, VERMILION};
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
const LEGEND: f64 = 40.0;

/// A curve: its name, its value of a point, and its colour.
type Series = (&'static str, fn(&Point) -> f64, &'static str);

const SERIES: [Series; 2] =
    [("training", Point::training_gflops, BLUE), ("evaluation", Point::evaluation_gflops, VERMILION)];

/// The figure; dotted, the peak of the lab's threads.
pub fn figure(record: &ScalingRecord) -> String {
    let rows = Axis::CURVES.len().div_ceil(COLUMNS);
    let mut svg = Svg::new(PANEL.0 * COLUMNS as f64, LEGEND + PANEL.1 * rows as f64);
    for (index, (name, _, colour)) in SERIES.iter().enumerate() {
        let x = CORNER.0 + 150.0 * index as f64;
        svg.line((x, 20.0), (x + 30.0, 20.0), &stroke(colour));
        svg.text((x + 38.0, 20.0 + 0.35 * TEXT), Anchor::Start, name);
    }
    for (index, axis) in Axis::CURVES.into_iter().enumerate() {
        let (column, row) = ((index % COLUMNS) as f64, (index / COLUMNS) as f64);
        let corner = (PANEL.0 * column + CORNER.0, LEGEND + PANEL.1 * row + CORNER.1);
        panel(&mut svg, record, axis, corner);
    }
    svg.finish(
        "GFLOP/s of training and evaluation against the number of images, classes, features, threads, and \
                images of a batch; dotted: the machine's peak",
    )
}

/// One axis: a panel whose data begin at `corner`.
fn panel(svg: &mut Svg, record: &ScalingRecord, axis: Axis, corner: (f64, f64)) {
    let mut points: Vec<&Point> = record.points.iter().filter(|point| point.axis == axis).collect();
    points.sort_by_key(|point| point.value);
    let place = |point: &Point| (point.value as f64).log10();
    let axes = Axes {
        x: Scale::decades(points.iter().map(|point| place(point)), 6.0),
        y: Scale::round([0.0, record.peak].into_iter(), 4.0),
        corner,
        size: DATA,
    };
    let clip = |x: f64| x.clamp(axes.x.low, axes.x.high);
    // The name stands at the picture's edge, once for the panels of a row.
    axes.draw(svg, axis.name(), if corner.0 < PANEL.0 { "GFLOP/s" } else { "" });
    let peak = |x: f64| axes.place((clip(x), record.peak));
    let dots = format!(" stroke=\"{INK}\" stroke-width=\"1.3\" stroke-dasharray=\"2 4\"");
    svg.line(peak(axes.x.low), peak(axes.x.high), &dots);
    for (_, gflops, colour) in SERIES {
        let mut path = String::new();
        for (index, point) in points.iter().enumerate() {
            let (x, y) = axes.place((place(point), gflops(point)));
            write!(path, "{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' }).expect("a String takes all");
            svg.shape(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"));
        }
        svg.shape(format_args!("<path d=\"{path}\" fill=\"none\"{}/>", stroke(colour)));
    }
}

fn stroke(colour: &str) -> String {
    format!(" stroke=\"{colour}\" stroke-width=\"2.2\" stroke-linejoin=\"round\"")
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
