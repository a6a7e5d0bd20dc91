//! How often images were taken for their classes, and for others.

/// The most classes for which it is counted which class was taken for which.
const MATRIX: usize = 256;

/// What was predicted of images, by class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    classes: usize,
    /// `[K, K]`: images of true class `row` that were taken for class `column`. Of more than 256 classes `[K, 3]`: what
    /// [`ClassCounts`] has.
    counts: Vec<u64>,
}

/// What is counted of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassCounts {
    /// The images of this class.
    pub images: u64,
    /// The images that were taken for it.
    pub predicted: u64,
    /// The images of it that were taken for it.
    pub right: u64,
}

impl Counts {
    /// Those of no image, in K `classes`.
    pub fn none(classes: usize) -> Self {
        let columns = if classes <= MATRIX { classes } else { 3 };
        Self { classes, counts: vec![0; classes * columns] }
    }

    /// Those that make up a matrix `[K, K]`, row-major.
    ///
    /// # Panics
    /// If it is no square, or one of more than 256 classes.
    pub fn of_matrix(matrix: Vec<u64>) -> Self {
        let classes = matrix.len().isqrt();
        assert!(matrix.len() == classes * classes && classes <= MATRIX, "counts [K, K]");
        Self { classes, counts: matrix }
    }

    /// Counts one image.
    #[inline]
    pub fn count(&mut self, label: usize, predicted: usize) {
        if self.classes <= MATRIX {
            self.counts[label * self.classes + predicted] += 1;
        } else {
            self.counts[3 * label] += 1;
            self.counts[3 * predicted + 1] += 1;
            self.counts[3 * label + 2] += u64::from(label == predicted);
        }
    }

    /// Adds what was counted of other images.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum += count);
    }

    /// K.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// `[K, K]`: images of true class `row` that were taken for class `column`. None of more than 256 classes.
    pub fn matrix(&self) -> Option<&[u64]> {
        (self.classes <= MATRIX).then_some(&self.counts[..])
    }

    /// What was counted of one class.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn of(&self, class: usize) -> ClassCounts {
        let Some(matrix) = self.matrix() else {
            let [images, predicted, right] = self.counts.as_chunks().0[class];
            return ClassCounts { images, predicted, right };
        };
        let row = &matrix[class * self.classes..][..self.classes];
        let predicted = matrix[class..].iter().step_by(self.classes).sum();
        ClassCounts { images: row.iter().sum(), predicted, right: row[class] }
    }

    /// The images.
    pub fn images(&self) -> u64 {
        let step = if self.matrix().is_some() { 1 } else { 3 };
        self.counts.iter().step_by(step).sum()
    }

    /// The images that were taken for their classes.
    pub fn right(&self) -> u64 {
        let (first, step) = if self.matrix().is_some() { (0, self.classes + 1) } else { (2, 3) };
        self.counts.iter().skip(first).step_by(step).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_classes_are_counted_as_few_are() {
        let answers = [(3, 3), (3, 7), (7, 3), (0, 0), (3, 3)];
        let of = |classes| {
            let mut halves = [Counts::none(classes), Counts::none(classes)];
            for (n, (label, predicted)) in answers.into_iter().enumerate() {
                halves[n % 2].count(label, predicted);
            }
            let [mut all, second] = halves;
            all.add(&second);
            (
                all.images(),
                all.right(),
                (0..10).map(|class| all.of(class)).collect::<Vec<_>>(),
                all.matrix().is_some(),
            )
        };
        let (few, many) = (of(256), of(257));
        assert_eq!((&few.0, &few.1, &few.2), (&many.0, &many.1, &many.2));
        assert_eq!((few.0, few.1, few.3, many.3), (5, 3, true, false));
        assert_eq!(few.2[3], ClassCounts { images: 3, predicted: 3, right: 2 });
    }
}
