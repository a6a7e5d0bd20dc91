//! The confusion matrix: precision and recall of each class, and a heat map.

use super::Table;
use super::bitmap::translucent_png;
use super::columns::columns;
use super::number::{count, fixed};
use super::svg::{Anchor, Svg, TEXT, shade};

/// The side of a heat map's cell where the count stands in it, in SVG units.
const CELL: f64 = 46.0;
/// Up to this many classes, each has its count in the cell and its name beside it.
const NAMED: usize = 20;
/// The side of the whole matrix with more classes.
const SIDE: f64 = 480.0;
/// The colour of a cell with all images of its row: Okabe and Ito's blue.
const FULL: [u8; 3] = [0x00, 0x72, 0xB2];

/// `[K, K]`: images of true class `row` that were taken for class `column`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confusion<'a> {
    classes: &'a [String],
    counts: &'a [u64],
}

impl<'a> Confusion<'a> {
    /// The matrix `counts`, `[K, K]`, row-major, of the K `classes`.
    ///
    /// # Panics
    /// If `counts` is not `[K, K]`.
    pub fn new(classes: &'a [String], counts: &'a [u64]) -> Self {
        assert_eq!(counts.len(), classes.len().pow(2), "counts [K, K]");
        Self { classes, counts }
    }

    /// The names of the classes.
    pub fn classes(&self) -> &'a [String] {
        self.classes
    }

    /// Images of class `truth` that were taken for class `predicted`.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        self.counts[truth * self.classes.len() + predicted]
    }

    /// The images of class `truth`.
    pub fn images(&self, truth: usize) -> u64 {
        (0..self.classes.len()).map(|predicted| self.count(truth, predicted)).sum()
    }

    /// The images taken for class `predicted`.
    pub fn predicted(&self, predicted: usize) -> u64 {
        (0..self.classes.len()).map(|truth| self.count(truth, predicted)).sum()
    }

    /// The fraction of the images of `class` that were taken for it; NaN where there are none.
    pub fn recall(&self, class: usize) -> f64 {
        self.count(class, class) as f64 / self.images(class) as f64
    }

    /// The fraction of the images taken for `class` that are of it; NaN where there are none.
    pub fn precision(&self, class: usize) -> f64 {
        self.count(class, class) as f64 / self.predicted(class) as f64
    }

    /// The heat map: a row for each true class, shaded by the share of its images.
    pub fn heat_map(&self) -> String {
        let classes = self.classes.len();
        let named = classes <= NAMED;
        let cell = if named { CELL } else { SIDE / classes as f64 };
        // Letters are about half as wide as they are high; names above the columns slant by 45 degrees.
        let width = |name: &String| if named { 0.5 * TEXT * columns(name) as f64 } else { 0.0 };
        let longest = self.classes.iter().map(width).fold(0.0, f64::max);
        let (left, top) = (longest + 40.0, 0.71 * longest + 40.0);
        let side = cell * classes as f64;
        let beyond = self.classes.last().map_or(0.0, |name| 0.71 * width(name) - 0.5 * cell).max(0.0);
        let mut svg = Svg::new(left + side + beyond + 10.0, top + side + 10.0);
        if named {
            self.draw_cells(&mut svg, (left, top));
            self.draw_names(&mut svg, (left, top));
        } else {
            let [r, g, b] = FULL;
            let cells: Vec<[u8; 4]> =
                self.shares().map(|share| [r, g, b, (255.0 * share).round() as u8]).collect();
            svg.bitmap((left, top), (side, side), &translucent_png(classes, &cells));
        }
        svg.text((left + 0.5 * side, TEXT + 4.0), Anchor::Middle, "predicted class");
        svg.vertical_text((TEXT + 4.0, top + 0.5 * side), "true class");
        svg.finish("Confusion matrix: images of each true class by the class they were taken for")
    }

    /// `[K, K]`: each count as a fraction of its row's images; 0 where there are none.
    fn shares(&self) -> impl Iterator<Item = f64> {
        self.counts.chunks(self.classes.len()).flat_map(|row| {
            let images = row.iter().sum::<u64>().max(1) as f64;
            row.iter().map(move |&count| count as f64 / images)
        })
    }

    /// Cells with their counts.
    fn draw_cells(&self, svg: &mut Svg, (left, top): (f64, f64)) {
        for (cell, (share, count)) in self.shares().zip(self.counts).enumerate() {
            let (truth, predicted) = (cell / self.classes.len(), cell % self.classes.len());
            let (x, y) = (left + predicted as f64 * CELL, top + truth as f64 * CELL);
            let (style, colour) = shade(share);
            svg.rectangle((x, y), (CELL, CELL), &style);
            let style = format!(" fill=\"{colour}\" font-size=\"14\"");
            svg.styled_text((x + 0.5 * CELL, y + 0.5 * CELL + 5.0), Anchor::Middle, &style, count);
        }
    }

    /// Names of the true classes at the left, of the predicted ones slanting up from the top.
    fn draw_names(&self, svg: &mut Svg, (left, top): (f64, f64)) {
        for (class, name) in self.classes.iter().enumerate() {
            let centre = (class as f64 + 0.5) * CELL;
            svg.text((left - 8.0, top + centre + 0.35 * TEXT), Anchor::End, name);
            let (x, y) = (left + centre, top - 8.0);
            let turn = format!(" transform=\"rotate(-45 {x:.1} {y:.1})\"");
            svg.styled_text((x, y), Anchor::Start, &turn, name);
        }
    }
}

/// Precision and recall of each class, in percent, for one run or several side by side.
pub fn per_class(runs: &[(&str, Confusion)]) -> Table {
    let mut table = Table::new(["class", "images"]);
    let prefix = |name: &str| if runs.len() > 1 { format!("{name} ") } else { String::new() };
    for (name, _) in runs {
        table.header.extend([format!("{}recall", prefix(name)), format!("{}precision", prefix(name))]);
    }
    let Some((_, first)) = runs.first() else { return table };
    for (class, name) in first.classes.iter().enumerate() {
        let mut row = vec![name.clone(), count(first.images(class))];
        for (_, confusion) in runs {
            let ratios = [confusion.recall(class), confusion.precision(class)];
            row.extend(ratios.map(|ratio| if ratio.is_nan() { "–".into() } else { fixed(100.0 * ratio, 1) }));
        }
        table.rows.push(row);
    }
    table
}
