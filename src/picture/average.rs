//! The average of a picture's centre square, row by row as it is decoded.

use crate::data::layout::CHANNELS;

/// The centre square of a picture on its way to `target` x `target` pixels, each the mean of the area that it covers.
///
/// Areas are in units of 1/target of a source pixel each way, so that all of them are whole numbers.
pub(super) struct Average {
    width: usize,
    target: usize,
    /// The width and height of the square, and its first column and row.
    side: usize,
    left: usize,
    top: usize,
    /// The rows that were seen.
    seen: usize,
    /// `[target][target]`: the sums of the areas' values.
    sums: Vec<[u64; CHANNELS]>,
    /// `[target]`: those of one row.
    row: Vec<[u64; CHANNELS]>,
}

impl Average {
    /// Of a picture of this size, which has a pixel.
    pub(super) fn new((width, height): (usize, usize), target: usize) -> Self {
        let side = width.min(height);
        Self {
            width,
            target,
            side,
            left: (width - side) / 2,
            top: (height - side) / 2,
            seen: 0,
            sums: vec![[0; CHANNELS]; target * target],
            row: vec![[0; CHANNELS]; target],
        }
    }

    /// The width of the picture.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Takes the next row, of which `pixel` is given by its column.
    pub(super) fn add_row(&mut self, pixel: impl Fn(usize) -> [u8; CHANNELS]) {
        let Some(row) = self.seen.checked_sub(self.top).filter(|&row| row < self.side) else {
            self.seen += 1;
            return;
        };
        self.seen += 1;
        self.row.fill([0; CHANNELS]);
        for column in 0..self.side {
            let pixel = pixel(self.left + column).map(u64::from);
            for (target, width) in covering(column, self.side, self.target) {
                self.row[target].iter_mut().zip(pixel).for_each(|(sum, value)| *sum += width * value);
            }
        }
        for (target, height) in covering(row, self.side, self.target) {
            let sums = &mut self.sums[target * self.target..][..self.target];
            for (sums, row) in sums.iter_mut().zip(&self.row) {
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += height * value);
            }
        }
    }

    /// The pixels, row by row, once all rows were seen.
    pub(super) fn pixels(&self) -> Vec<[u8; CHANNELS]> {
        let area = (self.side * self.side) as u64;
        self.sums.iter().map(|sums| sums.map(|sum| ((sum + area / 2) / area) as u8)).collect()
    }
}

/// The target pixels, of `targets` in a row, that the source pixel `index`, of `side` in a row, is covered by, each with
/// the covered part of it, in units of 1/targets.
fn covering(index: usize, side: usize, targets: usize) -> impl Iterator<Item = (usize, u64)> {
    let (start, end) = (index * targets, (index + 1) * targets);
    let part = move |target: usize| (end.min((target + 1) * side) - start.max(target * side)) as u64;
    (start / side..end.div_ceil(side)).map(move |target| (target, part(target)))
}
