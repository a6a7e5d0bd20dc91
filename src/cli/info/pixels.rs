//! How bright pixels are, and how much they vary.

use serde::Serialize;

use crate::model::Standardization;

/// A standardization in two numbers, in units of `pixel / 255`: the averages over its features.
#[derive(Serialize)]
pub(super) struct Pixels {
    mean: f32,
    std: f32,
}

impl Pixels {
    pub(super) fn new(standardization: &Standardization) -> Self {
        let average = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        Self { mean: average(&standardization.mean), std: average(&standardization.std) }
    }

    pub(super) fn text(&self) -> String {
        let Self { mean, std } = self;
        format!("pixels    mean {mean:.3}, standard deviation {std:.3} in training, on a scale from 0 to 1\n")
    }
}
