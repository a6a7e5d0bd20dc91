//! Small charts in two columns: two curves each, over sizes on a logarithmic scale, below one legend.

use super::axes::{Axes, Scale};
use super::chart::{Chart, Line};
use super::svg::{BLUE, Svg, VERMILION};

/// The room of a panel, and of the data in it.
const PANEL: (f64, f64) = (400.0, 300.0);
const DATA: (f64, f64) = (290.0, 200.0);
/// Where the data begin in a panel.
const CORNER: (f64, f64) = (84.0, 34.0);
/// Panels side by side.
const COLUMNS: usize = 2;
/// The room above the panels.
const LEGEND: f64 = 66.0;

/// One small chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel<'a> {
    /// What the sizes are of.
    pub name: &'a str,
    /// Sizes in ascending order, and the value of each curve there.
    pub points: Vec<(f64, [f64; 2])>,
}

/// The figure of `panels`, whose curves have these names and this unit. A dotted line shows a limit, with its name;
/// `label` says what the figure shows to those who cannot see it.
pub fn figure(
    panels: &[Panel],
    curves: [&str; 2],
    unit: &str,
    (limit_name, limit): (&str, f64),
    label: &str,
) -> String {
    let rows = panels.len().div_ceil(COLUMNS);
    let mut svg = Svg::new(PANEL.0 * COLUMNS as f64, LEGEND + PANEL.1 * rows as f64);
    for (index, panel) in panels.iter().enumerate() {
        let (column, row) = ((index % COLUMNS) as f64, (index / COLUMNS) as f64);
        let corner = (PANEL.0 * column + CORNER.0, LEGEND + PANEL.1 * row + CORNER.1);
        let x = Scale::decades(panel.points.iter().map(|(size, _)| size.log10()), 6.0);
        let y = Scale::round([0.0, limit].into_iter(), 4.0);
        let line = |curve: usize, colour| {
            let points = panel.points.iter().map(|(size, values)| (size.log10(), values[curve])).collect();
            Line { every: 1, ..Line::new(curves[curve], colour, points) }
        };
        let chart = Chart {
            axes: Axes { x, y, corner, size: DATA },
            x_name: panel.name,
            // The unit stands at the edge of the picture, once for the panels of a row.
            y_name: if index % COLUMNS == 0 { unit } else { "" },
            lines: vec![line(0, BLUE), line(1, VERMILION), Line::limit(limit_name, x, limit)],
        };
        chart.draw(&mut svg);
        if index == 0 {
            chart.draw_legend(&mut svg);
        }
    }
    svg.finish(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_has_a_dot_on_each_curve() {
        let panel = |name| Panel { name, points: vec![(1.0, [50.0, 20.0]), (100.0, [123.0, 61.0])] };
        let panels = ["batch", "features", "threads"].map(panel);
        let svg = figure(&panels, ["training", "evaluation"], "GFLOP/s", ("peak", 200.0), "figure");
        assert_eq!(svg.matches("<circle").count(), 3 * 2 * 2);
        for once in ["training", "evaluation", "peak", "features"] {
            assert_eq!(svg.matches(&format!(">{once}</text>")).count(), 1, "{once}");
        }
    }
}
