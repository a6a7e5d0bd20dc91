//! The workload of a benchmark.

use crate::engine::{Problem, Step};
use crate::model::{Parameters, Standardization};
use crate::train::{Settings, Splits};

/// The images and the settings that every engine gets.
#[derive(Clone)]
pub struct Workload<'a> {
    pub splits: Splits<'a>,
    /// Of the training split.
    pub standardization: &'a Standardization,
    /// Where every run begins.
    pub initial: Parameters,
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
        (0..self.splits.train.len() as u32).collect()
    }

    /// The steps of an epoch.
    pub fn steps(&self) -> Vec<Step> {
        vec![self.settings.step(); self.splits.train.len().div_ceil(self.settings.batch)]
    }
}
