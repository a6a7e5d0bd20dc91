//! The learnt weights as pictures: for each class the 32 x 32 image that it answers to most strongly.
//!
//! A row of weights has the layout of an image, so it can be shown as one. As in the course, each class is
//! scaled to its own range, over all three channels at once: its smallest weight is black, its largest full.

use super::bitmap::png;
use super::svg::{Anchor, Svg};
use crate::data::layout::{CHANNELS, FEATURES, SIDE};
use crate::model::Parameters;

/// Picture pixels along the side of a weight.
const ZOOM: usize = 5;
/// The side of an enlarged template, in pixels.
const TILE: usize = ZOOM * SIDE;
/// The white room between templates, and around all of them.
const GAP: usize = 10;
/// The size of a class name, and the room for it below its template, in SVG units.
const NAME_SIZE: usize = 22;
const NAME: usize = 30;

/// The templates of one model: an image of `SIDE` x `SIDE` RGB pixels a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Templates {
    pub(super) images: Vec<Vec<[u8; CHANNELS]>>,
}

impl Templates {
    /// The templates of `parameters`; none where the features are not the pixels of a CIFAR image, or a
    /// weight is not finite.
    pub fn new(parameters: &Parameters) -> Option<Self> {
        let images = || parameters.weight.chunks_exact(FEATURES).map(template).collect();
        is_drawable(parameters).then(|| Self { images: images() })
    }

    /// The RGB pixels of a class, row by row.
    pub fn image(&self, class: usize) -> &[[u8; CHANNELS]] {
        &self.images[class]
    }

    /// All templates in one PNG, five or ten in a row, each pixel enlarged to a square.
    pub fn png(&self) -> Vec<u8> {
        let columns = self.columns();
        let width = GAP + columns * (TILE + GAP);
        let height = GAP + self.images.len().div_ceil(columns) * (TILE + GAP);
        let mut pixels = vec![[u8::MAX; CHANNELS]; width * height];
        for (class, image) in self.images.iter().enumerate() {
            let left = GAP + class % columns * (TILE + GAP);
            let top = GAP + class / columns * (TILE + GAP);
            for y in 0..TILE {
                let row = &mut pixels[(top + y) * width + left..][..TILE];
                let weights = &image[y / ZOOM * SIDE..][..SIDE];
                row.chunks_exact_mut(ZOOM).zip(weights).for_each(|(square, &weight)| square.fill(weight));
            }
        }
        png(width, &pixels)
    }

    /// All templates in one SVG, each above the name of its class.
    pub fn svg(&self, classes: &[String]) -> String {
        let columns = self.columns();
        let (pitch_x, pitch_y) = (TILE + GAP, TILE + NAME + GAP);
        let rows = self.images.len().div_ceil(columns);
        let mut svg = Svg::new((GAP + columns * pitch_x) as f64, (GAP + rows * pitch_y) as f64);
        for (class, image) in self.images.iter().enumerate() {
            let (x, y) = (GAP + class % columns * pitch_x, GAP + class / columns * pitch_y);
            svg.bitmap((x as f64, y as f64), (TILE as f64, TILE as f64), &png(SIDE, image));
            let below = ((x + TILE / 2) as f64, (y + TILE + NAME_SIZE) as f64);
            let size = format!(" font-size=\"{NAME_SIZE}\"");
            svg.styled_text(below, Anchor::Middle, &size, classes.get(class).map_or("", String::as_str));
        }
        svg.finish("The learnt weights of each class as a picture")
    }

    fn columns(&self) -> usize {
        if self.images.len() <= 25 { self.images.len().min(5) } else { 10 }
    }
}

/// How rough each template is, averaged over the classes: the mean difference between neighbouring weights of
/// a channel, in standard deviations of the class's weights. White noise has 1.13, a plain slope nearly 0.
/// None where [`Templates::new`] has none.
pub fn roughness(parameters: &Parameters) -> Option<f64> {
    let rows = parameters.weight.chunks_exact(FEATURES);
    is_drawable(parameters).then(|| rows.map(row_roughness).sum::<f64>() / parameters.classes as f64)
}

fn is_drawable(parameters: &Parameters) -> bool {
    parameters.features == FEATURES && parameters.is_finite()
}

fn row_roughness(weights: &[f32]) -> f64 {
    let mean = weights.iter().map(|&w| f64::from(w)).sum::<f64>() / FEATURES as f64;
    let variance = weights.iter().map(|&w| (f64::from(w) - mean).powi(2)).sum::<f64>() / FEATURES as f64;
    if variance == 0.0 {
        return 0.0;
    }
    let mut sum = 0.0;
    for plane in weights.chunks_exact(SIDE * SIDE) {
        for row in plane.chunks_exact(SIDE) {
            sum += row.windows(2).map(|pair| f64::from((pair[1] - pair[0]).abs())).sum::<f64>();
        }
        sum += plane.iter().zip(&plane[SIDE..]).map(|(a, b)| f64::from((b - a).abs())).sum::<f64>();
    }
    let neighbours = 2 * CHANNELS * SIDE * (SIDE - 1);
    sum / neighbours as f64 / variance.sqrt()
}

/// One row of weights, planes of red, green and blue, as pixels; grey where all are equal.
fn template(weights: &[f32]) -> Vec<[u8; CHANNELS]> {
    let low = weights.iter().copied().fold(f32::INFINITY, f32::min);
    let high = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let level = |weight: f32| {
        let share = (f64::from(weight) - f64::from(low)) / (f64::from(high) - f64::from(low));
        if low < high { (255.0 * share).round() as u8 } else { 128 }
    };
    let plane = SIDE * SIDE;
    (0..plane).map(|i| [0, 1, 2].map(|channel| level(weights[channel * plane + i]))).collect()
}
