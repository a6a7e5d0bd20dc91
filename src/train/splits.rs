//! The images of a session.

use crate::data::augmentation::Change;
use crate::data::{Augmentation, Dataset, Resident};
use crate::error::{Error, Result};
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

/// A split as it is trained and evaluated: where it is read fastest, folded where the weights are mirror-symmetric.
pub(crate) struct Held<'a> {
    samples: Samples<'a>,
    copy: Option<Resident>,
}

impl<'a> Held<'a> {
    /// Holds `samples`, which are read in each of `epochs` epochs. Called in the pool of a team, which copies them where
    /// that pays, and folds them where `augmentation` says so.
    ///
    /// # Errors
    /// No memory for folded images.
    pub(crate) fn new(
        samples: Samples<'a>,
        epochs: usize,
        augmentation: Option<&Augmentation>,
    ) -> Result<Self> {
        let copy = match augmentation.filter(|augmentation| augmentation.mirror) {
            Some(augmentation) => {
                let fold = |image: &[u8], row: &mut [u8]| augmentation.apply(Change::NONE, image, row);
                let folded = Resident::of(&samples, augmentation.features(), fold);
                Some(folded.map_err(|_| Error::setting("mirror", "memory for folded images", "none left"))?)
            }
            None if epochs >= Resident::READINGS => Resident::copy(&samples),
            None => None,
        };
        Ok(Self { samples, copy })
    }

    pub(crate) fn samples(&self) -> Samples<'_> {
        self.copy.as_ref().map_or_else(|| self.samples.clone(), Resident::samples)
    }

    /// The images as they were given.
    pub(crate) fn given(&self) -> &Samples<'a> {
        &self.samples
    }
}
