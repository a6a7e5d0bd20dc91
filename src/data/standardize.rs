//! Standardization: `(x/255 - mean) / std`, feature by feature, measured on the training split alone.

/// Mean and standard deviation of each feature, in units of `pixel / 255`, rounded to f32 once.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardization {
    /// `[D]`: the mean of each feature.
    pub mean: Vec<f32>,
    /// `[D]`: the population standard deviation of each feature; 1 where the feature is constant.
    pub std: Vec<f32>,
}
