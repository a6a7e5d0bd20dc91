//! How weights and images lie in memory for the kernels.
//!
//! Features come in *groups* of sixteen, and groups in *blocks* of 48 (768 features). Packed weights are
//! `[group][row]` of sixteen lanes each, where a row is the columns and, in a wide model, at most one more; a block of
//! ten columns (30 KiB) stays in the first-level cache. Logits and dlogits are `[group of 16 images][column]`.

use super::vector::LANES;

/// Columns of the widest tile.
const WIDEST: usize = 10;

/// Groups in a feature block. The partial logits of blocks are added two by two, then in order, so this is part of the
/// bits.
pub(super) const BLOCK: usize = 48;

/// Lanes from one group's weights to the next one's. A tile of a wide model takes a part of each; with an odd number in
/// a row, the parts spread over all sets of the first-level cache: 16 columns, or 64, otherwise take up to
/// twice as long.
pub(super) fn row(columns: usize) -> usize {
    if columns > WIDEST { columns | 1 } else { columns }
}

/// Where a feature's values lie.
pub(super) struct Place {
    /// Which group.
    pub(super) group: usize,
    /// Which lane of it.
    pub(super) lane: usize,
}

/// Cuts `columns` into tiles of at most `widest`, as evenly as it goes: the first column and width of each.
pub(super) fn tiles(columns: usize, widest: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = columns.div_ceil(widest);
    let start = move |tile: usize| columns * tile / count;
    (0..count).map(move |tile| (start(tile), start(tile + 1) - start(tile)))
}

/// The last group of an image whose D is no multiple of sixteen, with zeros behind.
#[inline(always)]
pub(super) fn tail(image: &[u8]) -> [u8; LANES] {
    let mut group = [0; LANES];
    let rest = image.as_chunks::<LANES>().1;
    group[..rest.len()].copy_from_slice(rest);
    group
}

/// Calls a kernel with the tile's width, 1 to 10, as its last const argument.
macro_rules! with_width {
    ($width:expr, $kernel:ident::<$vector:ident>($($argument:expr),* $(,)?)) => {
        match $width {
            1 => $kernel::<$vector, 1>($($argument),*),
            2 => $kernel::<$vector, 2>($($argument),*),
            3 => $kernel::<$vector, 3>($($argument),*),
            4 => $kernel::<$vector, 4>($($argument),*),
            5 => $kernel::<$vector, 5>($($argument),*),
            6 if $vector::TILE >= 6 => $kernel::<$vector, 6>($($argument),*),
            7 if $vector::TILE >= 7 => $kernel::<$vector, 7>($($argument),*),
            8 if $vector::TILE >= 8 => $kernel::<$vector, 8>($($argument),*),
            9 if $vector::TILE >= 9 => $kernel::<$vector, 9>($($argument),*),
            10 if $vector::TILE >= 10 => $kernel::<$vector, 10>($($argument),*),
            width => unreachable!("a tile of {width} columns"),
        }
    };
}
pub(super) use with_width;
