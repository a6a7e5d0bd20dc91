//! Phases of training: a run that is resumed may go on with other settings.

use serde::{Deserialize, Serialize};

use super::settings::{Run, Settings};

/// The settings that may change where a run is resumed.
pub(super) const CHANGEABLE: [&str; 4] = ["eta", "schedule", "epochs", "iterations"];

/// Training up to the point where it was resumed with other settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// The runs, with the settings that they had.
    pub runs: Vec<Run>,
    /// The epochs that were finished at its end.
    pub epoch: usize,
    /// The images of the next epoch that were trained at its end.
    pub images: usize,
}

impl Phase {
    /// Whether it came to its last epoch.
    pub fn is_whole(&self) -> bool {
        self.images == 0 && self.runs.first().is_some_and(|run| run.settings.length() == self.epoch)
    }
}

/// A phase of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// The settings that it had.
    pub config: Settings,
    /// The epochs that were finished at its end.
    pub epoch: usize,
    /// The images of the next epoch that were trained at its end.
    pub images: usize,
}

impl Earlier {
    /// The phases of the run of this number.
    pub fn of(phases: &[Phase], run: usize) -> Vec<Self> {
        let of_run = |phase: &Phase| Self {
            config: phase.runs[run].settings.clone(),
            epoch: phase.epoch,
            images: phase.images,
        };
        phases.iter().map(of_run).collect()
    }

    /// What was otherwise in each of the phases `earlier` than in the one after it, the last of which has the settings
    /// `now`: `eta 0.1, epochs 40 up to epoch 40`.
    pub fn words(earlier: &[Self], now: &Settings) -> Vec<String> {
        let later = earlier.iter().skip(1).map(|phase| &phase.config).chain([now]);
        let words = |(phase, later): (&Self, &Settings)| {
            let differs = |name: &&str| phase.config.get(name) != later.get(name);
            let value = |name: &str| format!("{name} {}", phase.config.get(name));
            let values: Vec<String> = CHANGEABLE.iter().copied().filter(differs).map(value).collect();
            let within = match phase.images {
                0 => String::new(),
                images => format!(" and {images} images"),
            };
            format!("{} up to epoch {}{within}", values.join(", "), phase.epoch)
        };
        earlier.iter().zip(later).map(words).collect()
    }
}
