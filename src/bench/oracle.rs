//! What the reference engine computes on the same images. An engine whose result differs is not timed.
//!
//! A single-precision sum of D products errs by some D^(1/2) roundings of its terms, so logits of the initial
//! weights (D = 3072, terms of 0.01) are within 1e-5 of the reference's. A mistake in a kernel, a feature left
//! out or a batch too few, moves them by a hundred times the tolerances below.

use super::workload::Workload;
use crate::engine::{Batches, Engine, EngineKind, Evaluation, Gradient, Problem, Reference};
use crate::error::{Error, Result};
use crate::model::Parameters;
use crate::samples::{Rows, Samples};
use crate::train::EpochRecord;

/// The images whose logits are compared one by one.
const IMAGES: usize = 256;
/// Absolute and relative tolerance of logits, of order 1.
const LOGIT: (f64, f64) = (1e-4, 1e-4);
/// The same in fixed point: a weight is rounded by up to 2^-15 of the largest of its column, 0.04, which sums up to
/// some 5e-5 in a logit, and four times as much in the worst of 2,560.
const FIXED_LOGIT: (f64, f64) = (5e-4, 1e-4);
/// Of weights and biases, of order 0.01, which an epoch moves by about as much.
const PARAMETER: (f64, f64) = (2e-6, 1e-3);
/// Of an entry of the gradient of the mean loss, of order 0.1. In fixed point a dlogit is rounded by up to 2^-15.
const SLOPE: (f64, f64) = (5e-5, 1e-3);
/// Of a split's loss.
const LOSS: (f64, f64) = (0.0, 1e-4);
/// How far a cost may lie above the smallest one, relative.
const OPTIMUM: f64 = 1e-4;

/// The reference's results on one workload.
pub struct Oracle<'a> {
    /// What these are the results of.
    pub(super) workload: &'a Workload<'a>,
    logits: Vec<f32>,
    step: Parameters,
    epoch: Parameters,
    evaluation: Evaluation,
    gradient: Gradient,
    /// The losses of training and validation split after an epoch.
    losses: [f64; 2],
    /// Trained parameters, and their losses on both splits.
    trained: Vec<(Parameters, [f64; 2])>,
}

/// Each comparison fails with [`Error::Incorrect`] where the two are not close, and with what an engine fails with.
impl<'a> Oracle<'a> {
    /// Runs every task on the reference engine: a forward pass, a step, an epoch, evaluations.
    pub fn new(workload: &'a Workload<'a>) -> Result<Self> {
        let mut reference = reference(workload, &workload.initial);
        let rows = rows(&workload.splits.train);
        let mut logits = vec![0.0; rows.len() * workload.initial.classes];
        reference.forward(&rows, &mut logits)?;
        let evaluation = reference.evaluate(&workload.splits.train)?.swap_remove(0);
        let initial = std::slice::from_ref(&workload.initial);
        let gradient = reference.gradient(&workload.splits.train, initial, &mut || false)?;
        let gradient = gradient.expect("nobody stops it").swap_remove(0);
        let order = workload.order();
        let size = workload.settings.batch;
        let one = Batches { order: &order[..size], size, steps: &[workload.step()] };
        reference.train(&workload.splits.train, one)?;
        let step = reference.parameters().swap_remove(0);
        reference.load(std::slice::from_ref(&workload.initial));
        let all = Batches { order: &order, size, steps: &workload.steps() };
        reference.train(&workload.splits.train, all)?;
        let epoch = reference.parameters().swap_remove(0);
        let losses = losses(&mut reference, workload)?;
        Ok(Self { workload, logits, step, epoch, evaluation, gradient, losses, trained: Vec::new() })
    }

    /// Compares the logits of `engine`, which is of `kind` and has the initial parameters, with the reference's.
    pub fn forward(&self, what: &str, kind: EngineKind, engine: &mut dyn Engine) -> Result<()> {
        let mut logits = vec![f32::NAN; self.logits.len()];
        engine.forward(&rows(&self.workload.splits.train), &mut logits)?;
        let tolerance = if kind == EngineKind::Fixed { FIXED_LOGIT } else { LOGIT };
        all_close(&format!("{what}: logit"), &logits, &self.logits, tolerance)
    }

    /// Compares the weights after the first step of training with the reference's.
    pub fn step(&self, what: &str, weight: &[f32]) -> Result<()> {
        all_close(&format!("{what}: weight"), weight, &self.step.weight, PARAMETER)
    }

    /// Compares the parameters after the first epoch with the reference's.
    pub fn epoch(&self, what: &str, found: &Parameters) -> Result<()> {
        all_close(&format!("{what}: weight"), &found.weight, &self.epoch.weight, PARAMETER)?;
        all_close(&format!("{what}: bias"), &found.bias, &self.epoch.bias, PARAMETER)
    }

