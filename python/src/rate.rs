//! `eta="auto"`: a learning rate that the samples themselves tell.
//!
//! The curvature of the cross-entropy is at most L = lambda_max / 2, where lambda_max is the largest eigenvalue of
//! `(1/N) sum_i c_i x^_i x^_i^T`. With Nesterov's momentum m, gradient descent is stable up to
//! `eta = (2 + 2 m) / ((1 + 2 m) L)`; with batches of B, what counts is nearly the eigenvalue of a batch, which is larger. So
//! lambda_max is that of some [`SAMPLES`] samples, spread evenly, by power iteration, and eta a share of the limit.

use onelayer::Result;
use onelayer::engine::Team;
use onelayer::model::Standardization;
use onelayer::objective::Loss;
use onelayer::samples::Samples;
use onelayer::train::{Schedule, Settings, Splits};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Samples that are looked at.
const SAMPLES: usize = 256;
/// Steps of the power iteration.
const STEPS: usize = 12;
/// The share of the largest stable rate that is taken where a schedule brings it down, and where none does.
const SHARES: [f64; 2] = [0.5, 0.15];

/// Takes `eta="auto"` out of the arguments.
pub fn takes_auto(arguments: &Bound<PyDict>) -> PyResult<bool> {
    let is_auto = match arguments.get_item("eta")? {
        Some(eta) => eta.extract::<&str>().is_ok_and(|eta| eta == "auto"),
        None => false,
    };
    if is_auto {
        arguments.set_item("eta", arguments.py().None())?;
    }
    Ok(is_auto)
}

/// The learning rate for these samples, standardized by `standardization`, or by what is measured.
pub fn of(
    splits: &Splits,
    settings: &Settings,
    standardization: Option<Standardization>,
    team: &Team,
) -> Result<f64> {
    let train = &splits.train;
    let standardization = match standardization {
        Some(standardization) => standardization,
        None => team.handle().install(|| settings.standardization(train))?,
    };
    let objective = settings.objective(train, splits.classes.len());
    let eigenvalue = largest_eigenvalue(train, &standardization, |label| objective.class_weight(label));
    let curvature = match settings.objective {
        Loss::Sigmoid => 0.25 / splits.classes.len() as f64,
        _ => 0.5,
    } * eigenvalue;
    let m = settings.momentum;
    let limit = (2.0 + 2.0 * m) / ((1.0 + 2.0 * m) * curvature);
    // Samples that are all equal, or of weight 0, have no curvature but that of the bias.
    let share = SHARES[usize::from(settings.schedule == Schedule::Constant)];
    Ok(if limit.is_finite() { (share * limit).min(1.0) } else { 1.0 })
}

/// lambda_max, with the bias as a feature that is always 1.
fn largest_eigenvalue(
    samples: &Samples,
    standardization: &Standardization,
    class_weight: impl Fn(usize) -> f32,
) -> f64 {
    let Standardization { mean, std } = standardization;
    let count = samples.len().min(SAMPLES);
    let row = |place: usize| {
        let sample = samples.sample(place * samples.len() / count);
        let scale = (sample.weight * class_weight(sample.label.into())).max(0.0).sqrt();
        let values = sample.image.exact().zip(mean.iter().zip(std));
        let standardized = values.map(|(x, (mean, std))| scale * (x as f32 - mean) / std);
        standardized.chain([scale]).collect::<Vec<f32>>()
    };
    let rows: Vec<Vec<f32>> = (0..count).map(row).collect();
    let mut vector = vec![1.0_f32; mean.len() + 1];
    let mut eigenvalue = 0.0;
    for step in 0..STEPS {
        let mut next = vec![0.0_f32; vector.len()];
        for row in &rows {
            let along = dot(row, &vector) / count as f32;
            next.iter_mut().zip(row).for_each(|(sum, x)| *sum += along * x);
        }
        eigenvalue = f64::from(dot(&next, &next)).sqrt();
        if eigenvalue == 0.0 || !eigenvalue.is_finite() {
            // Whatever begins orthogonal to everything begins elsewhere.
            if step > 0 {
                break;
            }
            next = rows[0].clone();
        }
        let norm = dot(&next, &next).sqrt();
        vector = next.into_iter().map(|x| x / norm).collect();
    }
    eigenvalue
}

/// In sixteen lanes, which vector registers hold.
fn dot(one: &[f32], other: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let (ones, others) = (one.chunks_exact(16), other.chunks_exact(16));
    let rest: f32 = ones.remainder().iter().zip(others.remainder()).map(|(a, b)| a * b).sum();
    for (one, other) in ones.zip(others) {
        lanes.iter_mut().zip(one.iter().zip(other)).for_each(|(lane, (a, b))| *lane += a * b);
    }
    lanes.iter().sum::<f32>() + rest
}
