//! How bright pixels are, and how much they vary.

use serde::Serialize;

use crate::model::Standardization;

/// A standardization in two numbers, in units of `pixel / 255`: the average mean of its features, and the average
/// deviation of those that vary, whose deviation is not the 1 that stands for a constant.
#[derive(Serialize)]
pub(super) struct Pixels {
    mean: f64,
    std: f64,
}

impl Pixels {
    pub(super) fn new(standardization: &Standardization) -> Self {
        let average = |values: &[f32]| {
            let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
            sum / values.len().max(1) as f64
        };
        let varying: Vec<f32> = standardization.std.iter().copied().filter(|&std| std != 1.0).collect();
        Self { mean: average(&standardization.mean), std: average(&varying) }
    }

    /// As people read it, with numbers as `number` writes them.
    pub(super) fn text(&self, number: impl Fn(&f64) -> String) -> String {
        let [mean, std] = [&self.mean, &self.std].map(number);
        format!("pixels    mean {mean}, standard deviation {std} in training, on a scale from 0 to 1\n")
    }
}
