//! What an evaluation finds.

/// What [`Engine::evaluate`](super::Engine::evaluate) finds for one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The sum over the images of their losses, in nats.
    pub loss_sum: f64,
    /// `[K, K]`: images of true class `row` for which class `column` had the largest logit, the first of
    /// several equal ones.
    pub confusion: Vec<u64>,
}

impl Evaluation {
    /// The evaluation of no image at all, with K classes.
    pub fn empty(classes: usize) -> Self {
        Self { loss_sum: 0.0, confusion: vec![0; classes * classes] }
    }

    /// Counts one image.
    pub fn count(&mut self, loss: f64, label: usize, predicted: usize) {
        let classes = self.confusion.len().isqrt();
        self.loss_sum += loss;
        self.confusion[label * classes + predicted] += 1;
    }

    /// Adds what was found on other images.
    pub fn add(&mut self, other: &Self) {
        self.loss_sum += other.loss_sum;
        self.confusion.iter_mut().zip(&other.confusion).for_each(|(sum, count)| *sum += count);
    }

    /// The number of images.
    pub fn images(&self) -> u64 {
        self.confusion.iter().sum()
    }

    /// The number of images whose predicted class is the true one.
    pub fn correct(&self) -> u64 {
        let classes = self.confusion.len().isqrt();
        self.confusion.iter().step_by(classes + 1).sum()
    }
}

/// The index of the largest value, the first of several equal ones; 0 where nothing compares.
pub(super) fn argmax<T: PartialOrd>(values: &[T]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}
