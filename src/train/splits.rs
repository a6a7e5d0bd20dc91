//! The images of sessions.

use std::sync::Arc;

use crate::data::{Dataset, Resident};
use crate::engine::Team;
use crate::error::Result;
use crate::model::Standardization;
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

/// What sessions on the same images share. A clone shares it too.
#[derive(Clone)]
pub struct Prepared<'a> {
    pub(super) train: Held<'a>,
    pub(super) validation: Held<'a>,
    pub(super) classes: &'a [String],
    pub(super) standardization: Standardization,
}

impl<'a> Prepared<'a> {
    /// The images of `splits`, which are read in each of `epochs` epochs, and the mean and deviation of the training
    /// images. `team` copies them, where that pays, and measures them.
    ///
    /// # Errors
    /// If a thread of the team panics.
    ///
    /// # Panics
    /// If there is no training image.
    pub fn new(splits: Splits<'a>, epochs: usize, team: &Team) -> Result<Self> {
        let standardization = team.handle().install(|| Standardization::measure(&splits.train))?;
        Self::with(splits, epochs, standardization, team)
    }

    /// The same, standardized by `standardization`.
    pub(super) fn with(
        splits: Splits<'a>,
        epochs: usize,
        standardization: Standardization,
        team: &Team,
    ) -> Result<Self> {
        let Splits { train, validation, classes } = splits;
        let hold = |split| Held::new(split, epochs);
        let [train, validation] = team.handle().install(|| [train, validation].map(hold))?;
        Ok(Self { train, validation, classes, standardization })
    }

    /// The images of a training epoch.
    pub fn images(&self) -> usize {
        self.train.samples.len()
    }

    /// D: the features of an image.
    pub fn features(&self) -> usize {
        self.train.samples.features()
    }

    /// K: the number of classes.
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    /// The mean and deviation of the training images.
    pub fn standardization(&self) -> &Standardization {
        &self.standardization
    }
}

/// A split where it is read fastest: where it lies, or in a copy.
#[derive(Clone)]
pub(crate) struct Held<'a> {
    samples: Samples<'a>,
    copy: Option<Arc<Resident>>,
}

impl<'a> Held<'a> {
    /// Holds `samples`, which are read in each of `epochs` epochs. Called in the pool of a team, which copies them where
    /// that pays.
    pub(crate) fn new(samples: Samples<'a>, epochs: usize) -> Self {
        let copy = if epochs >= Resident::READINGS { Resident::copy(&samples) } else { None };
        Self { samples, copy: copy.map(Arc::new) }
    }

    pub(crate) fn samples(&self) -> Samples<'_> {
        self.copy.as_deref().map_or_else(|| self.samples.clone(), Resident::samples)
    }
}
