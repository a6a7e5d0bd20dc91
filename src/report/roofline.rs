//! The roofline picture: what bounds work of a given intensity, and how close each kernel comes to it.

use super::axes::{Axes, Scale};
use super::chart::{Chart, Line};
use super::svg::{Anchor, BLUE, INK, Svg, TEXT, VERMILION};
use crate::bench::roofline::Numbers;
use crate::bench::{BenchRecord, Measurement, Rates};
use crate::machine::Level;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 480.0;
/// The room left of the data, above it, right of it, and below it.
const LEFT: f64 = 84.0;
const TOP: f64 = 40.0;
const RIGHT: f64 = 150.0;
const BOTTOM: f64 = 58.0;

/// The figure: the roofs of the fastest instruction set on all threads, and the tasks that it was measured on.
pub fn figure(record: &BenchRecord) -> String {
    let roofline = &record.roofline;
    let threads = roofline.peaks.iter().map(|peak| peak.threads).max().unwrap_or(1);
    let isa = roofline.peaks.first().map_or("", |peak| &peak.isa);
    let [peak, fixed] = Numbers::ALL.map(|numbers| roofline.peak(numbers, isa, threads).unwrap_or(f64::NAN));
    let of_peak = |one: &&Measurement| one.engine.threads == threads && one.engine.isa == isa;
    let of_peak = record.measurements.iter().filter(of_peak);
    let points: Vec<(&Measurement, Rates)> = of_peak.filter_map(|one| Some((one, one.rates?))).collect();

    let intensities = points.iter().map(|(_, rates)| rates.intensity.log10()).chain([-1.0, 2.0]);
    let heights =
        points.iter().map(|(_, rates)| rates.gflops.log10()).chain([1.0, peak.log10(), fixed.log10()]);
    let (x, y) = (Scale::decades(intensities, 4.0), Scale::decades(heights, 4.0));
    // The slope of one memory, GFLOP/s = intensity x GB/s, up to the peak.
    let roof = |level: Level| {
        let bandwidth = roofline.bandwidth(level, threads)?;
        let low = x.low.max(y.low - bandwidth.log10());
        let ends = [low, (peak / bandwidth).log10()].map(|x| (x, x + bandwidth.log10()));
        let name = format!("{} {bandwidth:.0} GB/s", level.name());
        Some(Line { width: 1.6, ..Line::new(name, BLUE, ends.to_vec()) })
    };
    let top = |name, peak: f64| Line::new(name, INK, [x.low, x.high].map(|x| (x, peak.log10())).to_vec());
    let tops = [top("peak", peak), top("peak of fixed", fixed)];
    let chart = Chart {
        axes: Axes { x, y, corner: (LEFT, TOP), size: (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM) },
        x_name: "intensity (FLOP for each byte read)",
        y_name: "GFLOP/s",
        lines: tops.into_iter().chain(Level::ALL.into_iter().filter_map(roof)).collect(),
    };
    let mut svg = Svg::new(WIDTH, HEIGHT);
    chart.draw(&mut svg);
    let peaks = format!("{isa}, {threads} threads: peak {peak:.0} GFLOP/s, of fixed {fixed:.0}");
    svg.text((LEFT, 22.0), Anchor::Start, peaks);
    chart.lines[2..].iter().for_each(|roof| name_along(&mut svg, &chart.axes, roof));
    labelled(&mut svg, &chart.axes, &points);
    svg.finish("Roofline: GFLOP/s against floating-point operations for each byte, with each kernel on it")
}

/// Writes a roof's name along its slope.
fn name_along(svg: &mut Svg, axes: &Axes, roof: &Line) {
    let [(x, y), end] = [roof.points[0], roof.points[1]].map(|point| axes.place(point));
    let turn = -((y - end.1) / (end.0 - x)).atan().to_degrees();
    let style = format!(" font-size=\"13\" fill=\"{BLUE}\" transform=\"rotate({turn:.1} {x:.1} {y:.1})\"");
    svg.styled_text((x + 12.0, y - 5.0), Anchor::Start, &style, &roof.name);
}

/// The measurements, each with its name at the right edge of the data, no two names on one another.
fn labelled(svg: &mut Svg, axes: &Axes, points: &[(&Measurement, Rates)]) {
    let mut placed: Vec<((f64, f64), String)> = points
        .iter()
        .map(|(one, rates)| {
            let place = axes.place((rates.intensity.log10(), rates.gflops.log10()));
            (place, format!("{} {}", one.engine.name, one.task))
        })
        .collect();
    placed.sort_by(|a, b| a.0.1.total_cmp(&b.0.1));
    let edge = LEFT + axes.size.0;
    let mut free = f64::NEG_INFINITY;
    for ((x, y), name) in placed {
        let label = free.max(y);
        free = label + TEXT;
        svg.line((x, y), (edge + 6.0, label), &format!(" stroke=\"{VERMILION}\" stroke-width=\"0.6\""));
        svg.circle((x, y), &format!(" fill=\"{VERMILION}\""));
        let style = " font-size=\"13\"";
        svg.styled_text((edge + 9.0, label + 4.0), Anchor::Start, style, name);
    }
}
