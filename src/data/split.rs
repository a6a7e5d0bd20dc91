//! A split of a data set: a range of the images of some files.

use std::ops::Range;
use std::sync::Arc;

use super::image_file::ImageFile;
use crate::samples::Samples;

/// A split: images of files, in order.
#[derive(Debug)]
pub struct Split {
    files: Arc<[ImageFile]>,
    /// The range of all images of the files.
    images: Range<usize>,
}

impl Split {
    /// All images of `files`: at least one file, with images of the same D in each.
    pub(super) fn whole(files: Vec<ImageFile>) -> Self {
        let images = 0..files.iter().map(ImageFile::len).sum();
        Self { files: files.into(), images }
    }

    /// Cuts it into all but its last `count` images, and these.
    pub(super) fn cut(self, count: usize) -> [Self; 2] {
        let Range { start, end } = self.images;
        let part = |images| Self { files: Arc::clone(&self.files), images };
        [part(start..end - count), part(end - count..end)]
    }

    /// Its images and labels, as an engine takes them.
    pub fn samples(&self) -> Samples<'_> {
        let (first, others) = self.files.split_first().expect("a split has a file");
        let mut samples = first.samples();
        others.iter().for_each(|file| samples.push(file.images(), file.labels()));
        samples.slice(self.images.clone())
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Always false: a split has an image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The files that its images come from, in order, with the number of images from each.
    pub fn files(&self) -> impl Iterator<Item = (&ImageFile, usize)> {
        let mut first = 0;
        let files = self.files.iter().map(move |file| {
            let (start, end) = (first, first + file.len());
            first = end;
            (file, end.min(self.images.end).saturating_sub(start.max(self.images.start)))
        });
        files.filter(|(_, images)| *images > 0)
    }
}
