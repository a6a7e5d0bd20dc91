//! Splits: which images of which files train, validate and test.

use std::ops::Range;
use std::sync::Arc;

use super::image_file::ImageFile;
use crate::samples::Samples;

/// One split: images of mapped files, in order.
#[derive(Debug)]
pub struct Split {
    files: Arc<[ImageFile]>,
    /// Which of the files' images.
    images: Range<usize>,
}

impl Split {
    /// All images of `files`, of which there is at least one, and which have images of the same D.
    pub(super) fn whole(files: Vec<ImageFile>) -> Self {
        let images = 0..files.iter().map(ImageFile::len).sum();
        Self { files: files.into(), images }
    }

    /// All its images but the last `count`, and those.
    pub(super) fn cut(self, count: usize) -> [Self; 2] {
        let Range { start, end } = self.images;
        let part = |images| Self { files: Arc::clone(&self.files), images };
        [part(start..end - count), part(end - count..end)]
    }

    /// The images and labels of all its files.
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

    /// Never: a split has an image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The files that its images come from, in order, and how many come from each.
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
