//! The order in which an epoch visits the training images: a pure function of seed and epoch.

use std::collections::BTreeSet;
use std::ops::Range;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::data::read_ahead::read_ahead;
use crate::samples::Samples;

/// Images of more bytes are not all shuffled with one another: they may not fit into memory, and a disk is read in order,
/// or slowly.
const SHUFFLED: usize = 1 << 32;
/// The bytes of a block of images that are read together.
const BLOCK: usize = 8 << 20;
/// The blocks in a window, whose images are shuffled with one another: together 256 MiB.
const WINDOW: usize = 32;

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
    /// For images that may not fit into memory: each epoch a new random permutation of blocks, whose images lie one behind
    /// the other on the disk, and within each window of 32 blocks a random permutation of their images.
    Blocks {
        /// Where the permutations come from.
        seed: u64,
        /// The images in a block.
        block: usize,
    },
}

impl Order {
    /// That of shuffled `train`: blocks, where it has more than 4 GiB.
    pub fn shuffled(seed: u64, train: &Samples) -> Self {
        Self::of_size(seed, train.len(), train.features() * train.element().size())
    }

    /// That of shuffled `images`, of so many bytes each.
    fn of_size(seed: u64, images: usize, image: usize) -> Self {
        match images.saturating_mul(image) > SHUFFLED {
            true => Self::Blocks { seed, block: (BLOCK / image).max(1) },
            false => Self::Shuffled { seed },
        }
    }

    /// Makes `order` the permutation of `0..order.len()` for `epoch`, counted from 1.
    pub fn fill(self, epoch: usize, order: &mut [u32]) {
        // SplitMix64, which expands the seed, keeps neighbouring epochs' streams apart.
        let stream = |seed| seed ^ (epoch as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let random = |seed| Xoshiro256PlusPlus::seed_from_u64(stream(seed));
        let in_order = |order: &mut [u32]| (0..).zip(order).for_each(|(index, slot)| *slot = index);
        match self {
            Self::Sequential => in_order(order),
            Self::Shuffled { seed } => {
                in_order(order);
                order.shuffle(&mut random(seed));
            }
            Self::Blocks { seed, block } => {
                let (images, random) = (order.len(), &mut random(seed));
                let mut blocks: Vec<usize> = (0..images.div_ceil(block)).collect();
                blocks.shuffle(random);
                let of_block = |number: usize| number * block..images.min((number + 1) * block);
                let shuffled = blocks.into_iter().flat_map(of_block);
                order.iter_mut().zip(shuffled).for_each(|(slot, index)| *slot = index as u32);
                order.chunks_mut(WINDOW * block).for_each(|window| window.shuffle(random));
            }
        }
    }

    /// Before the images at `places` in `order` are trained on: asks the system to read the blocks that come after them.
    pub fn read_ahead(self, places: Range<usize>, order: &[u32], train: &Samples) {
        let Self::Blocks { block, .. } = self else { return };
        let begins = places.start.div_ceil(WINDOW * block)..places.end.div_ceil(WINDOW * block);
        // The first window of all is late already.
        let first = if begins.start == 0 { 0 } else { begins.start + 1 };
        for window in order.chunks(WINDOW * block).take(begins.end + 1).skip(first) {
            let blocks: BTreeSet<usize> = window.iter().map(|&image| image as usize / block).collect();
            for number in blocks {
                let images = number * block..order.len().min((number + 1) * block);
                train.memory(images).for_each(read_ahead);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCKS: Order = Order::Blocks { seed: 3, block: 3 };

    fn order(how: Order, epoch: usize) -> Vec<u32> {
        let mut order = vec![u32::MAX; 1000];
        how.fill(epoch, &mut order);
        order
    }

    #[test]
    fn every_epoch_visits_every_image_once() {
        for (epoch, how) in (1..5).flat_map(|epoch| [(epoch, Order::Shuffled { seed: 3 }), (epoch, BLOCKS)]) {
            let mut shuffled = order(how, epoch);
            shuffled.sort_unstable();
            assert_eq!(shuffled, order(Order::Sequential, epoch));
        }
    }

    #[test]
    fn an_order_depends_on_seed_and_epoch_alone() {
        let shuffled = |seed, epoch| order(Order::Shuffled { seed }, epoch);
        let in_blocks = |seed, epoch| order(Order::Blocks { seed, block: 3 }, epoch);
        for order in [&shuffled as &dyn Fn(u64, usize) -> Vec<u32>, &in_blocks] {
            assert_eq!(order(3, 1), order(3, 1));
            assert_ne!(order(3, 1), order(3, 2));
            assert_ne!(order(3, 1), order(4, 1));
        }
    }

    #[test]
    fn a_window_of_blocks_is_read_before_the_next_one() {
        let order = order(BLOCKS, 1);
        for window in order.chunks(32 * 3) {
            let blocks: BTreeSet<u32> = window.iter().map(|image| image / 3).collect();
            // The last block of all has one image, so that later windows begin within a block.
            assert!(blocks.len() <= 33, "{} blocks", blocks.len());
            assert!(!window.is_sorted());
        }
    }

    #[test]
    fn what_may_not_fit_into_memory_is_shuffled_in_blocks() {
        assert_eq!(Order::of_size(5, 1 << 20, 4096), Order::Shuffled { seed: 5 });
        assert_eq!(Order::of_size(5, (1 << 20) + 1, 4096), Order::Blocks { seed: 5, block: 2048 });
        assert_eq!(Order::of_size(5, 1000, 9 << 20), Order::Blocks { seed: 5, block: 1 });
    }
}
