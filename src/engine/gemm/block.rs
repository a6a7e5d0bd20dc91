//! Bytes become standardized f32, a block of images and features at a time, in two layouts: one for each product, in which
//! sgemm packs it by plain copying.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::product::TILE;
use crate::model::Standardization;
use crate::samples::{Element, Values};

/// The features of a block. In training, partial logits are rounded at its bounds: the bits of the result depend on it.
pub(super) const FEATURES: usize = 256;
/// The images of a block, and of a chunk of the forward pass outside training.
pub(super) const IMAGES: usize = 128;

/// The memory of a thread.
pub(super) struct Block {
    /// A block of images by features, standardized.
    pub(super) x: Vec<f32>,
    /// `[F, C]`: the gradient of the weights of a block of features. It grows to C.
    pub(super) dweight: Vec<f32>,
}

/// The memory of one block for each thread.
pub(super) struct Blocks(Vec<Mutex<Block>>);

impl Blocks {
    pub(super) fn new(threads: usize) -> Self {
        let block = || Block { x: vec![0.0; FEATURES * IMAGES], dweight: Vec::new() };
        Self((0..threads).map(|_| Mutex::new(block())).collect())
    }

    /// Calls `work` with the block of this thread, which must be one of the team. No lock is ever contended.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut Block) -> R) -> R {
        let thread = rayon::current_thread_index().expect("a thread of the team");
        work(&mut self.0[thread].lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// `x^ = (x - centre) * scale`: the standardization of a feature, with one rounding for each operation.
#[derive(Clone)]
pub(super) struct Standardizer {
    /// `[D]`, padded to whole tiles: `unit mean`.
    centre: Vec<f32>,
    /// `[D]`, padded to whole tiles: `1 / (unit std)`, and 0 in the padding, so that `x^` is 0 there.
    scale: Vec<f32>,
}

impl Standardizer {
    pub(super) fn new(standardization: &Standardization, element: Element) -> Self {
        let unit = f64::from(element.unit());
        let padded = |values: &[f32], of: &dyn Fn(f64) -> f64| {
            let mut values: Vec<f32> = values.iter().map(|&value| of(value.into()) as f32).collect();
            values.resize(values.len().next_multiple_of(TILE), 0.0);
            values
        };
        Self {
            centre: padded(&standardization.mean, &|mean| unit * mean),
            scale: padded(&standardization.std, &|std| 1.0 / (unit * std)),
        }
    }

    /// D, padded to whole tiles.
    pub(super) fn features(&self) -> usize {
        self.centre.len()
    }

    /// `block [B, F] <- x^` of `features` (F of them, whole tiles), one image a row.
    pub(super) fn rows(&self, images: &[Values], features: Range<usize>, block: &mut [f32]) {
        let (centre, scale) = (&self.centre[features.clone()], &self.scale[features.clone()]);
        for (image, row) in images.iter().zip(block.chunks_exact_mut(features.len())) {
            let here = features.start..image.len().min(features.end);
            row[here.len()..].fill(0.0);
            match *image {
                Values::Bytes(bytes) => standardize(&bytes[here], centre, scale, row),
                Values::Floats(floats) => standardize(&floats[here], centre, scale, row),
            }
        }
    }

    /// `block [F, B] <- x^` of `features` (F of them, whole tiles), one image a column. B is the number of images, padded
    /// to whole tiles; the values in the padding have no meaning.
    pub(super) fn columns(&self, images: &[Values], features: Range<usize>, block: &mut [f32]) {
        let width = images.len().next_multiple_of(TILE);
        if images.iter().any(|image| image.element() != Element::U8) {
            return self.columns_of_floats(images, features, block);
        }
        let centre: &[[f32; WORD]] = self.centre[features.clone()].as_chunks().0;
        let scale: &[[f32; WORD]] = self.scale[features.clone()].as_chunks().0;
        let mut bytes = [[0; FEATURES]; TILE];
        let mut words = [[0; TILE]; FEATURES / WORD];
        for (tile, images) in images.chunks(TILE).enumerate() {
            // Copied first, so that the cache misses of many images overlap.
            for (row, image) in bytes.iter_mut().zip(images) {
                let image = image.bytes();
                let image = &image[features.start..image.len().min(features.end)];
                row[..image.len()].copy_from_slice(image);
            }
            for (i, row) in bytes.iter().enumerate() {
                let row = row.as_chunks().0;
                words.iter_mut().zip(row).for_each(|(words, &bytes)| words[i] = u32::from_le_bytes(bytes));
            }
            let rows = block.chunks_exact_mut(WORD * width);
            for (((rows, words), centre), scale) in rows.zip(&words).zip(centre).zip(scale) {
                for i in 0..WORD {
                    let row = &mut rows[i * width..][..width];
                    let row: &mut [f32; TILE] = &mut row.as_chunks_mut().0[tile];
                    for (value, word) in row.iter_mut().zip(words) {
                        *value = (f32::from((word >> (8 * i)) as u8) - centre[i]) * scale[i];
                    }
                }
            }
        }
    }
}

impl Standardizer {
    /// [`Standardizer::columns`] of any numbers, sixteen images at a time.
    fn columns_of_floats(&self, images: &[Values], features: Range<usize>, block: &mut [f32]) {
        let width = images.len().next_multiple_of(TILE);
        let mut rows = [[0.0; FEATURES]; TILE];
        for (tile, images) in images.chunks(TILE).enumerate() {
            for (row, image) in rows.iter_mut().zip(images) {
                self.rows(std::slice::from_ref(image), features.clone(), &mut row[..features.len()]);
            }
            for (feature, column) in block.chunks_exact_mut(width).enumerate() {
                let column = &mut column[tile * TILE..][..TILE];
                column.iter_mut().zip(&rows).for_each(|(value, row)| *value = row[feature]);
            }
        }
    }
}

/// `row <- (x - centre) * scale`
fn standardize<E: Copy + Into<f32>>(x: &[E], centre: &[f32], scale: &[f32], row: &mut [f32]) {
    for (((value, &x), &centre), &scale) in row.iter_mut().zip(x).zip(centre).zip(scale) {
        *value = (x.into() - centre) * scale;
    }
}

/// The bytes of a word: the features that are moved together when a block is transposed, which is four times as fast as
/// moving single bytes.
const WORD: usize = size_of::<u32>();
