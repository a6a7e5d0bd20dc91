//! The images of a batch, looked up once for all passes over them.

use std::marker::PhantomData;
use std::ops::Range;

use super::element::Number;
use super::isa::vector::LANES;
use crate::samples::Sample;

/// A list of images of D numbers each, anywhere in memory, and of their labels.
pub(crate) struct Gathered<'a, E> {
    features: usize,
    /// The first number of each.
    starts: Vec<*const E>,
    labels: Vec<(u16, f32)>,
    images: PhantomData<&'a [E]>,
}

impl<'a, E: Number> Gathered<'a, E> {
    /// An empty list.
    pub(crate) fn new() -> Self {
        Self { features: 0, starts: Vec::new(), labels: Vec::new(), images: PhantomData }
    }

    /// Replaces the list by the images of `samples`, and their labels with the weights.
    ///
    /// # Panics
    /// If an image is not as long as the others, or of another element.
    pub(crate) fn fill(
        &mut self,
        samples: impl IntoIterator<Item = Sample<'a>>,
    ) -> (Images<'_, E>, &[(u16, f32)]) {
        self.starts.clear();
        self.labels.clear();
        for Sample { image, label, weight } in samples {
            let image = E::of(image);
            if self.starts.is_empty() {
                self.features = image.len();
            }
            assert_eq!(image.len(), self.features, "features of an image");
            self.starts.push(image.as_ptr());
            self.labels.push((label, weight));
        }
        (Images { features: self.features, starts: &self.starts, images: PhantomData }, &self.labels)
    }
}

/// Images of D numbers each, in order.
#[derive(Clone, Copy)]
pub(crate) struct Images<'a, E = u8> {
    features: usize,
    /// Each is the first of `features` numbers that live as long as 'a.
    starts: &'a [*const E],
    images: PhantomData<&'a [E]>,
}

impl<'a, E: Number> Images<'a, E> {
    /// No images.
    pub(crate) const NONE: Self = Self { features: 0, starts: &[], images: PhantomData };

    pub(crate) fn len(self) -> usize {
        self.starts.len()
    }

    /// D.
    #[inline(always)]
    pub(crate) fn features(self) -> usize {
        self.features
    }

    /// The images of `range`, which may go past the end.
    #[inline(always)]
    pub(crate) fn slice(self, range: Range<usize>) -> Self {
        let (start, end) = (range.start.min(self.starts.len()), range.end.min(self.starts.len()));
        Self { starts: &self.starts[start..end], ..self }
    }

    /// The images in chunks of `size`; the last chunk may be smaller.
    #[inline(always)]
    pub(crate) fn chunks(self, size: usize) -> impl Iterator<Item = Self> + Clone {
        self.starts.chunks(size).map(move |starts| Self { starts, ..self })
    }

    /// The N images from `first` on, if there are as many.
    #[inline(always)]
    pub(crate) fn tile<const N: usize>(self, first: usize) -> Option<[&'a [E]; N]> {
        let starts: &[*const E; N] = self.starts.get(first..)?.first_chunk()?;
        let mut images = [&[][..]; N];
        for (image, &start) in images.iter_mut().zip(starts) {
            *image = self.whole(start);
        }
        Some(images)
    }

    /// The images in order.
    #[inline(always)]
    pub(crate) fn iter(self) -> impl ExactSizeIterator<Item = &'a [E]> + Clone {
        self.starts.iter().map(move |&start| self.whole(start))
    }

    /// N groups of sixteen features of each image, from group `first` on.
    ///
    /// # Panics
    /// If an image does not have as many groups.
    #[inline(always)]
    pub(crate) fn groups<const N: usize>(self, first: usize) -> Groups<'a, N, E> {
        assert!(self.features / LANES >= first + N, "groups of sixteen features");
        Groups { starts: self.starts, offset: first * LANES, images: PhantomData }
    }

    #[inline(always)]
    fn whole(self, start: *const E) -> &'a [E] {
        // SAFETY: every start is one of `features` numbers that live as long as 'a.
        unsafe { std::slice::from_raw_parts(start, self.features) }
    }
}

/// N groups of sixteen features of each of some images.
#[derive(Clone, Copy)]
pub(crate) struct Groups<'a, const N: usize, E = u8> {
    /// Each is the first of numbers that live as long as 'a: at least `offset` and N groups.
    starts: &'a [*const E],
    offset: usize,
    images: PhantomData<&'a [E]>,
}

impl<'a, const N: usize, E: Number> Groups<'a, N, E> {
    #[inline(always)]
    pub(crate) fn len(self) -> usize {
        self.starts.len()
    }

    /// The groups of one image.
    #[inline(always)]
    pub(crate) fn at(self, image: usize) -> &'a [[E; LANES]; N] {
        // SAFETY: N groups from `offset` on live as long as 'a.
        unsafe { &*self.starts[image].add(self.offset).cast() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Values;

    fn sample(image: &[u8], label: u16) -> Sample<'_> {
        Sample { image: Values::Bytes(image), label, weight: 1.0 }
    }

    #[test]
    fn what_was_gathered_is_found_again() {
        let bytes: Vec<u8> = (0..200).collect();
        let rows = [&bytes[0..40], &bytes[100..140], &bytes[43..83]];
        let mut gathered = Gathered::<u8>::new();
        gathered.fill([sample(&bytes[..7], 9)]);
        let (images, labels) =
            gathered.fill(rows.into_iter().zip([4, 5, 6]).map(|(row, label)| sample(row, label)));
        assert_eq!((images.len(), images.features()), (3, 40));
        assert_eq!(labels, [(4, 1.0), (5, 1.0), (6, 1.0)]);
        assert!(images.iter().eq(rows));
        let groups = images.groups::<1>(1);
        assert!((0..groups.len()).map(|i| groups.at(i).as_flattened()).eq(rows.map(|row| &row[16..32])));
        assert_eq!(images.tile(1), Some([rows[1], rows[2]]));
        assert_eq!(images.tile::<2>(2), None);
        assert!(images.slice(1..9).iter().eq(rows[1..].iter().copied()));
        assert!(images.chunks(2).map(|images| images.len()).eq([2, 1]));
    }

    #[test]
    #[should_panic(expected = "groups of sixteen features")]
    fn groups_past_the_end_of_an_image_are_refused() {
        let _ = Gathered::<u8>::new().fill([sample(&[0; 40], 0)]).0.groups::<2>(1);
    }

    #[test]
    #[should_panic(expected = "features of an image")]
    fn images_of_different_lengths_are_refused() {
        Gathered::<u8>::new().fill([sample(&[0; 40], 0), sample(&[0; 41], 0)]);
    }
}
