//! The images of a sweep, prepared once for all of its runs.

use crate::engine::Team;
use crate::error::Result;
use crate::train::{Prepared, Settings, Splits};

/// The images as they are, and folded for weights that are mirror-symmetric: those of the two that some run needs.
pub(super) struct Images<'a>(Vec<Prepared<'a>>);

impl<'a> Images<'a> {
    /// The images of `splits` for runs with all these settings.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub(super) fn new(splits: &Splits<'a>, all: &[Settings], team: &Team) -> Result<Self> {
        // All runs together read them so often.
        let length = all.iter().map(Settings::length).fold(0, usize::saturating_add);
        let kinds = [false, true].map(|mirror| all.iter().find(|settings| settings.mirror == mirror));
        let prepare = |settings: &Settings| Prepared::new(splits.clone(), &settings.lasting(length), team);
        kinds.into_iter().flatten().map(prepare).collect::<Result<_>>().map(Self)
    }

    /// Those that a run with these settings is trained on.
    ///
    /// # Panics
    /// If there was no such run.
    pub(super) fn of(&self, settings: &Settings) -> &Prepared<'a> {
        let found = self.0.iter().find(|images| images.is_folded() == settings.mirror);
        found.expect("images for every run")
    }
}
