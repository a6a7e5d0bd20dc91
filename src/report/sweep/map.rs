//! The map of a sweep: what each pair of values of two settings reaches on the validation split.

use crate::report::axes::{Axes, Scale};
use crate::report::number::fixed;
use crate::report::svg::{Anchor, EDGE, GROUND, Svg, TEXT, VERMILION, shade};
use crate::sweep::Ending;
use crate::sweep::record::Row;

/// The sides of a cell with a number in it, and of one in a map with more columns or rows than these.
const CELL: (f64, f64) = (62.0, 36.0);
const SMALL: (f64, f64) = (12.0, 12.0);
const MOST: (usize, usize) = (16, 30);
/// Where pairs of values are tried so much more rarely than they could be, each run is a point.
const SPARSE: usize = 3;
/// The room of the points, and around them.
const FIELD: (f64, f64) = (520.0, 400.0);
const MARGIN: f64 = 84.0;

/// What is shown of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    Accuracy,
    Loss,
}

impl Quantity {
    fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "validation accuracy (%)",
            Self::Loss => "validation loss (nats)",
        }
    }

    fn of(self, row: &Row) -> f64 {
        match self {
            Self::Accuracy => 100.0 * row.validation.accuracy,
            Self::Loss => row.validation.loss,
        }
    }

    fn text(self, row: &Row) -> String {
        match self {
            _ if row.status == Ending::Diverged => "div.".into(),
            Self::Accuracy => fixed(self.of(row), 1),
            Self::Loss if self.of(row) >= 100.0 => format!("{:.0e}", self.of(row)),
            Self::Loss => fixed(self.of(row), 3),
        }
    }

    /// How good a run is: 1 for the best one, 0 for the worse half.
    fn goodness(self, rows: &[Row]) -> impl Fn(&Row) -> f64 {
        let sign = if self == Self::Accuracy { 1.0 } else { -1.0 };
        let value =
            move |row: &Row| if row.status == Ending::Diverged { f64::NAN } else { sign * self.of(row) };
        let mut values: Vec<f64> = rows.iter().map(value).filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.get(values.len() / 2).copied().unwrap_or(0.0);
        let best = values.last().copied().unwrap_or(1.0);
        move |row| {
            let share = (value(row) - middle) / (best - middle);
            if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
        }
    }
}

/// The figure of `rows`, the best first, over the settings `x` and, if there is a second one, `y`.
pub(super) fn figure(rows: &[Row], x: &str, y: Option<&str>, quantity: Quantity) -> String {
    let columns = values(rows, x);
    let lines = y.map_or_else(|| vec![String::new()], |y| values(rows, y));
    if columns.len() * lines.len() > SPARSE * rows.len()
        && y.is_some_and(|y| is_positive(rows, x) && is_positive(rows, y))
    {
        return points(rows, x, y.unwrap_or_default(), quantity);
    }
    let named = columns.len() <= MOST.0 && lines.len() <= MOST.1;
    let (width, height) = if named { CELL } else { SMALL };
    let longest = lines.iter().map(|value| value.chars().count()).max().unwrap_or(0) as f64;
    let (left, top) = (34.0 + 0.55 * TEXT * longest, 34.0);
    let size = (width * columns.len() as f64, height * lines.len() as f64);
    let mut svg = Svg::new(left + size.0 + 14.0, top + size.1 + 56.0);
    svg.text((left, 20.0), Anchor::Start, quantity.name());
    let goodness = quantity.goodness(rows);
    for (column, x_value) in columns.iter().enumerate() {
        for (line, y_value) in lines.iter().enumerate() {
            let here =
                |row: &&Row| row.config.get(x) == *x_value && y.is_none_or(|y| row.config.get(y) == *y_value);
            let Some(row) = rows.iter().find(here) else { continue };
            // The largest value of y is at the top.
            let at = (left + width * column as f64, top + size.1 - height * (line + 1) as f64);
            cell(&mut svg, at, (width, height), goodness(row), row.id == rows[0].id);
            if named {
                cell_text(&mut svg, at, row, &goodness, quantity);
            }
        }
    }
    let every =
        |count: usize, side: f64| (1.5 * TEXT / side).ceil().max((count as f64 / 40.0).ceil()) as usize;
    for (column, value) in columns.iter().enumerate().step_by(every(columns.len(), width)) {
        let x = left + width * (column as f64 + 0.5);
        svg.styled_text((x, top + size.1 + 18.0), Anchor::Middle, " font-size=\"13\"", short(value));
    }
    for (line, value) in lines.iter().enumerate().step_by(every(lines.len(), height)) {
        let y = top + size.1 - height * (line as f64 + 0.5);
        svg.styled_text((left - 6.0, y + 5.0), Anchor::End, " font-size=\"13\"", value);
    }
    svg.text((left + 0.5 * size.0, top + size.1 + 44.0), Anchor::Middle, x.replace('_', " "));
    svg.vertical_text((TEXT, top + 0.5 * size.1), y.unwrap_or_default().replace('_', " "));
    svg.finish(&format!("A map of {} over {x} and {}", quantity.name(), y.unwrap_or("nothing else")))
}

