//! How weights and images lie in memory for the kernels.
//!
//! Features come in *groups* of sixteen, and groups in *blocks* of 48 (768 features). Packed weights are
//! `[group][column]` of sixteen lanes each; a tile's weights are then one run of memory, and a block of ten
//! columns (30 KiB) stays in the first-level cache. Logits and dlogits are `[group of 16 images][column]`.

use super::vector::{LANES, Lanes};

/// Groups in a feature block. The partial logits of the blocks are added in order, so this is part of the bits.
pub(super) const BLOCK: usize = 48;

/// Columns of the widest tile that any instruction set takes.
pub(super) const WIDEST_TILE: usize = 10;

/// Values that depend on the feature, `[D]`, in groups; the lanes behind the last feature hold 0.
pub(super) fn pack(values: impl Iterator<Item = f32>) -> Vec<Lanes> {
    let mut groups = Vec::new();
    for (index, value) in values.enumerate() {
        if index % LANES == 0 {
            groups.push(Lanes::ZERO);
        }
        groups[index / LANES].0[index % LANES] = value;
    }
    groups
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

/// Calls a kernel with the tile's width, 1 to [`WIDEST_TILE`], as its last const argument.
macro_rules! with_width {
    ($width:expr, $kernel:ident::<$($generic:tt),*>($($argument:expr),* $(,)?)) => {
        match $width {
            1 => $kernel::<$($generic),*, 1>($($argument),*),
            2 => $kernel::<$($generic),*, 2>($($argument),*),
            3 => $kernel::<$($generic),*, 3>($($argument),*),
            4 => $kernel::<$($generic),*, 4>($($argument),*),
            5 => $kernel::<$($generic),*, 5>($($argument),*),
            6 => $kernel::<$($generic),*, 6>($($argument),*),
            7 => $kernel::<$($generic),*, 7>($($argument),*),
            8 => $kernel::<$($generic),*, 8>($($argument),*),
            9 => $kernel::<$($generic),*, 9>($($argument),*),
            _ => $kernel::<$($generic),*, { $crate::engine::simd::layout::WIDEST_TILE }>($($argument),*),
        }
    };
}
pub(super) use with_width;
