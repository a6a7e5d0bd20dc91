//! Line charts: lines over one pair of axes, with a legend above the data, never on it.
//!
//! Lines differ in dash, width or markers as well as in colour, so that colour-blind people can tell them apart, and
//! readers of a grey print too.

use std::fmt::Write;

use super::axes::{Axes, Scale};
use super::svg::{Anchor, GROUND, INK, Svg, TEXT};

/// The dash patterns of lines: lengths of dashes and gaps.
pub(super) const DASHED: &str = "8 5";
pub(super) const DOTTED: &str = "2 4";
/// The room right of the data and below it.
const RIGHT: f64 = 16.0;
const BOTTOM: f64 = 58.0;
/// The height of a row of the legend.
pub(super) const ROW: f64 = 26.0;
/// The length of a line in the legend, and where its name begins.
const SAMPLE: f64 = 42.0;
const NAME: f64 = 50.0;

/// A line: how it looks, and the points that it goes through, in units of the axes.
pub(super) struct Line {
    pub name: String,
    pub colour: &'static str,
    pub width: f64,
    /// The dash pattern; empty where the line is solid.
    pub dash: &'static str,
    pub points: Vec<(f64, f64)>,
    /// Points from one marker to the next; 0 for no markers. A point without neighbours always has one.
    pub every: usize,
    /// Whether markers are open circles, instead of filled ones.
    pub open: bool,
}

impl Line {
    /// A solid line without markers.
    pub fn new(name: impl Into<String>, colour: &'static str, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), colour, width: 2.2, dash: "", points, every: 0, open: false }
    }

    /// A dotted horizontal line at `y`, all the way along `x`.
    pub fn limit(name: impl Into<String>, x: Scale, y: f64) -> Self {
        Self { width: 1.3, dash: DOTTED, ..Self::new(name, INK, vec![(x.low, y), (x.high, y)]) }
    }

    /// Draws the stretches of finite values, with a gap at each value that is not finite.
    fn draw(&self, svg: &mut Svg, axes: &Axes) {
        let finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
        for stretch in self.points.split(|point| !finite(point)).filter(|stretch| stretch.len() > 1) {
            let mut path = String::new();
            for (index, &point) in stretch.iter().enumerate() {
                let (x, y) = axes.place(point);
                let command = if index == 0 { 'M' } else { 'L' };
                write!(path, "{command}{x:.1} {y:.1}").expect("a String takes all");
            }
            svg.shape(format_args!("<path d=\"{path}\"{}/>", self.style()));
        }
        let is_finite = |index: usize| self.points.get(index).is_some_and(finite);
        for (index, &point) in self.points.iter().enumerate().filter(|(_, point)| finite(point)) {
            let alone = !is_finite(index.wrapping_sub(1)) && !is_finite(index + 1);
            if alone || index.checked_rem(self.every) == Some(0) {
                svg.circle(axes.place(point), &self.marker());
            }
        }
    }

    fn style(&self) -> String {
        let Self { colour, width, dash, .. } = self;
        let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
        format!(" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{dash}")
    }

    fn marker(&self) -> String {
        let fill = if self.open { GROUND } else { self.colour };
        format!(" fill=\"{fill}\" stroke=\"{}\" stroke-width=\"1.3\"", self.colour)
    }
}

/// The lines that have a name.
pub(super) fn named(lines: &[Line]) -> impl Iterator<Item = &Line> {
    lines.iter().filter(|line| !line.name.is_empty())
}

/// Axes, their names, and the lines over them.
pub(super) struct Chart<'a> {
    pub axes: Axes,
    pub x_name: &'a str,
    pub y_name: &'a str,
    pub lines: Vec<Line>,
}

impl Chart<'_> {
    /// A chart that fills a picture of `size`: its data begin at `left`, and below the legend's rows.
    pub fn filling(size: (f64, f64), left: f64, [x, y]: [Scale; 2], lines: Vec<Line>) -> Self {
        let top = 14.0 + ROW * named(&lines).count().div_ceil(2) as f64;
        let size = (size.0 - left - RIGHT, size.1 - top - BOTTOM);
        Self { axes: Axes { x, y, corner: (left, top), size }, x_name: "", y_name: "", lines }
    }

    /// Draws axes and lines.
    pub fn draw(&self, svg: &mut Svg) {
        self.axes.draw(svg, self.x_name, self.y_name);
        self.lines.iter().for_each(|line| line.draw(svg, &self.axes));
    }

    /// Draws the legend in two columns at the top of the picture. Lines without a name are not in it.
    pub fn draw_legend(&self, svg: &mut Svg) {
        for (position, line) in named(&self.lines).enumerate() {
            let x = self.axes.corner.0 + (position % 2) as f64 * 0.5 * self.axes.size.0;
            let y = 18.0 + (position / 2) as f64 * ROW;
            svg.line((x, y), (x + SAMPLE, y), &line.style());
            if line.open {
                svg.circle((x + 0.5 * SAMPLE, y), &line.marker());
            }
            svg.text((x + NAME, y + 0.35 * TEXT), Anchor::Start, &line.name);
        }
    }

    /// The picture that this chart fills; `label` says what it shows to those who cannot see it.
    pub fn picture(&self, label: &str) -> String {
        let Axes { corner, size, .. } = self.axes;
        let (width, height) = (corner.0 + size.0 + RIGHT, corner.1 + size.1 + BOTTOM);
        let mut svg = Svg::new(width, height);
        self.draw(&mut svg);
        self.draw_legend(&mut svg);
        if !self.lines.iter().flat_map(|line| &line.points).any(|point| point.1.is_finite()) {
            svg.text((width / 2.0, height / 2.0), Anchor::Middle, "no finite value");
        }
        svg.finish(label)
    }
}
