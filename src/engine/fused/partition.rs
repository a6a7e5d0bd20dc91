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
use super::layout::BLOCK;
use crate::engine::team::Member;

/// Where blocks do not divide evenly: groups of features that one member updates together, a cache line of an image.
const UNIT: usize = 4;

/// Lanes between the partial logits of two slots: 4 KiB. 64 KiB are no better.
const GAP: usize = 4096 / size_of::<Lanes>();

/// The part of one member.
#[derive(Clone, Copy)]
pub(super) struct Partition<'a> {
    member: &'a Member<'a>,
    /// Groups of sixteen features.
    groups: usize,
    columns: usize,
}

/// A feature block by groups of sixteen images.
pub(super) struct Piece {
    pub(super) block: usize,
    /// The groups of sixteen images.
    pub(super) images: Range<usize>,
}

impl<'a> Partition<'a> {
    pub(super) fn new(member: &'a Member<'a>, groups: usize, columns: usize) -> Self {
        Self { member, groups, columns }
    }

    fn blocks(self) -> usize {
        self.groups.div_ceil(BLOCK)
    }

    /// Whether every member has the same features in both passes.
    pub(super) fn owns(self) -> bool {
        self.blocks().is_multiple_of(self.member.threads())
    }

    /// Whether each member adds the partial logits of its blocks two by two, which is the order in which all of them are
    /// added in the end. Half as much then goes from core to core.
    pub(super) fn adds_pairs(self) -> bool {
        self.blocks().is_multiple_of(2 * self.member.threads())
    }

    /// The feature groups whose weights this member updates.
    pub(super) fn features(self) -> Range<usize> {
        let unit = if self.owns() { BLOCK } else { UNIT };
        let units = self.member.portion(self.groups.div_ceil(unit));
        (units.start * unit).min(self.groups)..(units.end * unit).min(self.groups)
    }

    /// The pieces of this member in the forward pass over `image_groups` groups of sixteen images.
    pub(super) fn pieces(self, image_groups: usize) -> impl Iterator<Item = Piece> {
        let portion = self.member.portion(self.blocks() * image_groups);
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
        let slots = if self.adds_pairs() { self.blocks() / 2 } else { self.blocks() };
        slots * stride(lanes)
    }

    /// The slot of the partial logits, `[groups of 16 images][C]`, of `image_groups` groups of images on a block: where it
    /// begins, and whether they are added to what it holds.
    pub(super) fn slot(self, block: usize, image_groups: usize) -> (usize, bool) {
        let stride = stride(image_groups * self.columns);
        if self.adds_pairs() { (block / 2 * stride, block % 2 == 1) } else { (block * stride, false) }
    }
}

/// Lanes from one slot to the next, with `lanes` in each.
pub(super) fn stride(lanes: usize) -> usize {
    lanes + GAP
}

/// The lanes of all slots of any partition of `groups` groups, with `lanes` in each.
pub(super) fn room(groups: usize, lanes: usize) -> usize {
    groups.div_ceil(BLOCK) * stride(lanes)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::engine::team::Team;

    /// The part of each member in `blocks` blocks by `image_groups` groups of images, in one column: its feature groups,
    /// and for each piece where its partial logits go.
    fn partition(
        threads: usize,
        blocks: usize,
        image_groups: usize,
    ) -> Vec<(Range<usize>, Vec<Range<usize>>)> {
        let groups = BLOCK * (blocks - 1) + 5;
        let mut team = Team::new(NonZeroUsize::new(threads).unwrap()).unwrap();
        let part = |member: Member| {
            let part = Partition::new(&member, groups, 1);
            let pieces = part.pieces(image_groups).map(|Piece { block, images }| {
                let (slot, adds) = part.slot(block, image_groups);
                assert!(slot + images.end <= part.slots(image_groups));
                assert!(slot + images.end <= room(groups, image_groups));
                assert!(!images.is_empty(), "a piece of nothing");
                assert!(!adds || block % 2 == 1, "a first block has nothing to be added to");
                // Where it owns features, its blocks are those that it updates.
                let owned = BLOCK * block..(BLOCK * (block + 1)).min(groups);
                let features = part.features();
                assert!(!part.owns() || (features.start <= owned.start && owned.end <= features.end));
                slot + images.start..slot + images.end
            });
            let pieces = pieces.collect();
            (part.features(), pieces)
        };
        team.run(part).unwrap()
    }

    #[test]
    fn every_piece_has_one_member_and_what_they_write_is_apart() {
        for (threads, blocks, image_groups) in (1..6)
            .flat_map(|threads| (1..9).flat_map(move |blocks| [1, 7].map(|groups| (threads, blocks, groups))))
        {
            let parts = partition(threads, blocks, image_groups);
            let features: Vec<usize> = parts.iter().flat_map(|(features, _)| features.clone()).collect();
            assert!(
                features.into_iter().eq(0..BLOCK * (blocks - 1) + 5),
                "each feature group once, in order"
            );
            let pieces: usize = parts.iter().flat_map(|(_, pieces)| pieces).map(Range::len).sum();
            assert_eq!(pieces, blocks * image_groups, "each block of each image once");
            for (member, (_, pieces)) in parts.iter().enumerate() {
                let others = parts.iter().enumerate().filter(|(other, _)| *other != member);
                for other in others.flat_map(|(_, (_, pieces))| pieces) {
                    let apart = |piece: &Range<usize>| piece.end <= other.start || other.end <= piece.start;
                    assert!(pieces.iter().all(apart), "{threads} threads, {blocks} blocks");
                }
            }
        }
    }
}
