//! Axes: a range of round numbers, its ticks, and the frame that figures draw their data in.

use super::svg::{Anchor, GRID, INK, Svg, TEXT};

/// A range of values on one axis, with ticks at multiples of `step`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub low: f64,
    pub high: f64,
    step: f64,
    /// The values are decimal logarithms, and the ticks are labelled with what they are logarithms of.
    decades: bool,
}

impl Scale {
    /// A scale that begins and ends at ticks, about `ticks` of them, and holds all finite `values`; 0 to 1
    /// where there are none.
    pub fn round(values: impl Iterator<Item = f64>, ticks: f64) -> Self {
        let (low, high) = extremes(values).unwrap_or((0.0, 1.0));
        let (low, high) = if low < high { (low, high) } else { around(low) };
        let step = round_step((high - low) / ticks);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step, decades: false }
    }

    /// A scale of whole numbers that begins and ends at the smallest and largest value.
    pub fn tight(values: impl Iterator<Item = f64>, ticks: f64) -> Self {
        let (low, high) = extremes(values).unwrap_or((0.0, 1.0));
        let (low, high) = if low < high { (low, high) } else { (low - 0.5, low + 0.5) };
        Self { low, high, step: round_step((high - low) / ticks).max(1.0), decades: false }
    }

    /// A scale for the decimal logarithms of values, from whole decade to whole decade, about `ticks` of
    /// them.
    pub fn decades(logarithms: impl Iterator<Item = f64>, ticks: f64) -> Self {
        let (low, high) = extremes(logarithms).unwrap_or((0.0, 1.0));
        let (low, high) = (low.floor(), high.ceil().max(low.floor() + 1.0));
        Self { low, high, step: round_step((high - low) / ticks).max(1.0), decades: true }
    }

    /// The positions of the ticks: the multiples of the step, and a whole low end that is well apart from
    /// them.
    pub fn ticks(self) -> impl Iterator<Item = f64> {
        let first = (self.low / self.step - 1e-9).ceil();
        let last = (self.high / self.step + 1e-9).floor();
        let low = self.low.fract() == 0.0 && first * self.step - self.low > 0.5 * self.step;
        let multiples = (0..=(last - first) as usize).map(move |tick| (first + tick as f64) * self.step);
        low.then_some(self.low).into_iter().chain(multiples)
    }

    /// A tick's text: as many decimals as the step needs.
    pub fn label(self, tick: f64) -> String {
        if self.decades {
            return format!("1e{tick}");
        }
        let largest = self.low.abs().max(self.high.abs());
        if largest >= 1e5 || self.step < 1e-4 {
            return format!("{tick:.1e}");
        }
        let decimals = (-self.step.log10() - 1e-9).ceil().max(0.0) as usize;
        format!("{tick:.decimals$}")
    }

    /// Where `value` lies between 0, the low end, and 1, the high one.
    pub fn position(self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// 1, 2 or 5 times a power of ten, at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= step * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// The smallest and the largest finite value.
fn extremes(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| value.is_finite()).fold(None, |extremes, value| match extremes {
        None => Some((value, value)),
        Some((low, high)) => Some((value.min(low), value.max(high))),
    })
}

/// A range around one value.
fn around(value: f64) -> (f64, f64) {
    let half = if value == 0.0 { 1.0 } else { 0.1 * value.abs() };
    (value - half, value + half)
}

/// A rectangle of the picture with a scale along each side.
pub(super) struct Axes {
    pub x: Scale,
    pub y: Scale,
    /// Left and top edge, in picture units.
    pub corner: (f64, f64),
    /// Width and height.
    pub size: (f64, f64),
}

impl Axes {
    /// Where a point of the data lies in the picture.
    pub fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (left, top) = self.corner;
        let (width, height) = self.size;
        (left + width * self.x.position(x), top + height * (1.0 - self.y.position(y)))
    }

    /// Draws grid, ticks, tick labels and the names of both axes.
    pub fn draw(&self, svg: &mut Svg, x_name: &str, y_name: &str) {
        let (left, top) = self.corner;
        let (right, bottom) = (left + self.size.0, top + self.size.1);
        let grid = format!(" stroke=\"{GRID}\"");
        let ink = format!(" stroke=\"{INK}\"");
        for tick in self.y.ticks() {
            let (_, y) = self.place((self.x.low, tick));
            svg.line((left, y), (right, y), &grid);
            svg.text((left - 8.0, y + 0.35 * TEXT), Anchor::End, self.y.label(tick));
        }
        for tick in self.x.ticks() {
            let (x, _) = self.place((tick, self.y.low));
            svg.line((x, bottom), (x, bottom + 5.0), &ink);
            svg.text((x, bottom + 7.0 + TEXT), Anchor::Middle, self.x.label(tick));
        }
        svg.line((left, bottom), (right, bottom), &ink);
        svg.line((left, top), (left, bottom), &ink);
        svg.text(((left + right) / 2.0, bottom + 14.0 + 2.0 * TEXT), Anchor::Middle, x_name);
        svg.vertical_text((TEXT, (top + bottom) / 2.0), y_name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale) -> Vec<String> {
        scale.ticks().map(|tick| scale.label(tick)).collect()
    }

    #[test]
    fn round_scales_begin_and_end_at_ticks() {
        let scale = Scale::round([1.62, f64::NAN, 2.31].into_iter(), 5.0);
        assert_eq!(labels(scale), ["1.6", "1.8", "2.0", "2.2", "2.4"]);
        let scale = Scale::round([3.0, 812.0, f64::INFINITY].into_iter(), 5.0);
        assert_eq!(labels(scale), ["0", "200", "400", "600", "800", "1000"]);
    }

    #[test]
    fn tight_scales_keep_their_ends_and_tick_whole_numbers() {
        let scale = Scale::tight([1.0, 40.0].into_iter(), 5.0);
        assert_eq!((scale.low, scale.high), (1.0, 40.0));
        assert_eq!(labels(scale), ["1", "10", "20", "30", "40"]);
        assert_eq!(labels(Scale::tight([1.0, 2.0].into_iter(), 5.0)), ["1", "2"]);
    }

    #[test]
    fn decades_are_whole_and_labelled_as_powers_of_ten() {
        let scale = Scale::decades([-11.4, -0.2].into_iter(), 6.0);
        assert_eq!((scale.low, scale.high), (-12.0, 0.0));
        assert_eq!(labels(scale), ["1e-12", "1e-10", "1e-8", "1e-6", "1e-4", "1e-2", "1e0"]);
    }

    #[test]
    fn one_value_or_none_still_makes_a_range() {
        let check = |scale: Scale| {
            assert!(scale.low < scale.high, "{scale:?}");
            assert!((1..=12).contains(&scale.ticks().count()), "{scale:?}");
        };
        for values in [vec![], vec![f64::NAN], vec![0.0], vec![2.3], vec![-7.0], vec![1e300]] {
            check(Scale::round(values.into_iter(), 5.0));
        }
        for epochs in [vec![], vec![1.0], vec![1e6]] {
            check(Scale::tight(epochs.into_iter(), 5.0));
        }
    }
}
