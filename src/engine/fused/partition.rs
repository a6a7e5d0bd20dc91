//! How the passes of a training step are divided among the members of a team.
//!
//! The forward pass is divided into pieces, each a feature block by some groups of sixteen images; the backward pass into
//! groups of features. Where the blocks divide evenly among the members, every member has the same features in both
//! passes. It then owns their weights, and one barrier a step is enough.
//!
//! Where members own blocks, they write to memory that is far apart. Hardware prefetchers run past the end of what a core
//! reads, even into the next page. A cache line that they take from another core must go back before that core can write
//! to it. Where a line takes 200 ns from core to core, an epoch of the lab took a quarter longer for it (2 cores, AMD
//! Zen 5).

use std::ops::Range;

use super::isa::vector::Lanes;
use super::layout::{Blocks, UNIT};
use crate::engine::team::Rank;

/// Lanes between the partial logits of two slots: 4 KiB. 64 KiB are no better.
const GAP: usize = 4096 / size_of::<Lanes>();

/// The part of one member.
#[derive(Clone, Copy)]
pub(super) struct Partition {
    rank: Rank,
    blocks: Blocks,
    columns: usize,
}

/// A feature block by groups of sixteen images.
pub(super) struct Piece {
    pub(super) block: usize,
    /// The groups of sixteen images.
    pub(super) images: Range<usize>,
}

impl Partition {
    pub(super) fn new(rank: Rank, blocks: Blocks, columns: usize) -> Self {
        Self { rank, blocks, columns }
    }

    /// Whether every member has the same features in both passes.
    pub(super) fn owns(self) -> bool {
        self.blocks.count().is_multiple_of(self.rank.threads)
    }

    /// Whether each member adds the partial logits of its blocks two by two, which is the order in which all of them are
    /// added in the end. Half as much then goes from core to core.
    pub(super) fn adds_pairs(self) -> bool {
        adds_pairs(self.blocks, self.rank.threads)
    }

    /// The feature groups whose weights this member updates.
    pub(super) fn features(self) -> Range<usize> {
        if self.owns() {
            return self.blocks.groups(self.rank.portion(self.blocks.count()));
        }
        let groups = self.blocks.all();
        let units = self.rank.portion(groups.div_ceil(UNIT));
        (units.start * UNIT).min(groups)..(units.end * UNIT).min(groups)
    }

    /// The pieces of this member in the forward pass over `image_groups` groups of sixteen images.
    pub(super) fn pieces(self, image_groups: usize) -> impl Iterator<Item = Piece> {
        let portion = self.rank.portion(self.blocks.count() * image_groups);
        let blocks = portion.start / image_groups..portion.end.div_ceil(image_groups);
        let pieces = blocks.map(move |block| {
            let first = block * image_groups;
            let images = portion.start.max(first) - first..portion.end.min(first + image_groups) - first;
            Piece { block, images }
        });
        pieces.filter(|piece| !piece.images.is_empty())
    }

    /// The lanes of all slots, with `lanes` in each.
    pub(super) fn slots(self, lanes: usize) -> usize {
        slot_count(self.blocks, self.rank.threads) * stride(lanes)
    }

    /// The slot of the partial logits, `[groups of 16 images][C]`, of `image_groups` groups of images on a block: where it
    /// begins, and whether they are added to what it holds.
    pub(super) fn slot(self, block: usize, image_groups: usize) -> (usize, bool) {
        let stride = stride(image_groups * self.columns);
        if self.adds_pairs() { (block / 2 * stride, block % 2 == 1) } else { (block * stride, false) }
    }
}

fn adds_pairs(blocks: Blocks, threads: usize) -> bool {
    blocks.count().is_multiple_of(2 * threads)
}

/// The slots of the partial logits for `threads` members: one for each block, or for each pair of blocks where members add
/// these.
pub(super) fn slot_count(blocks: Blocks, threads: usize) -> usize {
    if adds_pairs(blocks, threads) { blocks.count() / 2 } else { blocks.count() }
}

/// Lanes from one slot to the next, with `lanes` in each.
pub(super) fn stride(lanes: usize) -> usize {
    lanes + GAP
}

/// The lanes of all slots of any partition, with `lanes` in each.
pub(super) fn room(blocks: Blocks, lanes: usize) -> usize {
    blocks.count() * stride(lanes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The part of each member in the blocks of `groups` groups by `image_groups` groups of images, in one column: its
    /// feature groups, and for each piece where its partial logits go.
    fn partition(
        threads: usize,
        groups: usize,
        image_groups: usize,
    ) -> Vec<(Range<usize>, Vec<Range<usize>>)> {
        let blocks = Blocks::new(groups);
        let part = |index| {
            let part = Partition::new(Rank { index, threads }, blocks, 1);
            let pieces = part.pieces(image_groups).map(|Piece { block, images }| {
                let (slot, adds) = part.slot(block, image_groups);
                assert!(slot + images.end <= part.slots(image_groups));
                assert!(slot + images.end <= room(blocks, image_groups));
                assert!(!images.is_empty(), "a piece of nothing");
                assert!(!adds || block % 2 == 1, "a first block has nothing to be added to");
                // Where it owns features, its blocks are those that it updates.
                let (owned, features) = (blocks.groups(block..block + 1), part.features());
                assert!(!part.owns() || (features.start <= owned.start && owned.end <= features.end));
                slot + images.start..slot + images.end
            });
            (part.features(), pieces.collect())
        };
        (0..threads).map(part).collect()
    }

    #[test]
    fn every_piece_has_one_member_and_what_they_write_is_apart() {
        let sizes = [1, 5, 16, 17, 24, 48, 50, 100, 192, 193, 400];
        for (threads, groups, image_groups) in (1..6).flat_map(|threads| {
            sizes.into_iter().flat_map(move |groups| [1, 7].map(|i| (threads, groups, i)))
        }) {
            let parts = partition(threads, groups, image_groups);
            let features: Vec<usize> = parts.iter().flat_map(|(features, _)| features.clone()).collect();
            assert!(features.into_iter().eq(0..groups), "each feature group once, in order");
            let pieces: usize = parts.iter().flat_map(|(_, pieces)| pieces).map(Range::len).sum();
            assert_eq!(pieces, Blocks::new(groups).count() * image_groups, "each block of each image once");
            for (member, (_, pieces)) in parts.iter().enumerate() {
                let others = parts.iter().enumerate().filter(|(other, _)| *other != member);
                for other in others.flat_map(|(_, (_, pieces))| pieces) {
                    let apart = |piece: &Range<usize>| piece.end <= other.start || other.end <= piece.start;
                    assert!(pieces.iter().all(apart), "{threads} threads, {groups} groups");
                }
            }
        }
    }

    #[test]
    fn two_threads_own_about_as_many_features_each() {
        for groups in 17..500 {
            let blocks = Blocks::new(groups);
            assert!(blocks.count().is_multiple_of(2));
            let [first, second] = [0..blocks.count() / 2, blocks.count() / 2..blocks.count()]
                .map(|half| blocks.groups(half).len());
            assert!(first.abs_diff(second) <= UNIT, "{groups} groups: {first} and {second}");
        }
    }
}
