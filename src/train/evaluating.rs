//! An evaluation that can be left between two slices: whoever wants training to stop need not wait for its end.

use std::time::{Duration, Instant};

use crate::engine::{Engine, Evaluation};
use crate::error::Result;
use crate::samples::Samples;

/// The images of a slice. Losses are added up slice by slice, so this is part of a loss's bits, and does not depend on
/// how long a slice takes: 5 ms for the simd engine.
const SLICE: usize = 1 << 14;

/// Evaluates `samples` in slices, as a trainer does: what it finds has the same bits.
///
/// # Errors
/// What the engine fails with.
pub fn evaluate(engine: &mut dyn Engine, samples: &Samples) -> Result<Vec<Evaluation>> {
    let mut evaluating = Evaluating::default();
    while !evaluating.go_on(engine, samples, Instant::now() + Duration::from_secs(1))? {}
    Ok(evaluating.found)
}

/// The evaluation of a split, as far as it is.
#[derive(Default)]
pub(super) struct Evaluating {
    /// The images that were evaluated.
    images: usize,
    /// What was found on them, run by run.
    pub(super) found: Vec<Evaluation>,
}

impl Evaluating {
    /// Evaluates slices of `samples`, the same in every call, for as long as it is before `deadline`. Whether there
    /// are no more.
    pub(super) fn go_on(
        &mut self,
        engine: &mut dyn Engine,
        samples: &Samples,
        deadline: Instant,
    ) -> Result<bool> {
        while self.images < samples.len() && Instant::now() < deadline {
            let to = (self.images + SLICE).min(samples.len());
            let found = engine.evaluate(&samples.slice(self.images..to))?;
            match &mut self.found {
                sums if sums.is_empty() => *sums = found,
                sums => sums.iter_mut().zip(&found).for_each(|(sum, found)| sum.add(found)),
            }
            self.images = to;
        }
        Ok(self.images == samples.len())
    }
}
