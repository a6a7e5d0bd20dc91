//! The binary versions of CIFAR-10 and CIFAR-100: files that are nothing but records, labels first, then
//! pixels.

use std::path::Path;

use super::image_file::{Batch, Place};
use super::labels::Labels;
use super::layout::{FEATURES, LABEL, RECORD};
use crate::error::{Error, Result};

/// Which records a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// One label, then the pixels.
    Cifar10,
    /// A coarse label, a fine label, then the pixels; the labels that count are these.
    Cifar100(Labels),
}

/// Finds the images and labels in `bytes`, those of the file `path`. The labels are not looked at.
///
/// # Errors
/// Bytes that are not a whole number of records, at least one.
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
