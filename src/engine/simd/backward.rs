//! `dweight [D, C] <- (x - mean)^T [D, B] . dlogits [B, C]`, and the step that it asks for, in one go.
//!
//! A tile is two groups of sixteen features by up to ten columns: twenty sums stay in registers while all images
//! of the batch pass, each dlogit broadcast to all lanes. A feature's gradient is thus summed over the images in
//! their order. The gradient itself never reaches memory: the tile's weights take their step at once.
//!
//! With AVX-512 a tile asks for the pixels of images to come. Batches of a hundred lie in the second-level cache, and
//! gain nothing by it; an epoch with batches of 1,000 takes 2.9 ms instead of 3.6, and with one of 10,000 4.4 instead of
//! 6.1.

use super::images::Images;
use super::layout::{row, tail, tiles, with_width};
use super::vector::{LANES, Lanes, Vector};

/// Feature groups of a cache line of pixels.
const LINE: usize = 4;
/// Feature groups of a tile.
const GROUPS: usize = 2;

/// What a step does to the weights of a column: `weight <- decay weight - rate dweight`.
#[derive(Clone, Copy, Default)]
pub(super) struct ColumnStep {
    /// eta over the number of images.
    pub(super) rate: f32,
    /// `1 - 2 eta lambda`
    pub(super) decay: f32,
}

/// A batch as the backward pass sees it.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    /// The images.
    pub(super) images: Images<'a>,
    /// `[groups of 16 images][C]`.
    pub(super) dlogits: &'a [Lanes],
    /// `[C]`: their sums over the images.
    pub(super) dbias: &'a [f32],
    /// `[C]`.
    pub(super) steps: &'a [ColumnStep],
}

/// A range of feature groups, and the weights on it.
pub(super) struct Features<'a> {
    /// The first group.
    pub(super) first: usize,
    /// `[groups]`: the mean pixel of each feature.
    pub(super) mean: &'a [Lanes],
    /// `[groups]`: what turns a gradient into a step of the packed weights, which are scaled by the root of it.
    pub(super) scale: &'a [Lanes],
    /// `[groups][row(C)]`.
    pub(super) weight: &'a mut [Lanes],
}

/// One step of gradient descent for the weights of `features`.
#[inline(always)]
pub(super) fn backward<V: Vector>(isa: V::Isa, batch: Batch, features: Features) {
    let columns = batch.steps.len();
    let Features { first, mean, scale, weight } = features;
    let weights = weight.chunks_mut(GROUPS * row(columns));
    let tiled = mean.chunks(GROUPS).zip(scale.chunks(GROUPS)).zip(weights);
    for (index, ((mean, scale), weight)) in tiled.enumerate() {
        let mut features = Features { first: first + GROUPS * index, mean, scale, weight };
        for (column, width) in tiles(columns, V::TILE) {
            with_width!(width, groups::<V>(isa, batch, &mut features, column));
        }
    }
}

/// The columns of one tile, for one or two groups of features.
#[inline(always)]
fn groups<V: Vector, const COLUMNS: usize>(
    isa: V::Isa,
    batch: Batch,
    features: &mut Features,
    column: usize,
) {
    let whole = (batch.images.features() / LANES).saturating_sub(features.first);
    // The first tile of a cache line asks for that line of images to come; for the others it is here.
    let asks = V::ASKS_BACKWARD && column == 0 && features.first.is_multiple_of(LINE);
    match (features.mean.len(), whole) {
        (GROUPS, GROUPS..) if asks => {
            tile::<V, GROUPS, false, true, COLUMNS>(isa, batch, features, 0, column)
        }
        (GROUPS, GROUPS..) => tile::<V, GROUPS, false, false, COLUMNS>(isa, batch, features, 0, column),
        (GROUPS, _) => {
            tile::<V, 1, false, false, COLUMNS>(isa, batch, features, 0, column);
            tile::<V, 1, true, false, COLUMNS>(isa, batch, features, 1, column);
        }
        (_, 0) => tile::<V, 1, true, false, COLUMNS>(isa, batch, features, 0, column),
        _ => tile::<V, 1, false, false, COLUMNS>(isa, batch, features, 0, column),
    }
}

/// One tile: the gradient over all images, then the step. `TAIL` is for the one group that an image does not
/// fill; with `ASKS` it asks for the pixels of the sixteen images to come.
#[inline(always)]
fn tile<V: Vector, const N: usize, const TAIL: bool, const ASKS: bool, const COLUMNS: usize>(
    isa: V::Isa,
    batch: Batch,
    features: &mut Features,
    group: usize,
    column: usize,
) {
    let columns = batch.steps.len();
    let steps: &[ColumnStep; COLUMNS] = batch.steps[column..].first_chunk().expect("a tile of columns");
    for part in 0..V::PARTS {
        let mut mean = [V::splat(isa, 0.0); N];
        for (mean, lanes) in mean.iter_mut().zip(&features.mean[group..]) {
            *mean = V::load(isa, lanes, part);
        }
        let mut sums = [[V::splat(isa, 0.0); COLUMNS]; N];
        let first = features.first + group;
        let mut ahead = batch.images.slice(LANES..usize::MAX).chunks(LANES);
        for (images, dlogits) in batch.images.chunks(LANES).zip(batch.dlogits.chunks_exact(columns)) {
            let dlogits: &[Lanes; COLUMNS] = dlogits[column..].first_chunk().expect("a tile of columns");
            if TAIL {
                for (lane, image) in (0..LANES).zip(images.iter()) {
                    accumulate(isa, part, &mut sums, &mean, &[tail(image); N], dlogits, lane);
                }
            } else {
                let groups = images.groups::<N>(first);
                let ahead = ahead.next().filter(|ahead| ahead.len() == images.len()).unwrap_or(images);
                let ahead = ahead.groups::<N>(first);
                for lane in 0..groups.len().min(LANES) {
                    if ASKS {
                        V::prefetch(isa, &ahead.at(lane)[0][0]);
                    }
                    accumulate(isa, part, &mut sums, &mean, groups.at(lane), dlogits, lane);
                }
            }
        }
        for (n, sums) in sums.iter().enumerate() {
            let scale = V::load(isa, &features.scale[group + n], part);
            let weights = &mut features.weight[(group + n) * row(columns) + column..];
            let weights: &mut [Lanes; COLUMNS] = weights.first_chunk_mut().expect("a tile of columns");
            for ((weight, sum), step) in weights.iter_mut().zip(sums).zip(steps) {
                let decayed = V::load(isa, weight, part) * V::splat(isa, step.decay);
                sum.mul_add(scale * V::splat(isa, -step.rate), decayed).store(weight, part);
            }
        }
    }
}

/// `sums += (x - mean) * dlogit`, for the groups and the dlogits of one image of sixteen.
#[inline(always)]
fn accumulate<V: Vector, const N: usize, const COLUMNS: usize>(
    isa: V::Isa,
    part: usize,
    sums: &mut [[V; COLUMNS]; N],
    mean: &[V; N],
    bytes: &[[u8; LANES]; N],
    dlogits: &[Lanes; COLUMNS],
    lane: usize,
) {
    let mut x = *mean;
    for (x, bytes) in x.iter_mut().zip(bytes) {
        *x = V::bytes(isa, bytes, part) - *x;
    }
    for (c, dlogits) in dlogits.iter().enumerate() {
        let dlogit = V::splat(isa, dlogits.0[lane]);
        for (sums, x) in sums.iter_mut().zip(x) {
            sums[c] = x.mul_add(dlogit, sums[c]);
        }
    }
}
