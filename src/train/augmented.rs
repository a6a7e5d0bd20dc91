//! The training images of a slice, flipped and moved.

use rayon::prelude::*;

use crate::data::Augmentation;
use crate::data::read_ahead::prefetch;
use crate::samples::{Rows, Sample, Samples};

/// Memory for the images of a slice as an epoch has them.
pub(super) struct Augmented {
    augmentation: Augmentation,
    /// `[images, D]`
    images: Vec<u8>,
    labels: Vec<[u8; 2]>,
    weights: Vec<f32>,
    /// The numbers 0, 1, 2, ...
    order: Vec<u32>,
}

impl Augmented {
    /// Images made at a time: they stay in a cache until they are trained.
    pub(super) const SLICE: usize = 1024;
    /// Images that a thread makes at a time.
    const PIECE: usize = 64;
    /// How many images ahead they are prefetched: in a random order none follows another in memory.
    const AHEAD: usize = 4;

    pub(super) fn new(augmentation: Augmentation) -> Self {
        Self { augmentation, images: Vec::new(), labels: Vec::new(), weights: Vec::new(), order: Vec::new() }
    }

    /// The images of the numbers `order` in `samples`, as `epoch` has them, and the numbers that they have here. Called in
    /// the pool of a team, which makes them.
    pub(super) fn make(&mut self, epoch: usize, order: &[u32], samples: &Samples) -> (Samples<'_>, &[u32]) {
        let Self { augmentation, images, labels, weights, .. } = self;
        let features = augmentation.features();
        images.resize(order.len() * features, 0);
        labels.resize(order.len(), [0; 2]);
        weights.resize(order.len(), 0.0);
        let made = images.par_chunks_mut(features).zip(labels).zip(weights).enumerate();
        made.with_min_len(Self::PIECE).for_each(|(place, ((made, made_label), made_weight))| {
            if let Some(&later) = order.get(place + Self::AHEAD) {
                prefetch(samples.image(later as usize).bytes());
            }
            let index = order[place] as usize;
            let Sample { image, label, weight } = samples.sample(index);
            augmentation.apply(augmentation.change(epoch, index), image.bytes(), made);
            (*made_label, *made_weight) = (label.to_le_bytes(), weight);
        });
        self.order.clear();
        self.order.extend(0..order.len() as u32);
        let rows = Rows::contiguous(&self.images, features);
        let samples = Samples::new(rows, Rows::contiguous(self.labels.as_flattened(), size_of::<u16>()))
            .with_weights(&self.weights);
        (samples, &self.order)
    }
}
