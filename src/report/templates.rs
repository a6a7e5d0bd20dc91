//! The learnt weights as pictures: for each class the image, CIFAR's or MNIST's in size, that it answers to most strongly.
//!
//! A row of weights has the layout of an image, so it can be shown as one. As in the course, each class is
//! scaled to its own range, over all channels at once: its smallest weight is black, its largest full.

use super::bitmap::png;
use super::svg::{Anchor, Svg};
use crate::data::PictureShape;
use crate::model::Parameters;

/// Picture pixels along the side of a weight.
const ZOOM: usize = 5;
/// The most classes that are drawn.
const MOST: usize = 256;
/// The white room between templates, and around all of them.
const GAP: usize = 10;
/// The size of a class name, and the room for it below its template, in SVG units.
const NAME_SIZE: usize = 22;
const NAME: usize = 30;

/// A pixel: red, green and blue.
pub(super) type Pixel = [u8; 3];

/// The templates of one model: an image a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Templates {
    /// The width and height of an image.
    pub(super) side: usize,
    pub(super) images: Vec<Vec<Pixel>>,
}

impl Templates {
    /// The templates of `parameters`; none where the features are not the pixels of a CIFAR or MNIST image, a weight is not
    /// finite, or the classes are too many to look at.
    pub fn new(parameters: &Parameters) -> Option<Self> {
        let shape = shape(parameters)?;
        let images = parameters.weight.chunks_exact(shape.features()).map(|weights| template(weights, shape));
        Some(Self { side: shape.width, images: images.collect() })
    }

    /// The RGB pixels of a class, row by row.
    pub fn image(&self, class: usize) -> &[Pixel] {
        &self.images[class]
    }

    /// All templates in one PNG, five or ten in a row, each pixel enlarged to a square.
    pub fn png(&self) -> Vec<u8> {
        let (columns, tile) = (self.columns(), self.tile());
        let width = GAP + columns * (tile + GAP);
        let height = GAP + self.images.len().div_ceil(columns) * (tile + GAP);
        let mut pixels = vec![[u8::MAX; 3]; width * height];
        for (class, image) in self.images.iter().enumerate() {
            let left = GAP + class % columns * (tile + GAP);
            let top = GAP + class / columns * (tile + GAP);
            for y in 0..tile {
                let row = &mut pixels[(top + y) * width + left..][..tile];
                let weights = &image[y / ZOOM * self.side..][..self.side];
                row.chunks_exact_mut(ZOOM).zip(weights).for_each(|(square, &weight)| square.fill(weight));
            }
        }
        png(width, &pixels)
    }

    /// All templates in one SVG, each above the name of its class.
    pub fn svg(&self, classes: &[String]) -> String {
        let (columns, tile) = (self.columns(), self.tile());
        let (pitch_x, pitch_y) = (tile + GAP, tile + NAME + GAP);
        let rows = self.images.len().div_ceil(columns);
        let mut svg = Svg::new((GAP + columns * pitch_x) as f64, (GAP + rows * pitch_y) as f64);
        for (class, image) in self.images.iter().enumerate() {
            let (x, y) = (GAP + class % columns * pitch_x, GAP + class / columns * pitch_y);
            svg.bitmap((x as f64, y as f64), (tile as f64, tile as f64), &png(self.side, image));
            let below = ((x + tile / 2) as f64, (y + tile + NAME_SIZE) as f64);
            let size = format!(" font-size=\"{NAME_SIZE}\"");
            svg.styled_text(below, Anchor::Middle, &size, classes.get(class).map_or("", String::as_str));
        }
        svg.finish("The learnt weights of each class as a picture")
    }

    /// The side of an enlarged template, in pixels.
    fn tile(&self) -> usize {
        ZOOM * self.side
    }

    fn columns(&self) -> usize {
        if self.images.len() <= 25 { self.images.len().min(5) } else { 10 }
    }
}

/// How rough each template is, averaged over the classes: the mean difference between neighbouring weights of
/// a channel, in standard deviations of the class's weights. White noise has 1.13, a plain slope nearly 0.
/// None where [`Templates::new`] has none.
pub fn roughness(parameters: &Parameters) -> Option<f64> {
    let shape = shape(parameters)?;
    let rows = parameters.weight.chunks_exact(shape.features());
    Some(rows.map(|weights| row_roughness(weights, shape)).sum::<f64>() / parameters.classes as f64)
}

/// The shape of the templates of `parameters`, where they can be drawn.
fn shape(parameters: &Parameters) -> Option<PictureShape> {
    let drawn = parameters.is_finite() && parameters.classes <= MOST;
    PictureShape::of_features(parameters.features).filter(|_| drawn)
}

fn row_roughness(weights: &[f32], PictureShape { width, height, .. }: PictureShape) -> f64 {
    let features = weights.len() as f64;
    let mean = weights.iter().map(|&w| f64::from(w)).sum::<f64>() / features;
    let variance = weights.iter().map(|&w| (f64::from(w) - mean).powi(2)).sum::<f64>() / features;
    if variance == 0.0 {
        return 0.0;
    }
    let mut sum = 0.0;
    for plane in weights.chunks_exact(width * height) {
        for row in plane.chunks_exact(width) {
            sum += row.windows(2).map(|pair| f64::from((pair[1] - pair[0]).abs())).sum::<f64>();
        }
        sum += plane.iter().zip(&plane[width..]).map(|(a, b)| f64::from((b - a).abs())).sum::<f64>();
    }
    let neighbours = weights.len() / (width * height) * (2 * width * height - width - height);
    sum / neighbours as f64 / variance.sqrt()
}

/// One row of weights, planes of red, green and blue, or one of grey, as pixels; grey where all are equal.
fn template(weights: &[f32], PictureShape { channels, width, height }: PictureShape) -> Vec<Pixel> {
    let low = weights.iter().copied().fold(f32::INFINITY, f32::min);
    let high = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let level = |weight: f32| {
        let share = (f64::from(weight) - f64::from(low)) / (f64::from(high) - f64::from(low));
        if low < high { (255.0 * share).round() as u8 } else { 128 }
    };
    let plane = width * height;
    let pixel = |i: usize| [0, 1, 2].map(|colour| level(weights[colour.min(channels - 1) * plane + i]));
    (0..plane).map(pixel).collect()
}
