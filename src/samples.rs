//! Rows of numbers in memory, with or without labels: all that an engine knows of a data set.
//!
//! Whatever they come from (a mapped CIFAR file, an array of embeddings, a copy, a test's array), kernels see rows of
//! `features` bytes or f32 numbers at a fixed stride. A [`Samples`] strings several such stretches together, so that five
//! mapped files are one training split without a copy.

use std::ops::Range;

/// What a feature is stored as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Element {
    /// A byte, which stands for itself over 255.
    #[default]
    U8,
    /// An f32.
    F32,
}

impl Element {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::U8, Self::F32];

    /// Its name, as NumPy has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "uint8",
            Self::F32 => "float32",
        }
    }

    /// The bytes that one takes.
    pub fn size(self) -> usize {
        match self {
            Self::U8 => size_of::<u8>(),
            Self::F32 => size_of::<f32>(),
        }
    }

    /// The number that stands for 1.
    pub fn unit(self) -> f32 {
        match self {
            Self::U8 => 255.0,
            Self::F32 => 1.0,
        }
    }
}

/// Features, one after another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values<'a> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// f32 numbers.
    Floats(&'a [f32]),
}

impl<'a> Values<'a> {
    /// What they are stored as.
    pub fn element(self) -> Element {
        match self {
            Self::Bytes(_) => Element::U8,
            Self::Floats(_) => Element::F32,
        }
    }

    /// The number of features.
    #[inline]
    pub fn len(self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Floats(floats) => floats.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The number stored at `index`.
    #[inline]
    pub fn get(self, index: usize) -> f32 {
        match self {
            Self::Bytes(bytes) => bytes[index].into(),
            Self::Floats(floats) => floats[index],
        }
    }

    /// The numbers stored.
    pub fn iter(self) -> impl ExactSizeIterator<Item = f32> + 'a {
        (0..self.len()).map(move |index| self.get(index))
    }

    /// The numbers that they stand for, in f64: a byte stands for itself over 255.
    pub fn exact(self) -> impl ExactSizeIterator<Item = f64> + 'a {
        let unit = f64::from(self.element().unit());
        self.iter().map(move |value| f64::from(value) / unit)
    }

    /// The bytes.
    ///
    /// # Panics
    /// If they are f32 numbers.
    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Floats(_) => panic!("f32 numbers where bytes are expected"),
        }
    }

    /// The memory that they lie in.
    pub fn memory(self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Floats(floats) => bytemuck::cast_slice(floats),
        }
    }

    #[inline]
    fn slice(self, range: Range<usize>) -> Self {
        match self {
            Self::Bytes(bytes) => Self::Bytes(&bytes[range]),
            Self::Floats(floats) => Self::Floats(&floats[range]),
        }
    }
}

/// `count` rows of `features` numbers, each starting `stride` numbers after the one before it.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    values: Values<'a>,
    count: usize,
    features: usize,
    stride: usize,
}

impl<'a> Rows<'a> {
    const NONE: Self = Self { values: Values::Bytes(&[]), count: 0, features: 1, stride: 1 };

    /// The rows of bytes that start at the first of `bytes`; what follows the last row's features is ignored.
    ///
    /// # Panics
    /// As [`Rows::of`].
    pub fn new(bytes: &'a [u8], count: usize, features: usize, stride: usize) -> Self {
        Self::of(Values::Bytes(bytes), count, features, stride)
    }

    /// The rows that start at the first of `values`; what follows the last row's features is ignored.
    ///
    /// # Panics
    /// If `features` is 0, rows overlap, or `values` end before the last row does.
    pub fn of(values: Values<'a>, count: usize, features: usize, stride: usize) -> Self {
        assert!(features > 0 && stride >= features, "rows of {features} numbers at a stride of {stride}");
        let needed = count.checked_sub(1).map_or(0, |last| last * stride + features);
        assert!(values.len() >= needed, "{count} rows need {needed} numbers, not {}", values.len());
        Self { values, count, features, stride }
    }

    /// Rows of `features` bytes that follow one another without a gap.
    ///
    /// # Panics
    /// If `bytes` is not a whole number of rows.
    pub fn contiguous(bytes: &'a [u8], features: usize) -> Self {
        Self::without_gaps(Values::Bytes(bytes), features)
    }

    /// Rows of `features` f32 numbers that follow one another without a gap.
    ///
    /// # Panics
    /// If `floats` is not a whole number of rows.
    pub fn floats(floats: &'a [f32], features: usize) -> Self {
        Self::without_gaps(Values::Floats(floats), features)
    }

    fn without_gaps(values: Values<'a>, features: usize) -> Self {
        assert!(values.len().is_multiple_of(features), "{} numbers in rows of {features}", values.len());
        Self::of(values, values.len() / features, features, features)
    }

    /// What a feature is stored as.
    pub fn element(&self) -> Element {
        self.values.element()
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// D: the numbers in a row.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Row `index`: D numbers.
    ///
    /// # Panics
    /// If `index` is not below [`Rows::len`].
    #[inline]
    pub fn row(&self, index: usize) -> Values<'a> {
        assert!(index < self.count, "row {index} of {}", self.count);
        self.values.slice(index * self.stride..index * self.stride + self.features)
    }

