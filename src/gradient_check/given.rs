//! A few samples, as an engine computes with them.

use crate::data::{Levels, Resident};
use crate::engine::EngineKind;
use crate::error::Result;
use crate::model::Standardization;
use crate::samples::Samples;

/// Samples on which the gradient of an engine is examined, and what standardizes them: f32 features in levels of their own,
/// where the engine multiplies bytes alone.
pub struct Given<'a> {
    samples: Samples<'a>,
    standardization: Standardization,
    levels: Option<Resident>,
}

impl<'a> Given<'a> {
    /// `samples` as an engine of this kind trains on them, which are standardized by `standardization`, `[D]`. Rounded on the
    /// threads of the rayon pool that this is called in.
    ///
    /// # Errors
    /// No memory for levels.
    ///
    /// # Panics
    /// If there are no samples.
    pub fn new(samples: Samples<'a>, standardization: &Standardization, kind: EngineKind) -> Result<Self> {
        if !kind.takes_levels_of(samples.element()) {
            return Ok(Self { samples, standardization: standardization.clone(), levels: None });
        }
        let levels = Levels::measure(&samples, 0.0);
        let standardization = levels.standardization(standardization);
        Ok(Self { standardization, levels: Some(levels.apply(&samples)?), samples })
    }

    /// The samples, N x D.
    pub fn samples(&self) -> Samples<'_> {
        self.levels.as_ref().map_or_else(|| self.samples.clone(), Resident::samples)
    }

    /// What standardizes them, `[D]`.
    pub fn standardization(&self) -> &Standardization {
        &self.standardization
    }
}