    /// Compares the evaluation of the training split, with the initial parameters, with the reference's. One image in
    /// a thousand may be classified differently, because two of its logits can be nearly equal.
    pub fn evaluation(&self, what: &str, found: &Evaluation) -> Result<()> {
        let expected = &self.evaluation;
        let images = found.images() as f64;
        close(&format!("{what}: images"), images, expected.images() as f64, (0.0, 0.0))?;
        close(&format!("{what}: loss"), found.loss_sum, expected.loss_sum, LOSS)?;
        let (correct, wanted) = (found.correct() as f64, expected.correct() as f64);
        close(&format!("{what}: images classified correctly"), correct, wanted, (1.0 + images / 1e3, 0.0))
    }

    /// Compares the loss of the training split with the initial parameters, and its gradient, with the reference's.
    pub fn gradient(&self, what: &str, found: &Gradient) -> Result<()> {
        self.evaluation(what, &found.evaluation)?;
        let images = found.evaluation.images() as f64;
        let mean = |sums: &[f64]| -> Vec<f32> { sums.iter().map(|sum| (sum / images) as f32).collect() };
        let of = |part: &str| format!("{what}: gradient of a {part}");
        all_close(&of("weight"), &mean(&found.weight), &mean(&self.gradient.weight), SLOPE)?;
        all_close(&of("bias"), &mean(&found.bias), &mean(&self.gradient.bias), SLOPE)
    }

    /// Compares a whole run with the reference: its losses after the first epoch with those after the reference's first
    /// epoch, and its losses after the last with the reference's evaluation of the trained `parameters`.
    pub fn run(&mut self, what: &str, history: &[EpochRecord], parameters: &Parameters) -> Result<()> {
        let [.., last] = history else { return Ok(()) };
        let trained = match self.trained.iter().find(|(known, _)| known == parameters) {
            Some((_, losses)) => *losses,
            None => {
                let losses = losses(&mut reference(self.workload, parameters), self.workload)?;
                self.trained.push((parameters.clone(), losses));
                losses
            }
        };
        for (record, [train, validation]) in [(&history[0], self.losses), (last, trained)] {
            let what = |split: &str| format!("{what}: {split} loss after epoch {}", record.epoch);
            close(&what("training"), record.train.loss, train, LOSS)?;
            close(&what("validation"), record.validation.loss, validation, LOSS)?;
        }
        Ok(())
    }

    /// Whether the reference's gradient shows that the cost at `parameters` is within [`OPTIMUM`] of the smallest one. From
    /// weights with gradient g, the penalty lambda ||W||^2 lets it fall by at most ||g||^2 / (4 lambda). Biases have no
    /// penalty: they are taken to be within 1 of their best values, so that each lets it fall by at most its gradient.
    pub fn is_optimum(&self, parameters: &Parameters, lambda: f64) -> Result<bool> {
        let at = std::slice::from_ref(parameters);
        let mut reference = reference(self.workload, parameters);
        let found = reference.gradient(&self.workload.splits.train, at, &mut || false)?;
        let Gradient { evaluation, weight, bias } = found.expect("nobody stops it").swap_remove(0);
        let images = evaluation.images() as f64;
        let cost = evaluation.loss_sum / images + lambda * parameters.squared_norm();
        let slope = |(sum, &weight): (&f64, &f32)| sum / images + 2.0 * lambda * f64::from(weight);
        let squares: f64 = weight.iter().zip(&parameters.weight).map(|each| slope(each).powi(2)).sum();
        let biases: f64 = bias.iter().map(|sum| (sum / images).abs()).sum();
        Ok(squares / (4.0 * lambda) + biases <= OPTIMUM * cost)
    }
}

fn reference(workload: &Workload, parameters: &Parameters) -> Reference {
    Reference::new(&Problem { initial: std::slice::from_ref(parameters), ..workload.problem() })
}

/// The first images of `samples`.
fn rows<'a>(samples: &Samples<'a>) -> Rows<'a> {
    let first = samples.images().next().expect("samples have a stretch");
    first.slice(0..first.len().min(IMAGES))
}

/// The losses of both splits.
fn losses(engine: &mut dyn Engine, workload: &Workload) -> Result<[f64; 2]> {
    let mut loss = |samples: &Samples| -> Result<f64> {
        Ok(engine.evaluate(samples)?[0].loss_sum / samples.len() as f64)
    };
    Ok([loss(&workload.splits.train)?, loss(&workload.splits.validation)?])
}

fn all_close(what: &str, found: &[f32], expected: &[f32], tolerance: (f64, f64)) -> Result<()> {
    close(&format!("{what}s"), found.len() as f64, expected.len() as f64, (0.0, 0.0))?;
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        if !is_close(found.into(), expected.into(), tolerance) {
            return close(&format!("{what} {index}"), found.into(), expected.into(), tolerance);
        }
    }
    Ok(())
}

fn close(what: &str, found: f64, expected: f64, tolerance: (f64, f64)) -> Result<()> {
    if is_close(found, expected, tolerance) {
        return Ok(());
    }
    let (absolute, relative) = tolerance;
    let within = absolute + relative * expected.abs();
    let expected = format!("{expected:e} within {within:.0e}");
    Err(Error::Incorrect { what: what.into(), expected, found: format!("{found:e}") })
}

/// Whether the two are close; NaN is close to nothing.
fn is_close(found: f64, expected: f64, (absolute, relative): (f64, f64)) -> bool {
    (found - expected).abs() <= absolute + relative * expected.abs()
}
