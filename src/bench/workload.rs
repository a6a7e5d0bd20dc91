//! The workload of a benchmark.

use crate::data::Dataset;
use crate::engine::{Problem, Step};
use crate::error::Result;
use crate::model::{Model, Parameters, Standardization};
use crate::objective::Objective;
use crate::train::{Settings, Splits, When};

/// The images and the settings that every engine gets.
#[derive(Clone)]
pub struct Workload<'a> {
    pub splits: Splits<'a>,
    /// Of the training split.
    pub standardization: &'a Standardization,
    /// Where every run begins.
    pub initial: Parameters,
    pub settings: Settings,
    /// That of the settings.
    pub objective: Objective,
    /// Where the images are in files, and a trained model can be.
    pub files: Option<Files<'a>>,
}

/// Where a training from files to a saved model begins and ends.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    /// Opens the files of the data.
    pub open: &'a (dyn Fn() -> Result<Dataset> + Sync),
    /// Saves the model.
    pub save: &'a (dyn Fn(&Model) -> Result<()> + Sync),
}

impl Workload<'_> {
    /// What every engine is built from.
    pub fn problem(&self) -> Problem<'_> {
        Problem {
            initial: std::slice::from_ref(&self.initial),
            standardization: self.standardization,
            objective: &self.objective,
            element: self.splits.train.element(),
        }
    }

    /// The images in order.
    pub fn order(&self) -> Vec<u32> {
        (0..self.splits.train.len() as u32).collect()
    }

    /// Every step.
    pub fn step(&self) -> Step {
        self.settings.step(When::START)
    }

    /// The steps of an epoch.
    pub fn steps(&self) -> Vec<Step> {
        vec![self.step(); self.splits.train.len().div_ceil(self.settings.batch)]
    }
}
