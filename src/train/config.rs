//! What is trained, and how: the settings of one pass over the data, which trains one or more runs.

use serde::{Deserialize, Serialize};

use crate::data::Order;
use crate::engine::Step;
use crate::error::{Error, Result};

/// What one run has of its own; everything else it shares with the runs beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The run's name, as it stands in tables.
    pub name: String,
    /// The learning rate.
    pub eta: f64,
    /// The weight of the penalty `||W||^2`.
    pub lambda: f64,
}

impl Run {
    /// The step that this run takes in every batch.
    pub fn step(&self) -> Step {
        Step { eta: self.eta as f32, lambda: self.lambda as f32 }
    }
}

/// The settings of a training pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The runs that are trained side by side.
    pub runs: Vec<Run>,
    /// Images in a batch.
    pub batch: usize,
    /// Passes over the training split.
    pub epochs: usize,
    /// Whether each epoch visits the images in a new random order, instead of as they lie on disk.
    pub shuffle: bool,
    /// Where the initial parameters and the orders come from.
    pub seed: u64,
    /// Training and validation splits are evaluated after every so many epochs, and after the last.
    pub evaluate_every: usize,
}

impl Config {
    /// The lab report's four runs: batches of 100, 40 epochs.
    pub fn lab() -> Self {
        let run = |number: usize, eta, lambda| Run { name: format!("test{number}"), eta, lambda };
        Self {
            runs: vec![run(1, 0.1, 0.0), run(2, 0.001, 0.0), run(3, 0.001, 0.1), run(4, 0.001, 1.0)],
            batch: 100,
            epochs: 40,
            shuffle: false,
            seed: 0,
            evaluate_every: 1,
        }
    }

    /// Checks the settings against a training split of `images` images.
    ///
    /// # Errors
    /// The first setting that cannot be used, by the option that sets it.
    pub fn check(&self, images: usize) -> Result<()> {
        for run in &self.runs {
            for (option, value) in [("--eta", run.eta), ("--lambda", run.lambda)] {
                if !(value.is_finite() && value >= 0.0 && (value as f32).is_finite()) {
                    let expected = format!("a number from 0 to {:e}", f32::MAX);
                    return Err(Error::option(option, expected, format_args!("{value:?}")));
                }
            }
        }
        if self.batch == 0 || self.batch > images {
            let expected = format!("1 to {images}, the images of the training split");
            return Err(Error::option("--batch", expected, self.batch));
        }
        for (option, value) in [("--epochs", self.epochs), ("--evaluate-every", self.evaluate_every)] {
            if value == 0 {
                return Err(Error::option(option, "at least 1", value));
            }
        }
        Ok(())
    }

    /// The order of the images that `shuffle` and `seed` say.
    pub fn order(&self) -> Order {
        if self.shuffle { Order::Shuffled { seed: self.seed } } else { Order::Sequential }
    }
}