fn cell(svg: &mut Svg, (x, y): (f64, f64), (width, height): (f64, f64), goodness: f64, best: bool) {
    svg.rectangle((x, y), (width, height), &shade(goodness).0);
    if best {
        let style = format!(" fill=\"none\" stroke=\"{VERMILION}\" stroke-width=\"3\"");
        svg.rectangle((x + 1.5, y + 1.5), (width - 3.0, height - 3.0), &style);
    }
}

/// The number in a cell, and below it the epoch at which the run was dropped.
fn cell_text(
    svg: &mut Svg,
    (x, y): (f64, f64),
    row: &Row,
    goodness: impl Fn(&Row) -> f64,
    quantity: Quantity,
) {
    let (_, colour) = shade(goodness(row));
    let dropped = row.status == Ending::Dropped;
    let middle = (x + 0.5 * CELL.0, y + 0.5 * CELL.1 + if dropped { 0.0 } else { 5.0 });
    let style = format!(" fill=\"{colour}\" font-size=\"14\"");
    svg.styled_text(middle, Anchor::Middle, &style, quantity.text(row));
    if dropped {
        let style = format!(" fill=\"{colour}\" font-size=\"10\"");
        svg.styled_text((middle.0, middle.1 + 12.0), Anchor::Middle, &style, format!("epoch {}", row.epoch));
    }
}

/// A point for each run, on logarithmic axes.
fn points(rows: &[Row], x: &str, y: &str, quantity: Quantity) -> String {
    let logarithm = |row: &Row, name: &str| number(&row.config.get(name)).log10();
    let scale = |name: &str| Scale::decades(rows.iter().map(|row| logarithm(row, name)), 6.0);
    let corner = (MARGIN, 34.0);
    let axes = Axes { x: scale(x), y: scale(y), corner, size: FIELD };
    let mut svg = Svg::new(MARGIN + FIELD.0 + 24.0, corner.1 + FIELD.1 + 58.0);
    svg.text((corner.0, 20.0), Anchor::Start, quantity.name());
    axes.draw(&mut svg, &x.replace('_', " "), &y.replace('_', " "));
    let goodness = quantity.goodness(rows);
    // The best ones above the others.
    for (index, row) in rows.iter().enumerate().rev() {
        let (edge, width) = if index == 0 { (VERMILION, 3) } else { (EDGE, 1) };
        let place = axes.place((logarithm(row, x), logarithm(row, y)));
        // The shade lets what is below it shine through.
        svg.dot(place, 7.0, &format!(" fill=\"{GROUND}\""));
        let (shade, _) = shade(0.1 + 0.9 * goodness(row));
        svg.dot(place, 7.0, &format!("{shade} stroke=\"{edge}\" stroke-width=\"{width}\""));
    }
    svg.finish(&format!("Every run by {x} and {y}, shaded by {}", quantity.name()))
}

/// A value that fits below a cell: a long number as a power of ten.
fn short(value: &str) -> String {
    match number(value) {
        number if number.is_finite() && value.len() > 6 => format!("{number:e}"),
        _ => value.into(),
    }
}

/// The values of the setting `name`, numbers in their order.
fn values(rows: &[Row], name: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for row in rows {
        let value = row.config.get(name);
        if !values.contains(&value) {
            values.push(value);
        }
    }
    // What is no number comes last.
    values.sort_by(|one, other| number(one).abs().total_cmp(&number(other).abs()).then(one.cmp(other)));
    values
}

fn is_positive(rows: &[Row], name: &str) -> bool {
    rows.iter().all(|row| number(&row.config.get(name)) > 0.0)
}

/// The number that a text is; none is not a number.
fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}
