//! The images of sessions.

use std::sync::Arc;

use super::settings::{Run, Settings};
use crate::data::augmentation::Change;
use crate::data::{Augmentation, Dataset, Resident};
use crate::engine::Team;
use crate::error::{Error, Result};
use crate::model::{Model, Parameters, Standardization};
use crate::objective::Objective;
use crate::samples::{Element, Samples, Values};

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
    /// That of folded images, where weights are mirror-symmetric.
    pub(super) standardization: Standardization,
    /// How pictures are folded, if they are.
    pub(super) mirror: Option<Augmentation>,
}

impl<'a> Prepared<'a> {
    /// The images of `splits` for training with `settings`, and the mean and deviation of the training images. `team`
    /// copies them, where that pays, folds them, where weights are held mirror-symmetric, and measures them.
    ///
    /// # Errors
    /// Settings that cannot be used with these images; no memory for folded ones.
    ///
    /// # Panics
    /// If there is no training image.
    pub fn new(splits: Splits<'a>, settings: &Settings, team: &Team) -> Result<Self> {
        Self::with(splits, settings, None, team)
    }

    /// The same, standardized by `standardization`, or by what is measured.
    pub(super) fn with(
        splits: Splits<'a>,
        settings: &Settings,
        standardization: Option<Standardization>,
        team: &Team,
    ) -> Result<Self> {
        let Splits { train, validation, classes } = splits;
        settings.check(&train, classes.len())?;
        let mirror = settings.augmentation(train.features())?.filter(|augmentation| augmentation.mirror);
        let hold = |split| Held::new(split, settings.length(), mirror.as_ref());
        let [train, validation] = team.handle().install(|| [train, validation].map(hold))?;
        let (train, validation) = (train?, validation?);
        let measure = || Standardization::measure(&train.samples());
        let standardization = match standardization {
            Some(standardization) => standardization,
            None => team.handle().install(measure)?,
        };
        Ok(Self { train, validation, classes, standardization, mirror })
    }

    /// Checks that `runs` can be trained side by side on these images.
    pub(super) fn check(&self, runs: &[Run]) -> Result<()> {
        Run::check(runs, self.train.given(), self.classes())?;
        let (expected, found) = (self.mirror.is_some(), runs[0].settings.mirror);
        match expected == found {
            true => Ok(()),
            false => {
                Err(Error::setting("mirror", format_args!("{expected}, as the images were prepared"), found))
            }
        }
    }

    /// How the training images of each epoch are flipped and moved for `runs`, if they are.
    pub(super) fn augmentation(&self, runs: &[Run]) -> Option<Augmentation> {
        let augmentation = runs[0].settings.augmentation(self.train.given().features());
        augmentation.expect("settings that were checked").filter(Augmentation::varies)
    }

    /// What `runs` minimize.
    pub(super) fn objective(&self, runs: &[Run]) -> Objective {
        runs[0].settings.objective(self.train.given(), self.classes())
    }

    /// The parameters, for these images, that give the logits of `model`.
    pub(super) fn folded(&self, model: &Model) -> Parameters {
        match self.mirror {
            None => model.behind(&self.standardization),
            Some(mirror) => mirror.fold(&model.behind(&mirror.unfold_standardization(&self.standardization))),
        }
    }

    /// Whether images are folded, for weights that are mirror-symmetric.
    pub fn is_folded(&self) -> bool {
        self.mirror.is_some()
    }

    /// The images of a training epoch.
    pub fn images(&self) -> usize {
        self.train.given().len()
    }

    /// What a feature is stored as.
    pub fn element(&self) -> Element {
        self.train.samples().element()
    }

    /// D: the features of an image, which is folded where weights are mirror-symmetric.
    pub fn features(&self) -> usize {
        self.standardization.mean.len()
    }

    /// K: the number of classes.
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    /// The mean and deviation of the training images, folded where weights are mirror-symmetric.
    pub fn standardization(&self) -> &Standardization {
        &self.standardization
    }
}

/// A split as it is trained and evaluated: where it is read fastest, folded where the weights are mirror-symmetric.
#[derive(Clone)]
pub(crate) struct Held<'a> {
    samples: Samples<'a>,
    copy: Option<Arc<Resident>>,
}

impl<'a> Held<'a> {
    /// Holds `samples`, which are read in each of `epochs` epochs. Called in the pool of a team, which copies them where
    /// that pays, and folds them where `mirror` says how.
    ///
    /// # Errors
    /// No memory for folded images.
    pub(crate) fn new(samples: Samples<'a>, epochs: usize, mirror: Option<&Augmentation>) -> Result<Self> {
        let copy = match mirror {
            Some(mirror) => {
                let fold = |image: Values, row: &mut [u8]| mirror.apply(Change::NONE, image.bytes(), row);
                let folded = Resident::of(&samples, mirror.features(), fold);
                Some(folded.map_err(|_| Error::setting("mirror", "memory for folded images", "none left"))?)
            }
            None if epochs >= Resident::READINGS => Resident::copy(&samples),
            None => None,
        };
        Ok(Self { samples, copy: copy.map(Arc::new) })
    }

    pub(crate) fn samples(&self) -> Samples<'_> {
        self.copy.as_deref().map_or_else(|| self.samples.clone(), Resident::samples)
    }

    /// The images as they were given.
    pub(crate) fn given(&self) -> &Samples<'a> {
        &self.samples
    }
}
