//! The model: weights `[K, D]`, bias `[K]`, and the standardization they were trained behind.
//!
//! [`Parameters`] are what training changes; a [`Model`] is all that prediction needs. `file` writes and reads
//! models, `onnx` writes them for other programs, `init` draws the parameters that training begins with.

mod file;
mod init;
mod onnx;
mod standardization;

use std::collections::BTreeMap;

use crate::objective::{Loss, Objective};
use crate::samples::Element;

pub use init::Init;
pub use standardization::Standardization;

/// A trained model: all that it takes to classify an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Weights and bias.
    pub parameters: Parameters,
    /// What the images go through first.
    pub standardization: Standardization,
    /// What it was trained to minimize, which says what its logits mean.
    pub objective: Objective,
    /// The names of the K classes.
    pub classes: Vec<String>,
    /// Whatever else its writer wants to say of it, such as the settings of the training.
    pub metadata: BTreeMap<String, String>,
}

impl Model {
    /// The metadata key of what features are stored as: a name of [`Element`].
    pub const ELEMENT: &str = "element";

    /// Whether its logits are scores that stand for no probabilities.
    pub fn is_scored(&self) -> bool {
        self.objective.loss == Loss::Hinge
    }

    /// The weight of the penalty that it was trained with, if its metadata says so; else 0.
    pub fn lambda(&self) -> f64 {
        self.metadata.get("lambda").and_then(|lambda| lambda.parse().ok()).unwrap_or(0.0)
    }

    /// What the features that it was trained on were stored as, if its metadata says so.
    pub fn element(&self) -> Option<Element> {
        let element = self.metadata.get(Self::ELEMENT)?;
        Element::ALL.into_iter().find(|known| known.name() == element)
    }

    /// The parameters that give the same logits behind another standardization, rounded once; the same bits behind its own.
    ///
    /// # Panics
    /// If `other` is of another D.
    pub fn behind(&self, other: &Standardization) -> Parameters {
        let (ours, mut parameters) = (&self.standardization, self.parameters.clone());
        assert_eq!([other.mean.len(), other.std.len()], [parameters.features; 2], "mean [D], std [D]");
        // (x - mean) / std = scale x'^ + offset, with x'^ what the other makes of x.
        let scale = |d: usize| f64::from(other.std[d]) / f64::from(ours.std[d]);
        let offset = |d: usize| (f64::from(other.mean[d]) - f64::from(ours.mean[d])) / f64::from(ours.std[d]);
        for (row, bias) in parameters.weight.chunks_mut(parameters.features).zip(&mut parameters.bias) {
            let moved: f64 = row.iter().enumerate().map(|(d, &w)| f64::from(w) * offset(d)).sum();
            *bias = (f64::from(*bias) + moved) as f32;
            row.iter_mut().enumerate().for_each(|(d, w)| *w = (f64::from(*w) * scale(d)) as f32);
        }
        parameters
    }
}

/// The weights and bias of one run. `logits [N, K] = x^ [N, D] . weight^T + bias`, `x^` standardized.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// K: the number of classes.
    pub classes: usize,
    /// D: the number of features.
    pub features: usize,
    /// `[K, D]`, row-major: one row of weights a class.
    pub weight: Vec<f32>,
    /// `[K]`.
    pub bias: Vec<f32>,
}

impl Parameters {
    /// All weights and biases 0.
    pub fn zeros(classes: usize, features: usize) -> Self {
        Self { classes, features, weight: vec![0.0; classes * features], bias: vec![0.0; classes] }
    }

    /// The means of parameters of one shape, whose logits are the means of theirs. Summed in f64.
    ///
    /// # Panics
    /// If there are none.
    pub fn mean(of: &[&Self]) -> Self {
        let mean = |values: fn(&Self) -> &[f32]| -> Vec<f32> {
            let sum = |index: usize| of.iter().map(|one| f64::from(values(one)[index])).sum::<f64>();
            (0..values(of[0]).len()).map(|index| (sum(index) / of.len() as f64) as f32).collect()
        };
        Self { weight: mean(|one| &one.weight), bias: mean(|one| &one.bias), ..*of[0] }
    }

    /// `||W||^2`, the penalty that lambda multiplies; the bias is not part of it. Summed in f64.
    pub fn squared_norm(&self) -> f64 {
        self.weight.iter().map(|&w| f64::from(w) * f64::from(w)).sum()
    }

    /// Whether every weight and bias is a finite number.
    pub fn is_finite(&self) -> bool {
        self.weight.iter().chain(&self.bias).all(|value| value.is_finite())
    }
}
