//! A split of a data set: images of some files.

use std::ops::Range;
use std::sync::Arc;

use super::image_file::ImageFile;
use crate::samples::Samples;

/// A split: images of files, in order.
#[derive(Debug)]
pub struct Split {
    files: Arc<[ImageFile]>,
    /// Ranges of all images of the files, in order.
    images: Vec<Range<usize>>,
}

impl Split {
    /// All images of `files`: at least one file, with images of the same D in each.
    pub(super) fn whole(files: Vec<ImageFile>) -> Self {
        let images = 0..files.iter().map(ImageFile::len).sum();
        Self { files: files.into(), images: vec![images] }
    }

    /// Cuts a whole split into all but its last `count` images, and these.
    pub(super) fn cut(self, count: usize) -> [Self; 2] {
        let (len, files) = (self.len(), self.files);
        let part = |images| Self { files: Arc::clone(&files), images: vec![images] };
        [part(0..len - count), part(len - count..len)]
    }

    /// Parts a whole split into all images but those of the numbers `drawn`, which rise, and these.
    pub(super) fn part(self, drawn: &[usize]) -> [Self; 2] {
        let mut parts = [Vec::new(), Vec::new()];
        let mut add = |part: usize, images: Range<usize>| match parts[part].last_mut() {
            Some(Range { end, .. }) if *end == images.start => *end = images.end,
            _ if images.is_empty() => {}
            _ => parts[part].push(images),
        };
        let mut next = 0;
        for &image in drawn {
            add(0, next..image);
            add(1, image..image + 1);
            next = image + 1;
        }
        add(0, next..self.len());
        parts.map(|images| Self { files: Arc::clone(&self.files), images })
    }

    /// Its images and labels, as an engine takes them.
    pub fn samples(&self) -> Samples<'_> {
        let (first, others) = self.files.split_first().expect("a split has a file");
        let mut all = first.samples();
        others.iter().for_each(|file| all.push(file.images(), file.labels()));
        all.ranges(&self.images)
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.images.iter().map(Range::len).sum()
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
            let within = |images: &Range<usize>| images.end.min(end).saturating_sub(images.start.max(start));
            (file, self.images.iter().map(within).sum())
        });
        files.filter(|(_, images)| *images > 0)
    }
}
