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

    /// Groups of sixteen features in a cache line.
    const GROUPS_A_LINE: usize = 4 / size_of::<Self>();

    /// Prefetches the cache line in which `group` begins.
    fn prefetch<V: Vector>(isa: V::Isa, group: &[Self; LANES]);

    /// Prefetches `groups`, which begin with a cache line.
    #[inline(always)]
    fn prefetch_all<V: Vector>(isa: V::Isa, groups: &[[Self; LANES]]) {
        for group in groups.iter().step_by(Self::GROUPS_A_LINE) {
            Self::prefetch::<V>(isa, group);
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

    #[inline(always)]
    fn prefetch<V: Vector>(isa: V::Isa, group: &[Self; LANES]) {
        V::prefetch(isa, group);
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

    /// To the second-level cache: images that are four times as long would evict each other and the weights from the first.
    /// Evaluation then takes three quarters of the time (2 cores, AMD Zen 4).
    #[inline(always)]
    fn prefetch<V: Vector>(isa: V::Isa, group: &[Self; LANES]) {
        V::prefetch_second(isa, group);
    }
}
