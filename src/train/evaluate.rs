//! Evaluations: of what is trained, and of saved models.

use super::control::Control;
use crate::engine::{Engine, EngineKind, Evaluation, Machine, Problem};
use crate::error::Result;
use crate::model::{Model, Parameters};
use crate::samples::{Element, Samples};

/// The images of a slice. Losses are added up slice by slice, so this is part of a loss's bits, and does not depend on
/// how long a slice takes: 5 ms for the simd engine.
const SLICE: usize = 1 << 14;

/// The loss sum and the confusion matrix of each run over `samples`, in slices. None if `control` stops it between two.
///
/// # Errors
/// What the engine fails with.
///
/// # Panics
/// If there are no samples.
pub fn evaluate(
    engine: &mut dyn Engine,
    samples: &Samples,
    control: &mut dyn Control,
) -> Result<Option<Vec<Evaluation>>> {
    let slice = |first: usize| samples.slice(first..samples.len().min(first + SLICE));
    let mut sums = engine.evaluate(&slice(0))?;
    for first in (SLICE..samples.len()).step_by(SLICE) {
        if control.stop() {
            return Ok(None);
        }
        sums.iter_mut().zip(engine.evaluate(&slice(first))?).for_each(|(sum, found)| sum.add(&found));
    }
    Ok(Some(sums))
}

/// An engine that evaluates saved models of one shape, standardization and objective, side by side, on samples whose
/// features are stored as `element`: what it finds is what everybody finds who loads their files. A model that was trained in fixed point is evaluated in f32.
///
/// # Errors
/// As [`Machine::engine`].
///
/// # Panics
/// If there is no model, or the shapes differ.
pub fn evaluator(models: &[Model], element: Element, machine: &Machine) -> Result<Box<dyn Engine>> {
    let engine = match machine.engine {
        EngineKind::Fixed => EngineKind::Simd,
        kind => kind,
    };
    let initial: Vec<Parameters> = models.iter().map(|model| model.parameters.clone()).collect();
    let Model { standardization, objective, .. } = &models[0];
    let problem = Problem { initial: &initial, standardization, objective, element };
    Machine { engine, team: machine.team.handle(), ..*machine }.engine(&problem)
}
