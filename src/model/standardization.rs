//! What every image goes through before the network sees it.

/// Mean and standard deviation of each feature, in units of `pixel / 255`, rounded to f32 once: an image x becomes
/// `x^ = (x / 255 - mean) / std`.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardization {
    /// `[D]`: the mean of each feature.
    pub mean: Vec<f32>,
    /// `[D]`: the population standard deviation of each feature; 1 where the feature is constant.
    pub std: Vec<f32>,
}

impl Standardization {
    /// That which leaves bytes over 255, and f32 numbers, as they are: mean 0, deviation 1.
    pub fn none(features: usize) -> Self {
        Self { mean: vec![0.0; features], std: vec![1.0; features] }
    }
}
