//! An evaluation that can be left between two slices: whoever wants training to stop need not wait for its end.

use std::time::Instant;

use crate::engine::{Engine, Evaluation};
use crate::error::Result;
use crate::samples::Samples;

/// The images of a slice. Losses are added up slice by slice, so this is part of a loss's bits, and does not depend on
/// how long a slice takes: 5 ms for the simd engine.
const SLICE: usize = 1 << 14;

/// Evaluates `samples` in slices, as a trainer does: what it finds has the same bits. Per run.
///
/// # Errors
/// What the engine fails with.
///
/// # Panics
/// If there are no samples.
pub fn evaluate(engine: &mut dyn Engine, samples: &Samples) -> Result<Vec<Evaluation>> {
    assert!(!samples.is_empty(), "an evaluation of no images");
    let mut evaluating = Evaluating::default();
    while !evaluating.is_done(samples) {
        evaluating.slice(engine, samples)?;
    }
    Ok(evaluating.found)
}

/// The evaluation of a split, as far as it is. Every call has the same `samples`.
#[derive(Default)]
pub(super) struct Evaluating {
    /// The images that were evaluated.
    images: usize,
    /// What was found on them, run by run.
    pub(super) found: Vec<Evaluation>,
}

impl Evaluating {
    /// Evaluates slices for as long as it is before `deadline`. Whether there are no more.
    pub(super) fn go_on(
        &mut self,
        engine: &mut dyn Engine,
        samples: &Samples,
        deadline: Instant,
    ) -> Result<bool> {
        while !self.is_done(samples) && Instant::now() < deadline {
            self.slice(engine, samples)?;
        }
        Ok(self.is_done(samples))
    }

    fn is_done(&self, samples: &Samples) -> bool {
        self.images == samples.len()
    }

    /// Evaluates the next slice.
    fn slice(&mut self, engine: &mut dyn Engine, samples: &Samples) -> Result<()> {
        let to = (self.images + SLICE).min(samples.len());
        let found = engine.evaluate(&samples.slice(self.images..to))?;
        match &mut self.found {
            sums if sums.is_empty() => *sums = found,
            sums => sums.iter_mut().zip(&found).for_each(|(sum, found)| sum.add(found)),
        }
        self.images = to;
        Ok(())
    }
}
