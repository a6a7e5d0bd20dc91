//! The layout of weights, images and logits for the kernels.
//!
//! Features form *groups* of sixteen, and groups form *blocks* of at most 48 (768 features). Packed weights are
//! `[groups][row(C)]` of sixteen lanes each; a block of ten columns (at most 30 KiB) stays in the first-level cache.
//! Logits and dlogits are `[groups of 16 images][C]`.

use std::ops::Range;

use super::element::Number;
use super::isa::vector::LANES;

/// Columns of the widest tile.
const WIDEST: usize = 10;

/// The most groups in a feature block.
pub(crate) const BLOCK: usize = 48;

/// Groups of a unit, which no block divides: a cache line of bytes.
pub(crate) const UNIT: usize = 4;

/// The most units that are a single block: 256 features, whose steps are so short that one thread most often trains them.
const WHOLE: usize = 4;

/// The feature blocks of a layer: as few as possible, of about the same size, and an even number, so that two threads have
/// as many features each.
///
/// They depend on the number of features alone. The partial logits of blocks are added two by two, then in order: the bits
/// of the result depend on it.
#[derive(Clone, Copy)]
pub(crate) struct Blocks {
    groups: usize,
    count: usize,
}

impl Blocks {
    /// The blocks of this many groups.
    pub(crate) fn new(groups: usize) -> Self {
        let units = groups.div_ceil(UNIT);
        let count = if units <= WHOLE { 1 } else { units.div_ceil(BLOCK / UNIT).next_multiple_of(2) };
        Self { groups, count }
    }

    pub(crate) fn count(self) -> usize {
        self.count
    }

    /// The groups of all blocks.
    pub(crate) fn all(self) -> usize {
        self.groups
    }

    /// The groups of a range of blocks.
    pub(crate) fn groups(self, blocks: Range<usize>) -> Range<usize> {
        let units = self.groups.div_ceil(UNIT);
        let start = |block: usize| (units * block / self.count * UNIT).min(self.groups);
        start(blocks.start)..start(blocks.end)
    }

    /// The groups of each block, in order.
    pub(crate) fn iter(self) -> impl Iterator<Item = Range<usize>> {
        (0..self.count).map(move |block| self.groups(block..block + 1))
    }
}

/// Lanes from the weights of one group to those of the next: C, or in a wide model the next odd number. A tile of a wide
/// model reads a part of each row; where rows are of odd length, the parts spread over all sets of the first-level cache.
/// Otherwise 16 columns, or 64, take up to twice as long.
pub(crate) fn row(columns: usize) -> usize {
    if columns > WIDEST { columns | 1 } else { columns }
}

/// Where the values of a feature are.
pub(crate) struct Place {
    pub(crate) group: usize,
    pub(crate) lane: usize,
}

/// A feature that is multiplied apart from the others of its block.
pub(crate) struct Outlier {
    pub(crate) feature: usize,
    pub(crate) place: Place,
}

/// Cuts `columns` into tiles of at most `widest`, as evenly as possible: the first column and the width of each.
pub(crate) fn tiles(columns: usize, widest: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = columns.div_ceil(widest);
    let start = move |tile: usize| columns * tile / count;
    (0..count).map(move |tile| (start(tile), start(tile + 1) - start(tile)))
}

/// The last group of an image whose D is no multiple of sixteen, padded with zeros.
#[inline(always)]
pub(crate) fn tail<E: Number>(image: &[E]) -> [E; LANES] {
    let mut group = [E::default(); LANES];
    let rest = image.as_chunks::<LANES>().1;
    group[..rest.len()].copy_from_slice(rest);
    group
}

/// Calls a kernel with the width of the tile, 1 to 10, as its last const argument.
macro_rules! with_width {
    ($width:expr, $kernel:ident::<$vector:ident $(, $element:ident)?>($($argument:expr),* $(,)?)) => {
        match $width {
            1 => $kernel::<$vector $(, $element)?, 1>($($argument),*),
            2 if $vector::TILE >= 2 => $kernel::<$vector $(, $element)?, 2>($($argument),*),
            3 if $vector::TILE >= 3 => $kernel::<$vector $(, $element)?, 3>($($argument),*),
            4 if $vector::TILE >= 4 => $kernel::<$vector $(, $element)?, 4>($($argument),*),
            5 if $vector::TILE >= 5 => $kernel::<$vector $(, $element)?, 5>($($argument),*),
            6 if $vector::TILE >= 6 => $kernel::<$vector $(, $element)?, 6>($($argument),*),
            7 if $vector::TILE >= 7 => $kernel::<$vector $(, $element)?, 7>($($argument),*),
            8 if $vector::TILE >= 8 => $kernel::<$vector $(, $element)?, 8>($($argument),*),
            9 if $vector::TILE >= 9 => $kernel::<$vector $(, $element)?, 9>($($argument),*),
            10 if $vector::TILE >= 10 => $kernel::<$vector $(, $element)?, 10>($($argument),*),
            width => unreachable!("a tile of {width} columns"),
        }
    };
}
pub(crate) use with_width;
