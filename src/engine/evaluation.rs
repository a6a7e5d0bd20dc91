//! What an evaluation finds.

use super::counts::Counts;

/// What [`Engine::evaluate`](super::Engine::evaluate) finds for one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The sum over the images of their losses, in nats.
    pub loss_sum: f64,
    /// The classes that had the largest logits, the first of several equal ones.
    pub counts: Counts,
}

impl Evaluation {
    /// The evaluation of no image at all, with K classes.
    pub fn empty(classes: usize) -> Self {
        Self { loss_sum: 0.0, counts: Counts::none(classes) }
    }

    /// Counts one image.
    pub fn count(&mut self, loss: f64, label: usize, predicted: usize) {
        self.loss_sum += loss;
        self.counts.count(label, predicted);
    }

    /// Adds what was found on other images.
    pub fn add(&mut self, other: &Self) {
        self.loss_sum += other.loss_sum;
        self.counts.add(&other.counts);
    }

    /// The number of images.
    pub fn images(&self) -> u64 {
        self.counts.images()
    }

    /// The number of images whose predicted class is the true one.
    pub fn correct(&self) -> u64 {
        self.counts.right()
    }
}

/// The index of the largest value, the first of several equal ones; 0 where nothing compares.
pub(super) fn argmax<T: PartialOrd>(values: &[T]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}
