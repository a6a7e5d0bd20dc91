//! The images of many runs, prepared once for all of them.

use crate::engine::Machine;
use crate::error::Result;
use crate::machine::Caches;
use crate::train::groups::side_by_side;
use crate::train::{Prepared, Settings, Splits};

/// The images in each form that some run needs: as they are, folded for weights that are mirror-symmetric, and so on.
pub struct Images<'a>(Vec<Prepared<'a>>);

impl<'a> Images<'a> {
    /// The images of `splits` for runs with `all` these settings on `machine`.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub fn new<'s>(
        splits: &Splits<'a>,
        all: impl Iterator<Item = &'s Settings> + Clone,
        machine: &Machine,
    ) -> Result<Self> {
        // All runs together read them so often.
        let length = all.clone().map(Settings::length).fold(0, usize::saturating_add);
        let mut images: Vec<Prepared> = Vec::new();
        for settings in all {
            if !images.iter().any(|images| images.are_for(settings)) {
                images.push(Prepared::new(splits.clone(), &settings.lasting(length), machine)?);
            }
        }
        Ok(Self(images))
    }

    /// Those that a run with these settings is trained on.
    ///
    /// # Panics
    /// If there was no such run.
    pub fn of(&self, settings: &Settings) -> &Prepared<'a> {
        self.0.iter().find(|images| images.are_for(settings)).expect("images for every run")
    }

    /// How many runs with these settings a thread trains side by side.
    pub fn side_by_side(&self, settings: &Settings, caches: &Caches) -> usize {
        let images = self.of(settings);
        side_by_side(images.features(), images.classes(), caches)
    }
}