    /// The rows of `range`, in place.
    ///
    /// # Panics
    /// If `range` goes past the last row.
    pub fn slice(&self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.count, "rows {range:?} of {}", self.count);
        let first = (range.start * self.stride).min(self.values.len());
        let values = self.values.slice(first..self.values.len());
        Self::of(values, range.len(), self.features, self.stride)
    }
}

/// Labelled samples: rows of D numbers, each with a label below K, in one or more stretches of memory.
#[derive(Clone, Debug)]
pub struct Samples<'a> {
    stretches: Vec<Stretch<'a>>,
    count: usize,
    features: usize,
}

/// Images that lie at one stride, and their labels at another.
#[derive(Clone, Copy, Debug)]
struct Stretch<'a> {
    /// The index, among all samples, of the first one here.
    first: usize,
    images: Rows<'a>,
    labels: Rows<'a>,
    /// None where every sample weighs 1.
    weights: Option<&'a [f32]>,
}

/// One labelled sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample<'a> {
    /// D numbers.
    pub image: Values<'a>,
    /// Its class.
    pub label: u16,
    /// What its loss is multiplied by.
    pub weight: f32,
}

impl<'a> Stretch<'a> {
    const NONE: Self = Self { first: 0, images: Rows::NONE, labels: Rows::NONE, weights: None };

    /// The sample of this index among all.
    #[inline]
    fn sample(&self, index: usize) -> Sample<'a> {
        let row = index - self.first;
        let weight = self.weights.map_or(1.0, |weights| weights[row]);
        let label = match *self.labels.row(row).bytes() {
            [label] => label.into(),
            [low, high] => u16::from_le_bytes([low, high]),
            _ => unreachable!("a label of one byte or two"),
        };
        Sample { image: self.images.row(row), label, weight }
    }
}

impl<'a> Samples<'a> {
    /// Samples whose images are the rows of `images` and whose labels are the rows of `labels`: one byte, or two, the low
    /// one first.
    ///
    /// # Panics
    /// If the two differ in length, or a label row is of another size.
    pub fn new(images: Rows<'a>, labels: Rows<'a>) -> Self {
        let mut samples = Self { stretches: Vec::new(), count: 0, features: images.features() };
        samples.push(images, labels);
        samples
    }

    /// Adds a stretch of memory behind the samples already there.
    ///
    /// # Panics
    /// As [`Samples::new`], and if the images' D or element differs from that of the first.
    pub fn push(&mut self, images: Rows<'a>, labels: Rows<'a>) {
        assert_eq!(images.len(), labels.len(), "images and labels");
        let is_label = labels.element() == Element::U8 && labels.features() <= size_of::<u16>();
        assert!(is_label, "a label is one byte or two");
        let first = self.stretches.first().map_or(images.element(), |first| first.images.element());
        assert_eq!(images.element(), first, "what a feature is stored as");
        assert_eq!(images.features(), self.features, "features of an image");
        self.stretches.push(Stretch { first: self.count, images, labels, weights: None });
        self.count += images.len();
    }

    /// The same samples, with `weights [N]`: what the loss of each is multiplied by.
    ///
    /// # Panics
    /// If there is not one weight for each sample.
    pub fn with_weights(mut self, weights: &'a [f32]) -> Self {
        assert_eq!(weights.len(), self.count, "a weight for each sample");
        for stretch in &mut self.stretches {
            stretch.weights = Some(&weights[stretch.first..][..stretch.images.len()]);
        }
        self
    }

    /// Whether samples have weights.
    pub fn has_weights(&self) -> bool {
        self.stretches.iter().any(|stretch| stretch.weights.is_some())
    }

    /// N: the number of samples.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// D: the numbers of an image.
    pub fn features(&self) -> usize {
        self.features
    }

    /// What a feature is stored as; bytes where there is no sample.
    pub fn element(&self) -> Element {
        self.stretches.first().map_or(Element::U8, |first| first.images.element())
    }

