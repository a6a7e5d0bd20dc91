//! Bytes become standardized f32, a block of images and features at a time, in the two layouts that the two
//! products pack by plain copying.

use std::ops::Range;

use super::product::TILE;
use crate::data::Standardization;

/// `x^ = (x - centre) * scale`: standardization of a byte with one rounding for each operation.
pub(super) struct Standardizer {
    /// `[D]`, padded to whole tiles: `255 mean`.
    centre: Vec<f32>,
    /// `[D]`, padded to whole tiles: `1 / (255 std)`; 0 in the padding, whose `x^` is therefore 0.
    scale: Vec<f32>,
}

impl Standardizer {
    pub(super) fn new(standardization: &Standardization) -> Self {
        let padded = |values: &[f32], of: fn(f64) -> f64| {
            let mut values: Vec<f32> = values.iter().map(|&value| of(value.into()) as f32).collect();
            values.resize(values.len().next_multiple_of(TILE), 0.0);
            values
        };
        Self {
            centre: padded(&standardization.mean, |mean| 255.0 * mean),
            scale: padded(&standardization.std, |std| 1.0 / (255.0 * std)),
        }
    }

    /// D, padded to whole tiles.
    pub(super) fn features(&self) -> usize {
        self.centre.len()
    }

    /// `block [B, F] <- x^` of `features` (F of them, whole tiles), one image a row.
    pub(super) fn rows(&self, images: &[&[u8]], features: Range<usize>, block: &mut [f32]) {
        let (centre, scale) = (&self.centre[features.clone()], &self.scale[features.clone()]);
        for (image, row) in images.iter().zip(block.chunks_exact_mut(features.len())) {
            let image = &image[features.start..image.len().min(features.end)];
            row[image.len()..].fill(0.0);
            for (((value, &x), &centre), &scale) in row.iter_mut().zip(image).zip(centre).zip(scale) {
                *value = (f32::from(x) - centre) * scale;
            }
        }
    }

    /// `block [F, B] <- x^` of `features` (F of them, whole tiles), one image a column. B is the number of
    /// images in whole tiles; the columns behind the last image hold numbers without meaning.
    pub(super) fn columns(&self, images: &[&[u8]], features: Range<usize>, block: &mut [f32]) {
        let width = images.len().next_multiple_of(TILE);
        for (index, images) in images.chunks(TILE).enumerate() {
            for feature in features.clone().step_by(TILE) {
                let tile = transposed(gathered(images, feature));
                let first_row = feature - features.start;
                for (i, bytes) in tile.iter().enumerate() {
                    let (centre, scale) = (self.centre[feature + i], self.scale[feature + i]);
                    let column = &mut block[(first_row + i) * width + index * TILE..][..TILE];
                    for (value, &x) in column.iter_mut().zip(bytes) {
                        *value = (f32::from(x) - centre) * scale;
                    }
                }
            }
        }
    }
}

/// A square of bytes.
type Tile = [[u8; TILE]; TILE];

/// `TILE` bytes from `feature` on of up to `TILE` images, one a row, zeros where there are none.
#[inline]
fn gathered(images: &[&[u8]], feature: usize) -> Tile {
    let mut tile = [[0; TILE]; TILE];
    for (row, image) in tile.iter_mut().zip(images) {
        match image[feature..].first_chunk() {
            Some(bytes) => *row = *bytes,
            None => row[..image.len() - feature].copy_from_slice(&image[feature..]),
        }
    }
    tile
}

/// Four rounds of interleaving row i with row i + 8: each is two byte shuffles a pair of rows, where moving
/// single bytes would take a load and a store each.
#[inline]
fn transposed(mut tile: Tile) -> Tile {
    for _ in 0..TILE.ilog2() {
        let mut next = [[0; TILE]; TILE];
        for i in 0..TILE / 2 {
            for j in 0..TILE / 2 {
                next[2 * i][2 * j] = tile[i][j];
                next[2 * i][2 * j + 1] = tile[i + TILE / 2][j];
                next[2 * i + 1][2 * j] = tile[i][j + TILE / 2];
                next[2 * i + 1][2 * j + 1] = tile[i + TILE / 2][j + TILE / 2];
            }
        }
        tile = next;
    }
    tile
}
