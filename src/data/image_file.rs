//! A file of labelled images in memory, whatever its format.

use std::ops::Range;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::mapped::Mapped;
use crate::error::{Error, Result};
use crate::samples::{Rows, Samples};

/// Where rows of bytes are: in place in their file, or copied from it if the file stores them in another layout.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// Row `n` begins at byte `offset + n * stride` of the file.
    File {
        /// The first byte of the first row.
        offset: usize,
        /// The bytes from one row to the next.
        stride: usize,
    },
    /// All rows, without gaps.
    Copy(Vec<u8>),
    /// f32 numbers from byte `offset` of the file on, which is a multiple of their size, all rows without gaps.
    FileFloats {
        /// The first byte.
        offset: usize,
    },
    /// f32 numbers, all rows without gaps.
    Floats(Vec<f32>),
}

impl Place {
    /// The rows; `file` is the contents of the file that they were found in.
    pub(super) fn rows<'a>(&'a self, file: &'a [u8], count: usize, features: usize) -> Rows<'a> {
        match self {
            Self::File { offset, stride } => Rows::new(&file[*offset..], count, features, *stride),
            Self::Copy(bytes) => Rows::new(bytes, count, features, features),
            Self::FileFloats { offset } => Rows::floats(bytemuck::cast_slice(&file[*offset..]), features),
            Self::Floats(floats) => Rows::floats(floats, features),
        }
    }
}

/// What a format found in the bytes of a file: images, and a label of one byte or two for each. It has checked that all
/// rows lie within the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// N, at least 1.
    pub count: usize,
    /// D, at least 1.
    pub features: usize,
    /// `[N, D]`.
    pub images: Place,
    /// `[N]`.
    pub labels: Place,
}

/// The bytes of a file.
#[derive(Debug)]
pub enum Bytes {
    /// A file on disk, mapped into memory.
    Mapped(Mapped),
    /// A file of this name that exists in memory alone.
    Owned(PathBuf, Vec<u8>),
    /// A part of a mapped file, under this name.
    Part(PathBuf, Mapped, Range<usize>),
}

impl Bytes {
    /// The path of the file.
    pub fn path(&self) -> &Path {
        match self {
            Self::Mapped(file) => file.path(),
            Self::Owned(path, _) | Self::Part(path, ..) => path,
        }
    }

    /// All its bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(file) => file.bytes(),
            Self::Owned(_, bytes) => bytes,
            Self::Part(_, file, range) => &file.bytes()[range.clone()],
        }
    }

    /// Their SHA-256, in hexadecimal.
    pub fn sha256(&self) -> String {
        Sha256::digest(self.bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A file of labelled images.
#[derive(Debug)]
pub struct ImageFile {
    images: Bytes,
    /// The file of the labels, if it is a separate one.
    labels: Option<Bytes>,
    batch: Batch,
}

impl ImageFile {
    /// The images and labels that `batch` describes: both in the file `images`, or the labels in the file `labels`.
    pub(super) fn new(images: Bytes, labels: Option<Bytes>, batch: Batch) -> Self {
        Self { images, labels, batch }
    }

    /// The path of the file of images.
    pub fn path(&self) -> &Path {
        self.images.path()
    }

    /// The file of images.
    pub fn contents(&self) -> &Bytes {
        &self.images
    }

    /// Its files: that of the images and, if it is a separate one, that of the labels.
    pub fn files(&self) -> impl Iterator<Item = &Bytes> {
        [&self.images].into_iter().chain(&self.labels)
    }

    /// N: the number of images.
    pub fn len(&self) -> usize {
        self.batch.count
    }

    /// Always false: a file without images is not opened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// D: the bytes of an image.
    pub fn features(&self) -> usize {
        self.batch.features
    }

    /// All images: rows of D bytes.
    pub fn images(&self) -> Rows<'_> {
        self.batch.images.rows(self.images.bytes(), self.len(), self.features())
    }

    /// The labels of all images: rows of one byte or two.
    pub fn labels(&self) -> Rows<'_> {
        let size = match &self.batch.labels {
            Place::Copy(bytes) => bytes.len() / self.len(),
            _ => 1,
        };
        self.batch.labels.rows(self.labels_file().bytes(), self.len(), size)
    }

    /// The images and labels, as an engine takes them.
    pub fn samples(&self) -> Samples<'_> {
        Samples::new(self.images(), self.labels())
    }

    /// Checks that every label is below `classes`.
    ///
    /// # Errors
    /// The first label that is not.
    pub fn check_labels(&self, classes: usize) -> Result<()> {
        let samples = self.samples();
        match (0..self.len()).find(|&record| usize::from(samples.label(record)) >= classes) {
            None => Ok(()),
            Some(record) => {
                let expected = format!("labels from 0 to {}", classes - 1);
                let found = format!("{} in record {record} (counted from 0)", samples.label(record));
                Err(Error::format(self.labels_file().path(), expected, found))
            }
        }
    }

    fn labels_file(&self) -> &Bytes {
        self.labels.as_ref().unwrap_or(&self.images)
    }
}