    /// Image `index`: D numbers.
    ///
    /// # Panics
    /// If `index` is not below [`Samples::len`].
    #[inline]
    pub fn image(&self, index: usize) -> Values<'a> {
        self.sample(index).image
    }

    /// The label of image `index`.
    ///
    /// # Panics
    /// If `index` is not below [`Samples::len`].
    #[inline]
    pub fn label(&self, index: usize) -> u16 {
        self.sample(index).label
    }

    /// Sample `index`.
    ///
    /// # Panics
    /// If `index` is not below [`Samples::len`].
    #[inline]
    pub fn sample(&self, index: usize) -> Sample<'a> {
        self.stretch(index).sample(index)
    }

    /// The samples of these numbers.
    ///
    /// # Panics
    /// If one is not below [`Samples::len`].
    #[inline]
    pub fn select<'s>(
        &'s self,
        indices: impl IntoIterator<Item = usize> + 's,
    ) -> impl Iterator<Item = Sample<'a>> {
        // One image often lies where the one before it does.
        let mut stretch = Stretch::NONE;
        indices.into_iter().map(move |index| {
            if index.wrapping_sub(stretch.first) >= stretch.images.len() {
                stretch = *self.stretch(index);
            }
            stretch.sample(index)
        })
    }

    /// The images of each stretch of memory, in order.
    pub fn images(&self) -> impl Iterator<Item = Rows<'a>> + '_ {
        self.stretches.iter().map(|stretch| stretch.images)
    }

    /// The samples of `range`, in place.
    ///
    /// # Panics
    /// If `range` goes past the last sample.
    pub fn slice(&self, range: Range<usize>) -> Self {
        self.ranges(&[range])
    }

    /// The memory that the images of `range` lie in, from the first of each stretch to the last.
    ///
    /// # Panics
    /// If the range goes past the last sample.
    pub fn memory(&self, range: Range<usize>) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.slice(range).stretches.into_iter().filter(|stretch| !stretch.images.is_empty()).map(|stretch| {
            let Rows { values, count, features, stride } = stretch.images;
            values.slice(0..(count - 1) * stride + features).memory()
        })
    }

    /// The samples of `ranges`, one range after the other, in place.
    ///
    /// # Panics
    /// If a range goes past the last sample.
    pub fn ranges(&self, ranges: &[Range<usize>]) -> Self {
        let mut part = Self { stretches: Vec::new(), count: 0, features: self.features };
        ranges.iter().for_each(|range| self.push_slice(range, &mut part));
        part
    }

    /// These samples, and behind them those of `other`, in place.
    ///
    /// # Panics
    /// If D or the element of `other` is another.
    pub fn followed_by(&self, other: &Self) -> Self {
        let mut both = self.clone();
        other.push_slice(&(0..other.count), &mut both);
        both
    }

    /// Adds the samples of `range` to `part`.
    fn push_slice(&self, range: &Range<usize>, part: &mut Self) {
        assert!(range.start <= range.end && range.end <= self.count, "samples {range:?} of {}", self.count);
        let end = |stretch: &Stretch| stretch.first + stretch.images.len();
        let before = self.stretches.partition_point(|stretch| end(stretch) <= range.start);
        for stretch in self.stretches[before..].iter().take_while(|stretch| stretch.first < range.end) {
            let within = |index: usize| index.clamp(stretch.first, end(stretch));
            let rows = within(range.start) - stretch.first..within(range.end) - stretch.first;
            if !rows.is_empty() {
                part.push(stretch.images.slice(rows.clone()), stretch.labels.slice(rows.clone()));
                let weights = stretch.weights.map(|weights| &weights[rows]);
                part.stretches.last_mut().expect("the stretch just added").weights = weights;
            }
        }
    }

    #[inline]
    fn stretch(&self, index: usize) -> &Stretch<'a> {
        assert!(index < self.count, "sample {index} of {}", self.count);
        &self.stretches[self.stretches.partition_point(|stretch| stretch.first <= index) - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_follow_one_another_and_slices_cut_across_them() {
        let images: Vec<u8> = (0..20).collect();
        let labels = [7, 8, 9, 10, 11];
        let mut samples = Samples::new(Rows::new(&images, 3, 2, 4), Rows::contiguous(&labels[..3], 1));
        samples.push(Rows::contiguous(&images[12..16], 2), Rows::contiguous(&labels[3..], 1));
        let seen = |samples: &Samples| -> Vec<(u8, u16)> {
            (0..samples.len()).map(|i| (samples.image(i).bytes()[0], samples.label(i))).collect()
        };
        assert_eq!(seen(&samples), [(0, 7), (4, 8), (8, 9), (12, 10), (14, 11)]);
        assert_eq!(seen(&samples.slice(1..4)), [(4, 8), (8, 9), (12, 10)]);
        assert_eq!(seen(&samples.slice(3..3)), []);
        let selected: Vec<_> =
            samples.select([3, 0, 1, 4]).map(|sample| (sample.image.bytes()[0], sample.label)).collect();
        assert_eq!(selected, [(12, 10), (0, 7), (4, 8), (14, 11)]);

        let both = samples.slice(3..5).followed_by(&samples.slice(1..4));
        assert_eq!(seen(&both), [(12, 10), (14, 11), (4, 8), (8, 9), (12, 10)]);

        let weights = [0.0, 1.0, 2.0, 3.0, 4.0];
        let weighted = samples.clone().with_weights(&weights).slice(1..4);
        assert!((0..3).map(|i| weighted.sample(i).weight).eq([1.0, 2.0, 3.0]));
        let both = samples.slice(0..1).followed_by(&weighted);
        assert!((0..4).map(|i| both.sample(i).weight).eq([1.0, 1.0, 2.0, 3.0]));
    }

    #[test]
    #[should_panic(expected = "3 rows need 11 numbers")]
    fn rows_past_the_end_are_refused() {
        Rows::new(&[0; 10], 3, 3, 4);
    }
}
