//! Who does what in a step of training: how its passes are shared out among the members of a team.
//!
//! The forward pass shares out pieces, each a feature block by some groups of sixteen images; the backward pass, groups
//! of features. Where the blocks divide evenly among the members, each one's weights are its own in both passes, and
//! one barrier a step is enough.
//!
//! Where members own blocks, what one writes lies apart from what others do. Prefetchers run past the end of what a core
//! reads, into the next page too: each line that they take from another core, that one must take back before it writes
//! there. Where a line takes 200 ns from core to core, that made an epoch of the lab a quarter longer (2 cores, AMD
//! Zen 5).

use std::ops::Range;

use super::layout::BLOCK;
use super::vector::Lanes;
use crate::engine::team::Member;

/// Groups of features, a cache line of an image, that one member steps where blocks do not divide evenly.
const UNIT: usize = 4;

/// Lanes between the partial logits of two slots: 4 KiB. 64 KiB were no better.
const GAP: usize = 4096 / size_of::<Lanes>();

/// One member's part.
#[derive(Clone, Copy)]
pub(super) struct Sharing<'a> {
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

impl<'a> Sharing<'a> {
    pub(super) fn new(member: &'a Member<'a>, groups: usize, columns: usize) -> Self {
        Self { member, groups, columns }
    }

    fn blocks(self) -> usize {
        self.groups.div_ceil(BLOCK)
    }

    /// Whether a member's features are its own in both passes.
    pub(super) fn owns(self) -> bool {
        self.blocks().is_multiple_of(self.member.threads())
    }

    /// Whether each member adds up the partial logits of its blocks two by two, as all of them are added up in the
    /// end: half as much goes from core to core.
    pub(super) fn adds_pairs(self) -> bool {
        self.blocks().is_multiple_of(2 * self.member.threads())
    }

    /// The feature groups whose weights this member steps.
    pub(super) fn features(self) -> Range<usize> {
        let unit = if self.owns() { BLOCK } else { UNIT };
        let share = self.member.share(self.groups.div_ceil(unit));
        (share.start * unit).min(self.groups)..(share.end * unit).min(self.groups)
    }

    /// This member's pieces of the forward pass over `image_groups` groups of sixteen images.
    pub(super) fn pieces(self, image_groups: usize) -> impl Iterator<Item = Piece> {
        let share = self.member.share(self.blocks() * image_groups);
        let blocks = share.start / image_groups..share.end.div_ceil(image_groups);
        let pieces = blocks.map(move |block| {
            let first = block * image_groups;
            let images = share.start.max(first) - first..share.end.min(first + image_groups) - first;
            Piece { block, images }
        });
        pieces.filter(|piece| !piece.images.is_empty())
    }

    /// How many lanes all slots take, with `lanes` in each.
    pub(super) fn slots(self, lanes: usize) -> usize {
        let slots = if self.adds_pairs() { self.blocks() / 2 } else { self.blocks() };
        slots * stride(lanes)
    }

    /// Where the partial logits of `image_groups` groups of images on a block go, `[groups of 16 images][C]`, and
    /// whether they are added to those that are there.
    pub(super) fn slot(self, block: usize, image_groups: usize) -> (usize, bool) {
        let stride = stride(image_groups * self.columns);
        if self.adds_pairs() { (block / 2 * stride, block % 2 == 1) } else { (block * stride, false) }
    }
}

/// Lanes from one slot of partial logits to the next, with `lanes` in each.
pub(super) fn stride(lanes: usize) -> usize {
    lanes + GAP
}

/// Room for the partial logits of features in `groups`, with `lanes` in each slot.
pub(super) fn room(groups: usize, lanes: usize) -> usize {
    groups.div_ceil(BLOCK) * stride(lanes)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::engine::Team;

    /// What each member has of `blocks` blocks, with `image_groups` groups of images, in one column: its feature groups,
    /// and for each piece where its partial logits go.
    fn shares(threads: usize, blocks: usize, image_groups: usize) -> Vec<(Range<usize>, Vec<Range<usize>>)> {
        let groups = BLOCK * (blocks - 1) + 5;
        let mut team = Team::new(NonZeroUsize::new(threads).unwrap()).unwrap();
        let share = |member: Member| {
            let sharing = Sharing::new(&member, groups, 1);
            let pieces = sharing.pieces(image_groups).map(|Piece { block, images }| {
                let (slot, adds) = sharing.slot(block, image_groups);
                assert!(slot + images.end <= sharing.slots(image_groups));
                assert!(slot + images.end <= room(groups, image_groups));
                assert!(!images.is_empty(), "a piece of nothing");
                assert!(!adds || block % 2 == 1, "a first block has nothing to be added to");
                // Where it owns features, its blocks are those that it steps.
                let owned = BLOCK * block..(BLOCK * (block + 1)).min(groups);
                let features = sharing.features();
                assert!(!sharing.owns() || (features.start <= owned.start && owned.end <= features.end));
                slot + images.start..slot + images.end
            });
            let pieces = pieces.collect();
            (sharing.features(), pieces)
        };
        team.run(share).unwrap()
    }

    #[test]
    fn members_share_out_all_and_keep_apart_what_they_write() {
        for (threads, blocks, image_groups) in (1..6)
            .flat_map(|threads| (1..9).flat_map(move |blocks| [1, 7].map(|groups| (threads, blocks, groups))))
        {
            let shares = shares(threads, blocks, image_groups);
            let features: Vec<usize> = shares.iter().flat_map(|(features, _)| features.clone()).collect();
            assert!(
                features.into_iter().eq(0..BLOCK * (blocks - 1) + 5),
                "each feature group once, in order"
            );
            let pieces: usize = shares.iter().flat_map(|(_, pieces)| pieces).map(Range::len).sum();
            assert_eq!(pieces, blocks * image_groups, "each block of each image once");
            for (member, (_, pieces)) in shares.iter().enumerate() {
                let others = shares.iter().enumerate().filter(|(other, _)| *other != member);
                for other in others.flat_map(|(_, (_, pieces))| pieces) {
                    let apart = |piece: &Range<usize>| piece.end <= other.start || other.end <= piece.start;
                    assert!(pieces.iter().all(apart), "{threads} threads, {blocks} blocks");
                }
            }
        }
    }
}
