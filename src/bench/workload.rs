//! The workload of a benchmark.

use crate::engine::{Problem, Step};
use crate::model::{Parameters, Standardization};
use crate::samples::Samples;
use crate::train::Settings;

/// The images and the settings that every engine gets.
#[derive(Clone)]
pub struct Workload<'a> {
    /// The training split.
    pub train: Samples<'a>,
    /// The validation split.
    pub validation: Samples<'a>,
    /// Of the training split.
    pub standardization: &'a Standardization,
    /// Where every run begins.
    pub initial: Parameters,
    /// The names of the classes.
    pub classes: &'a [String],
    /// The run's settings.
    pub settings: Settings,
}

impl Workload<'_> {
    /// What every engine is built from.
    pub fn problem(&self) -> Problem<'_> {
        Problem {
            initial: std::slice::from_ref(&self.initial),
            standardization: self.standardization,
            objective: self.settings.objective,
        }
    }

    /// The images in order.
    pub fn order(&self) -> Vec<u32> {
        (0..self.train.len() as u32).collect()
    }

    /// The run's step.
    pub fn step(&self) -> Step {
        self.settings.step()
    }

    /// The steps of an epoch.
    pub fn steps(&self) -> Vec<Step> {
        vec![self.step(); self.train.len().div_ceil(self.settings.batch)]
    }
}
