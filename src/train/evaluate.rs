//! Evaluations: of what is trained, and of saved models.

use super::control::Control;
use crate::engine::{Engine, EngineKind, Evaluation, Machine, Problem};
use crate::error::Result;
use crate::model::{Model, Parameters};
use crate::samples::{Element, Samples};

/// The images of a slice. Losses are added up slice by slice, so this is part of a loss's bits, and does not depend on
/// how long a slice takes: 5 ms for the simd engine.
const SLICE: usize = 1 << 14;

/// The loss sum of each run over `samples` and what it predicts, in slices. None if `control` stops it between two.
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

/// The fewest classes of which anybody asks whether the true one is among the first five.
const MANY: usize = 20;
/// The logits of a block.
const LOGITS: usize = 1 << 20;

/// The fraction of `samples` whose true class is among the five with the largest logits, of each of `models`, which
/// `engine` evaluates. None of fewer than twenty classes.
///
/// # Errors
/// What the engine fails with.
///
/// # Panics
/// If there is no model, or no sample.
pub fn top5(engine: &mut dyn Engine, models: &[Model], samples: &Samples) -> Result<Vec<Option<f64>>> {
    let classes = models[0].classes.len();
    if classes < MANY {
        return Ok(vec![None; models.len()]);
    }
    let columns = models.len() * classes;
    let block = (LOGITS / columns).max(1);
    let (mut found, mut logits, mut first) = (vec![0usize; models.len()], Vec::new(), 0);
    for rows in samples.images() {
        for start in (0..rows.len()).step_by(block) {
            let rows = rows.slice(start..rows.len().min(start + block));
            logits.resize(rows.len() * columns, 0.0);
            engine.forward(&rows, &mut logits)?;
            for (index, logits) in (first..).zip(logits.chunks(columns)) {
                let label = usize::from(samples.label(index));
                let runs = found.iter_mut().zip(logits.chunks(classes));
                runs.for_each(|(found, logits)| *found += usize::from(is_among_five(logits, label)));
            }
            first += rows.len();
        }
    }
    Ok(found.iter().map(|&found| Some(found as f64 / samples.len() as f64)).collect())
}

/// Whether fewer than five classes come before `label`: with a larger logit, or an equal one and a smaller number.
fn is_among_five(logits: &[f32], label: usize) -> bool {
    let own = logits[label];
    let before = |(class, &logit): (usize, &f32)| logit > own || (logit == own && class < label);
    logits.iter().enumerate().filter(|&other| before(other)).count() < 5
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_classes_come_first_and_of_equal_ones_the_smaller_numbers() {
        let logits = [3.0, 1.0, 2.0, 2.0, 5.0, 2.0, 2.0, 9.0];
        let among: Vec<usize> = (0..8).filter(|&label| is_among_five(&logits, label)).collect();
        assert_eq!(among, [0, 2, 3, 4, 7]);
    }
}
