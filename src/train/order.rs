//! The order in which an epoch visits the training images: a pure function of seed and epoch.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

/// How each epoch orders the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they lie on disk, in every epoch.
    Sequential,
    /// A new random permutation each epoch.
    Shuffled {
        /// Where the permutations come from.
        seed: u64,
    },
}

impl Order {
    /// Makes `order` the permutation of `0..order.len()` for `epoch`, counted from 1.
    pub fn fill(self, epoch: usize, order: &mut [u32]) {
        (0..).zip(order.iter_mut()).for_each(|(index, slot)| *slot = index);
        if let Self::Shuffled { seed } = self {
            // SplitMix64, which expands the seed, keeps neighbouring epochs' streams apart.
            let stream = seed ^ (epoch as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(stream));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(how: Order, epoch: usize) -> Vec<u32> {
        let mut order = vec![u32::MAX; 1000];
        how.fill(epoch, &mut order);
        order
    }

    #[test]
    fn every_epoch_visits_every_image_once() {
        for epoch in 1..5 {
            let mut shuffled = order(Order::Shuffled { seed: 3 }, epoch);
            shuffled.sort_unstable();
            assert_eq!(shuffled, order(Order::Sequential, epoch));
        }
    }

    #[test]
    fn an_order_depends_on_seed_and_epoch_alone() {
        let shuffled = |seed, epoch| order(Order::Shuffled { seed }, epoch);
        assert_eq!(shuffled(3, 1), shuffled(3, 1));
        assert_ne!(shuffled(3, 1), shuffled(3, 2));
        assert_ne!(shuffled(3, 1), shuffled(4, 1));
    }
}
