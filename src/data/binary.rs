//! The binary versions of CIFAR-10 and CIFAR-100. A file is a sequence of records: one or two labels, then the pixels.

use std::path::Path;

use super::image_file::{Batch, Place};
use super::labels::Labels;
use super::layout::{FEATURES, LABEL, RECORD};
use crate::error::{Error, Result};

/// The kind of a file's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// One label, then the pixels.
    Cifar10,
    /// A coarse label, a fine label, then the pixels. Which of the two labels is used.
    Cifar100(Labels),
}

/// Finds the images and labels in `bytes`, the contents of the file `path`. The range of the labels is not checked.
///
/// # Errors
/// Bytes that are not a whole number of records, or none.
pub fn parse(path: &Path, bytes: &[u8], records: Records) -> Result<Batch> {
    let (labels, label) = match records {
        Records::Cifar10 => (LABEL, 0),
        Records::Cifar100(Labels::Coarse) => (2 * LABEL, 0),
        Records::Cifar100(Labels::Fine) => (2 * LABEL, LABEL),
    };
    let record = RECORD - LABEL + labels;
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
        let expected = format!("a whole number of records of {record} bytes, at least one");
        return Err(Error::format(path, expected, format_args!("{} bytes", bytes.len())));
    }
    Ok(Batch {
        count: bytes.len() / record,
        features: FEATURES,
        images: Place::File { offset: labels, stride: record },
        labels: Place::File { offset: label, stride: record },
    })
}
