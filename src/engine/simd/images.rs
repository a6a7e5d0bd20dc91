//! The images of a batch, found once for all passes over them.

use std::marker::PhantomData;
use std::ops::Range;

use super::vector::LANES;

/// Room for images of D bytes each, wherever they lie, and for their labels.
#[derive(Default)]
pub(super) struct Gathered<'a> {
    features: usize,
    /// The first byte of each.
    starts: Vec<*const u8>,
    labels: Vec<u8>,
    images: PhantomData<&'a [u8]>,
}

impl<'a> Gathered<'a> {
    /// Takes `images` and their labels instead of those that were here.
    ///
    /// # Panics
    /// If an image is not as long as the others.
    pub(super) fn fill(&mut self, images: impl IntoIterator<Item = (&'a [u8], u8)>) -> (Images<'_>, &[u8]) {
        self.starts.clear();
        self.labels.clear();
        for (image, label) in images {
            if self.starts.is_empty() {
                self.features = image.len();
            }
            assert_eq!(image.len(), self.features, "bytes of an image");
            self.starts.push(image.as_ptr());
            self.labels.push(label);
        }
        (Images { features: self.features, starts: &self.starts, images: PhantomData }, &self.labels)
    }
}

/// Images of D bytes each, in order.
#[derive(Clone, Copy)]
pub(super) struct Images<'a> {
    features: usize,
    /// Each is the first of `features` bytes that live as long as 'a.
    starts: &'a [*const u8],
    images: PhantomData<&'a [u8]>,
}

impl<'a> Images<'a> {
    /// None.
    pub(super) const NONE: Self = Self { features: 0, starts: &[], images: PhantomData };

    pub(super) fn len(self) -> usize {
        self.starts.len()
    }

    /// D.
    #[inline(always)]
    pub(super) fn features(self) -> usize {
        self.features
    }

    /// Those of `range`, as far as there are any.
    #[inline(always)]
    pub(super) fn slice(self, range: Range<usize>) -> Self {
        let (start, end) = (range.start.min(self.starts.len()), range.end.min(self.starts.len()));
        Self { starts: &self.starts[start..end], ..self }
    }

    /// Up to `size` at a time.
    #[inline(always)]
    pub(super) fn chunks(self, size: usize) -> impl Iterator<Item = Self> + Clone {
        self.starts.chunks(size).map(move |starts| Self { starts, ..self })
    }

    /// The N from `first` on, if there are as many.
    #[inline(always)]
    pub(super) fn tile<const N: usize>(self, first: usize) -> Option<[&'a [u8]; N]> {
        let starts: &[*const u8; N] = self.starts.get(first..)?.first_chunk()?;
        let mut images = [&[][..]; N];
        for (image, &start) in images.iter_mut().zip(starts) {
            *image = self.whole(start);
        }
        Some(images)
    }

    /// One after the other.
    #[inline(always)]
    pub(super) fn iter(self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        self.starts.iter().map(move |&start| self.whole(start))
    }

    /// N groups of sixteen bytes of each image, from group `first` on.
    ///
    /// # Panics
    /// If an image does not have as many groups.
    #[inline(always)]
    pub(super) fn groups<const N: usize>(self, first: usize) -> Groups<'a, N> {
        assert!(self.features / LANES >= first + N, "groups of sixteen bytes");
        Groups { starts: self.starts, offset: first * LANES, images: PhantomData }
    }

    #[inline(always)]
    fn whole(self, start: *const u8) -> &'a [u8] {
        // SAFETY: every start is one of `features` bytes that live as long as 'a.
        unsafe { std::slice::from_raw_parts(start, self.features) }
    }
}

/// N groups of sixteen bytes of each of some images.
#[derive(Clone, Copy)]
pub(super) struct Groups<'a, const N: usize> {
    /// Each is the first of bytes that live as long as 'a, N groups and more behind `offset`.
    starts: &'a [*const u8],
    offset: usize,
    images: PhantomData<&'a [u8]>,
}

impl<'a, const N: usize> Groups<'a, N> {
    #[inline(always)]
    pub(super) fn len(self) -> usize {
        self.starts.len()
    }

    /// Those of one image.
    #[inline(always)]
    pub(super) fn at(self, image: usize) -> &'a [[u8; LANES]; N] {
        // SAFETY: what begins there lives as long as 'a.
        unsafe { &*self.starts[image].add(self.offset).cast() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_gathered_is_found_again() {
        let bytes: Vec<u8> = (0..200).collect();
        let rows = [&bytes[0..40], &bytes[100..140], &bytes[43..83]];
        let mut gathered = Gathered::default();
        gathered.fill([(&bytes[..7], 9)]);
        let (images, labels) = gathered.fill(rows.into_iter().zip([4, 5, 6]));
        assert_eq!((images.len(), images.features(), labels), (3, 40, &[4, 5, 6][..]));
        assert!(images.iter().eq(rows));
        let groups = images.groups::<1>(1);
        assert!((0..groups.len()).map(|i| groups.at(i).as_flattened()).eq(rows.map(|row| &row[16..32])));
        assert_eq!(images.tile(1), Some([rows[1], rows[2]]));
        assert_eq!(images.tile::<2>(2), None);
        assert!(images.slice(1..9).iter().eq(rows[1..].iter().copied()));
        assert!(images.chunks(2).map(|images| images.len()).eq([2, 1]));
    }

    #[test]
    #[should_panic(expected = "groups of sixteen bytes")]
    fn groups_past_the_end_of_an_image_are_refused() {
        let _ = Gathered::default().fill([(&[0; 40][..], 0)]).0.groups::<2>(1);
    }

    #[test]
    #[should_panic(expected = "bytes of an image")]
    fn images_of_different_lengths_are_refused() {
        Gathered::default().fill([(&[0; 40][..], 0), (&[0; 41][..], 0)]);
    }
}
