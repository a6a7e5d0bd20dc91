//! The roofline picture: what bounds work of a given intensity, and how close each kernel comes to it.

use std::fmt::Write;

use super::axes::{Axes, Scale};
use super::svg::{Anchor, BLUE, INK, Svg, TEXT, VERMILION};
use crate::bench::roofline::Level;
use crate::bench::{BenchRecord, Measurement};

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
    let peak = roofline.peak(isa, threads).unwrap_or(f64::NAN);
    let of_peak = |one: &&Measurement| one.engine.threads == threads && one.engine.isa == isa;
    let points: Vec<&Measurement> = record.measurements.iter().filter(of_peak).collect();
    let roofs: Vec<(Level, f64)> =
        Level::ALL.iter().filter_map(|&level| Some((level, roofline.bandwidth(level, threads)?))).collect();

    let intensities = points.iter().map(|one| one.intensity.log10()).chain([-1.0, 2.0]);
    let heights = points.iter().map(|one| one.gflops.log10()).chain([1.0, peak.log10()]);
    let axes = Axes {
        x: Scale::decades(intensities, 4.0),
        y: Scale::decades(heights, 4.0),
        corner: (LEFT, TOP),
        size: (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM),
    };
    let mut svg = Svg::new(WIDTH, HEIGHT);
    axes.draw(&mut svg, "intensity (FLOP for each byte read)", "GFLOP/s");
    let (left, right) = (axes.place((axes.x.low, peak.log10())), axes.place((axes.x.high, peak.log10())));
    svg.text((LEFT, 22.0), Anchor::Start, format!("{isa}, {threads} threads: peak {peak:.0} GFLOP/s"));
    svg.line(left, right, &format!(" stroke=\"{INK}\" stroke-width=\"2\""));
    roofs.iter().for_each(|&(level, bandwidth)| roof(&mut svg, &axes, level, bandwidth, peak));
    labelled(&mut svg, &axes, &points);
    svg.finish("Roofline: GFLOP/s against floating-point operations for each byte, with each kernel on it")
}

/// The slope of one memory, up to the peak.
fn roof(svg: &mut Svg, axes: &Axes, level: Level, bandwidth: f64, peak: f64) {
    let slope = |intensity: f64| intensity + bandwidth.log10();
    let low = axes.x.low.max(axes.y.low - bandwidth.log10());
    let ridge = (peak / bandwidth).log10();
    let (start, end) = (axes.place((low, slope(low))), axes.place((ridge, slope(ridge))));
    let mut path = String::new();
    write!(path, "M{:.1} {:.1}L{:.1} {:.1}", start.0, start.1, end.0, end.1).expect("a String takes all");
    svg.shape(format_args!("<path d=\"{path}\" fill=\"none\" stroke=\"{BLUE}\" stroke-width=\"1.6\"/>"));
    let (x, y) = axes.place((low, slope(low)));
    let turn = -((start.1 - end.1) / (end.0 - start.0)).atan().to_degrees();
    let style = format!(" font-size=\"13\" fill=\"{BLUE}\" transform=\"rotate({turn:.1} {x:.1} {y:.1})\"");
    let name = format!("{} {bandwidth:.0} GB/s", level.name());
    svg.styled_text((x + 12.0, y - 5.0), Anchor::Start, &style, name);
}

/// The measurements, each with its name at the right edge of the data, no two names on one another.
fn labelled(svg: &mut Svg, axes: &Axes, points: &[&Measurement]) {
    let mut placed: Vec<((f64, f64), String)> = points
        .iter()
        .map(|one| {
            let place = axes.place((one.intensity.log10(), one.gflops.log10()));
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
