//! What the kernels read features as.

use super::isa::vector::{LANES, Vector};
use crate::samples::Values;

/// A byte or an f32.
pub(crate) trait Number: Copy + Default + Send + Sync + 'static {
    /// The features of a row.
    ///
    /// # Panics
    /// If they are of the other kind.
    fn of(values: Values<'_>) -> &[Self];

    /// Part `part` of sixteen features, as numbers.
    fn load<V: Vector>(isa: V::Isa, group: &[Self; LANES], part: usize) -> V;

    /// Prefetches four groups of sixteen features, which fill one cache line of bytes, or four.
    #[inline(always)]
    fn prefetch<V: Vector>(isa: V::Isa, groups: &[[Self; LANES]; 4]) {
        let lines = size_of::<Self>();
        for line in 0..lines {
            V::prefetch(isa, &groups[line * groups.len() / lines]);
        }
    }
}

impl Number for u8 {
    fn of(values: Values<'_>) -> &[Self] {
        values.bytes()
    }

    #[inline(always)]
    fn load<V: Vector>(isa: V::Isa, group: &[Self; LANES], part: usize) -> V {
        V::bytes(isa, group, part)
    }
}

impl Number for f32 {
    fn of(values: Values<'_>) -> &[Self] {
        match values {
            Values::Floats(floats) => floats,
            Values::Bytes(_) => panic!("bytes where f32 numbers are expected"),
        }
    }

    #[inline(always)]
    fn load<V: Vector>(isa: V::Isa, group: &[Self; LANES], part: usize) -> V {
        V::floats(isa, group, part)
    }
}
