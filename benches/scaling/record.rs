//! What was measured: the record, and its table and figure.

use onelayer::bench::roofline::Timing;
use onelayer::machine::MachineRecord;
use onelayer::report::panels::{self, Panel};
use onelayer::report::{Table, count};
use serde::Serialize;

use crate::job::{Axis, Job};

/// A job, and how long it took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Which of its sizes is not the lab's.
    pub axis: Axis,
    /// The size.
    pub value: usize,
    /// All of its sizes.
    pub job: Job,
    /// The seconds of an epoch of training.
    pub epoch: Timing,
    /// The seconds of an evaluation of the same images.
    pub evaluation: Timing,
}

impl Point {
    /// 10^9 floating-point operations a second in training: `4 N D C` an epoch.
    pub fn training_gflops(&self) -> f64 {
        2.0 * self.pass() / self.epoch.median
    }

    /// The same in evaluation: `2 N D C`.
    pub fn evaluation_gflops(&self) -> f64 {
        self.pass() / self.evaluation.median
    }

    fn pass(&self) -> f64 {
        2e-9 * self.job.images as f64 * self.job.features as f64 * self.job.columns() as f64
    }
}

/// All points that were measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScalingRecord {
    /// The machine.
    pub machine: MachineRecord,
    /// The f32 peak of the lab's threads when the measuring began, in GFLOP/s.
    pub peak: f64,
    /// The points, axis by axis.
    pub points: Vec<Point>,
}

impl ScalingRecord {
    /// The figure: a panel for each size, GFLOP/s against its values.
    pub fn figure(&self) -> String {
        let panel = |axis: Axis| {
            let mut points: Vec<&Point> = self.points.iter().filter(|point| point.axis == axis).collect();
            points.sort_by_key(|point| point.value);
            let values = |point: &&Point| [point.training_gflops(), point.evaluation_gflops()];
            let points = points.iter().map(|point| (point.value as f64, values(point))).collect();
            Panel { name: axis.name(), points }
        };
        let label = "GFLOP/s of training and evaluation against the number of images, classes, features, threads, and \
                     images of a batch; dotted: the machine's peak";
        let curves = ["training", "evaluation"];
        panels::figure(&Axis::CURVES.map(panel), curves, "GFLOP/s", ("peak", self.peak), label)
    }

    /// The table: a row for each point.
    pub fn table(&self) -> Table {
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
        for point in &self.points {
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
}
