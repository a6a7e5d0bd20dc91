//! The images of a session.

use crate::data::{Dataset, Resident};
use crate::samples::Samples;

/// The images that a session trains and watches itself by.
#[derive(Clone, Debug)]
pub struct Splits<'a> {
    /// What it trains on.
    pub train: Samples<'a>,
    /// What it is evaluated on beside them.
    pub validation: Samples<'a>,
    /// The names of the K classes.
    pub classes: &'a [String],
}

impl<'a> From<&'a Dataset> for Splits<'a> {
    fn from(dataset: &'a Dataset) -> Self {
        let Dataset { train, validation, classes, .. } = dataset;
        Self { train: train.samples(), validation: validation.samples(), classes }
    }
}

/// A split where it is read fastest: where it lies, or in a copy.
pub(crate) struct Held<'a> {
    samples: Samples<'a>,
    copy: Option<Resident>,
}

impl<'a> Held<'a> {
    /// Holds `samples`, which are read in each of `epochs` epochs. Called in the pool of a team, which copies them where
    /// that pays.
    pub(crate) fn new(samples: Samples<'a>, epochs: usize) -> Self {
        let copy = if epochs >= Resident::READINGS { Resident::copy(&samples) } else { None };
        Self { samples, copy }
    }

    pub(crate) fn samples(&self) -> Samples<'_> {
        self.copy.as_ref().map_or_else(|| self.samples.clone(), Resident::samples)
    }
}
