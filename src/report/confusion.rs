//! What was predicted of the images of each class: precision, recall, and the confusion matrix as a heat map.

use super::Table;
use super::bitmap::translucent_png;
use super::columns::columns;
use super::number::{count, fixed};
use super::svg::{Anchor, Svg, TEXT, shade};
use crate::engine::{ClassCounts, Counts};

/// The side of a heat map's cell where the count stands in it, in SVG units.
const CELL: f64 = 46.0;
/// Up to this many classes, each has its count in the cell and its name beside it.
const NAMED: usize = 20;
/// The side of the whole matrix with more classes.
const SIDE: f64 = 480.0;
/// Up to this many classes are listed one by one.
const LISTED: usize = 100;
/// So many are listed of more.
const LOWEST: usize = 20;
/// The colour of a cell with all images of its row: Okabe and Ito's blue.
const FULL: [u8; 3] = [0x00, 0x72, 0xB2];

/// What was predicted of images, with the names of the classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confusion<'a> {
    classes: &'a [String],
    counts: &'a Counts,
}

impl<'a> Confusion<'a> {
    /// The `counts` of the K `classes`.
    ///
    /// # Panics
    /// If they are of another number of classes.
    pub fn new(classes: &'a [String], counts: &'a Counts) -> Self {
        assert_eq!(counts.classes(), classes.len(), "counts of K classes");
        Self { classes, counts }
    }

    /// The names of the classes.
    pub fn classes(&self) -> &'a [String] {
        self.classes
    }

    /// The rows of the confusion matrix: the images of each true class by the class that they were taken for. None of more
    /// classes than such a matrix has.
    pub fn rows(&self) -> Option<impl Iterator<Item = &'a [u64]> + use<'a>> {
        self.counts.matrix().map(|matrix| matrix.chunks(self.classes.len()))
    }

    /// The images of `class`.
    pub fn images(&self, class: usize) -> u64 {
        self.counts.of(class).images
    }

    /// The fraction of the images of `class` that were taken for it; NaN where there are none.
    pub fn recall(&self, class: usize) -> f64 {
        let ClassCounts { images, right, .. } = self.counts.of(class);
        right as f64 / images as f64
    }

    /// The fraction of the images taken for `class` that are of it; NaN where there are none.
    pub fn precision(&self, class: usize) -> f64 {
        let ClassCounts { predicted, right, .. } = self.counts.of(class);
        right as f64 / predicted as f64
    }

    /// The heat map: a row for each true class, shaded by the share of its images. None of more classes than a matrix has.
    pub fn heat_map(&self) -> Option<String> {
        let matrix = self.counts.matrix()?;
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
            self.draw_cells(matrix, &mut svg, (left, top));
            self.draw_names(&mut svg, (left, top));
        } else {
            let [r, g, b] = FULL;
            let cells: Vec<[u8; 4]> =
                self.shares(matrix).map(|share| [r, g, b, (255.0 * share).round() as u8]).collect();
            svg.bitmap((left, top), (side, side), &translucent_png(classes, &cells));
        }
        svg.text((left + 0.5 * side, TEXT + 4.0), Anchor::Middle, "predicted class");
        svg.vertical_text((TEXT + 4.0, top + 0.5 * side), "true class");
        Some(svg.finish("Confusion matrix: images of each true class by the class they were taken for"))
    }

    /// `[K, K]`: each count as a fraction of its row's images; 0 where there are none.
    fn shares(&self, matrix: &[u64]) -> impl Iterator<Item = f64> {
        matrix.chunks(self.classes.len()).flat_map(|row| {
            let images = row.iter().sum::<u64>().max(1) as f64;
            row.iter().map(move |&count| count as f64 / images)
        })
    }

    /// Cells with their counts.
    fn draw_cells(&self, matrix: &[u64], svg: &mut Svg, (left, top): (f64, f64)) {
        for (cell, (share, count)) in self.shares(matrix).zip(matrix).enumerate() {
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

/// Precision and recall of each class, in percent, for one run or several side by side. Of many classes those with the
/// lowest recall in the first run.
pub fn per_class(runs: &[(&str, Confusion)]) -> Table {
    let mut table = Table::new(["class", "images"]);
    let prefix = |name: &str| if runs.len() > 1 { format!("{name} ") } else { String::new() };
    for (name, _) in runs {
        table.header.extend([format!("{}recall", prefix(name)), format!("{}precision", prefix(name))]);
    }
    let Some((_, first)) = runs.first() else { return table };
    let mut classes: Vec<usize> = (0..first.classes.len()).collect();
    if classes.len() > LISTED {
        classes.sort_by(|&a, &b| first.recall(a).total_cmp(&first.recall(b)));
        classes.truncate(LOWEST);
    }
    for class in classes {
        let mut row = vec![first.classes[class].clone(), count(first.images(class))];
        for (_, confusion) in runs {
            let ratios = [confusion.recall(class), confusion.precision(class)];
            row.extend(ratios.map(|ratio| if ratio.is_nan() { "–".into() } else { fixed(100.0 * ratio, 1) }));
        }
        table.rows.push(row);
    }
    if first.classes.len() > LISTED {
        let mut more = vec![String::new(); table.header.len()];
        more[0] = format!("and {} with a higher recall", count(first.classes.len() - LOWEST));
        table.rows.push(more);
    }
    table
}
