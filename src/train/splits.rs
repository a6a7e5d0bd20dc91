//! The images of sessions.

use std::sync::Arc;

use super::settings::{IMAGES, Run, Settings};
use crate::data::augmentation::Change;
use crate::data::{Augmentation, Dataset, Levels, Resident, Rounding};
use crate::engine::{Machine, Team};
use crate::error::{Error, Result};
use crate::model::{Model, Parameters, Standardization};
use crate::objective::Objective;
use crate::samples::{Element, Samples, Values};

/// The images that a session trains and watches itself by.
#[derive(Clone, Debug)]
pub struct Splits<'a> {
    /// What it trains on.
    pub train: Samples<'a>,
    /// What it is evaluated on beside them. Where there is none, its figures are NaN.
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
    /// The levels of features that are trained on as bytes, and how far they are from the features.
    pub(super) levels: Option<(Arc<Levels>, Rounding)>,
    /// The settings that they were made for.
    settings: [String; IMAGES.len()],
}

impl<'a> Prepared<'a> {
    /// The images of `splits` for training with `settings` on `machine`, and the mean and deviation of the training images.
    /// The machine's threads copy them, where that pays, fold them, where weights are held mirror-symmetric, round f32
    /// features to bytes, where its engine multiplies bytes alone, and measure them.
    ///
    /// # Errors
    /// Settings that cannot be used with these images; no memory for folded or rounded ones.
    ///
    /// # Panics
    /// If there is no training image.
    pub fn new(splits: Splits<'a>, settings: &Settings, machine: &Machine) -> Result<Self> {
        Self::on(splits, settings, None, machine)
    }

    /// The same, standardized by `standardization`: that of folded images, where weights are mirror-symmetric.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub fn standardized(
        splits: Splits<'a>,
        settings: &Settings,
        standardization: Standardization,
        machine: &Machine,
    ) -> Result<Self> {
        Self::on(splits, settings, Some(standardization), machine)
    }

    fn on(
        splits: Splits<'a>,
        settings: &Settings,
        standardization: Option<Standardization>,
        machine: &Machine,
    ) -> Result<Self> {
        if machine.engine.takes_levels_of(splits.train.element()) {
            return Self::in_levels(splits, settings, standardization, &machine.team);
        }
        if settings.clip > 0.0 {
            return Err(Error::setting("clip", "0, or engine fixed", settings.clip));
        }
        Self::with(splits, settings, standardization, &machine.team)
    }

    /// The images in levels of f32 features.
    fn in_levels(
        splits: Splits<'a>,
        settings: &Settings,
        standardization: Option<Standardization>,
        team: &Team,
    ) -> Result<Self> {
        let Splits { train, validation, classes } = splits;
        settings.check(&train, classes.len())?;
        team.handle().install(|| {
            let standardization = standardization.unwrap_or_else(|| settings.standardization(&train));
            let levels = Levels::measure(&train, settings.clip);
            let rounding = levels.rounding(&train, &standardization);
            let [train, validation] = [train, validation].map(|split| Held::in_levels(split, &levels));
            Ok(Self {
                train: train?,
                validation: validation?,
                classes,
                standardization,
                mirror: None,
                levels: Some((Arc::new(levels), rounding)),
                settings: settings.of_images(),
            })
        })?
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
        let measure = || settings.standardization(&train.samples());
        let standardization = match standardization {
            Some(standardization) => standardization,
            None => team.handle().install(measure)?,
        };
        let settings = settings.of_images();
        Ok(Self { train, validation, classes, standardization, mirror, levels: None, settings })
    }

    /// Checks that `runs` can be trained side by side on these images.
    pub(super) fn check(&self, runs: &[Run]) -> Result<()> {
        Run::check(runs, self.train.given(), self.classes())?;
        if self.validation.given().is_empty() {
            let watches = |run: &Run| run.settings.early_stop > 0 || run.settings.best;
            if let Some(Run { settings, .. }) = runs.iter().find(|run| watches(run)) {
                let name = if settings.best { "best" } else { "early_stop" };
                return Err(Error::setting(name, "validation samples to choose an epoch by", "none"));
            }
        }
        let values = self.settings.iter().zip(runs[0].settings.of_images());
        match IMAGES.into_iter().zip(values).find(|(_, (expected, found))| *expected != found) {
            None => Ok(()),
            Some((name, (expected, found))) => {
                Err(Error::setting(name, format_args!("{expected}, as the images were prepared"), found))
            }
        }
    }

    /// Whether they were prepared for runs with these settings.
    pub fn are_for(&self, settings: &Settings) -> bool {
        self.settings == settings.of_images()
    }

    /// The standardization of the numbers that an engine is given.
    pub(super) fn of_engine(&self) -> Standardization {
        match &self.levels {
            None => self.standardization.clone(),
            Some((levels, _)) => levels.standardization(&self.standardization),
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

    /// How far features that are trained on as bytes are from what they are, if they are.
    pub fn rounding(&self) -> Option<Rounding> {
        self.levels.as_ref().map(|(_, rounding)| *rounding)
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

    /// Holds `samples` in levels. Called in the pool of a team.
    ///
    /// # Errors
    /// No memory for them.
    fn in_levels(samples: Samples<'a>, levels: &Levels) -> Result<Self> {
        let copy = levels.apply(&samples)?;
        Ok(Self { samples, copy: Some(Arc::new(copy)) })
    }

    pub(crate) fn samples(&self) -> Samples<'_> {
        self.copy.as_deref().map_or_else(|| self.samples.clone(), Resident::samples)
    }

    /// The images as they were given.
    pub(crate) fn given(&self) -> &Samples<'a> {
        &self.samples
    }
}
