//! The settings of a run, in one table.
//!
//! A setting is one entry of [`Settings`]: its name, type, default and meaning. Everything that names settings goes
//! through [`Settings::TABLE`]: the `config` of `run.json` and the checkpoint (serde), the metadata of a model, the
//! check of a resumed run, the headings, and the command's options.

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::order::Order;
use crate::engine::Step;
use crate::error::{Error, Result};
use crate::objective::Objective;

/// What is known of a setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name, as in JSON: `evaluate_every`.
    pub name: &'static str,
    /// What it means, in one sentence.
    pub help: &'static str,
    /// What its value is called in a usage text; empty for a switch, which is `true` or `false`.
    pub placeholder: &'static str,
    /// Which runs have it in common.
    pub scope: Scope,
}

/// Whether runs that are trained side by side may differ in a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each run has its own value.
    Own,
    /// All runs have the same value.
    Common,
}

macro_rules! settings {
    ($($(#[doc = $help:literal])+ $scope:ident $name:ident: $type:ty = $default:expr, $placeholder:literal;)+) => {
        /// The settings that the result of a run depends on. The default is the lab report's second run.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct Settings {
            $($(#[doc = $help])+ pub $name: $type,)+
        }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Settings {
            /// Every setting.
            pub const TABLE: &'static [Setting] = &[$(Setting {
                name: stringify!($name),
                help: concat!($($help),+),
                placeholder: $placeholder,
                scope: Scope::$scope,
            }),+];

            /// The value of the setting `name`, as text that [`Settings::set`] reads.
            ///
            /// # Panics
            /// If there is no such setting.
            pub fn get(&self, name: &str) -> String {
                match name {
                    $(stringify!($name) => self.$name.to_string(),)+
                    _ => panic!("no setting {name:?}"),
                }
            }

            /// Sets the setting `name` to the value that `text` says.
            ///
            /// # Errors
            /// A text that is no value of this setting.
            ///
            /// # Panics
            /// If there is no such setting.
            pub fn set(&mut self, name: &str, text: &str) -> Result<()> {
                match name {
                    $(stringify!($name) => {
                        let refused = |_| Error::setting(stringify!($name), <$type>::expected(), text);
                        self.$name = text.parse().map_err(refused)?;
                    })+
                    _ => panic!("no setting {name:?}"),
                }
                Ok(())
            }
        }
    };
}

settings! {
    /// Learning rate
    Own eta: f64 = 0.001, "RATE";
    /// Weight of the penalty lambda ||W||^2, which leaves the bias out. It is half of what PyTorch calls weight_decay
    Own lambda: f64 = 0.0, "WEIGHT";
    /// Images in a batch; all of them, where there are fewer than the default
    Common batch: usize = 100, "N";
    /// Passes over the training images
    Common epochs: usize = 40, "N";
    /// Visit the training images in a new random order in each epoch, instead of in the order of the files
    Common shuffle: bool = false, "";
    /// Seed of the initial weights and of the random orders
    Common seed: u64 = 0, "N";
    /// Evaluate on the training and validation images after every N epochs, and after the last
    Common evaluate_every: usize = 1, "N";
    /// What training minimizes, beside the penalty: softmax (the cross-entropy)
    Common objective: Objective = Objective::Softmax, "NAME";
}

impl Settings {
    /// Checks the settings against a training split of `images` images.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn check(&self, images: usize) -> Result<()> {
        for (name, value) in [("eta", self.eta), ("lambda", self.lambda)] {
            if !(value.is_finite() && value >= 0.0 && (value as f32).is_finite()) {
                let expected = format!("a number from 0 to {:e}", f32::MAX);
                return Err(Error::setting(name, expected, format_args!("{value:?}")));
            }
        }
        if self.batch == 0 || self.batch > images {
            let expected = format!("1 to {images}, the images of the training split");
            return Err(Error::setting("batch", expected, self.batch));
        }
        for (name, value) in [("epochs", self.epochs), ("evaluate_every", self.evaluate_every)] {
            if value == 0 {
                return Err(Error::setting(name, "at least 1", value));
            }
        }
        Ok(())
    }

    /// The step that a run takes in every batch.
    pub fn step(&self) -> Step {
        Step { eta: self.eta as f32, lambda: self.lambda as f32 }
    }

    /// The order in which each epoch visits the training images.
    pub fn order(&self) -> Order {
        if self.shuffle { Order::Shuffled { seed: self.seed } } else { Order::Sequential }
    }
}

/// A run to be trained: its settings, and its name in tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The name.
    pub name: String,
    /// The settings.
    pub settings: Settings,
}

impl Run {
    /// One run, called "run", with these settings.
    pub fn single(settings: Settings) -> Vec<Self> {
        vec![Self { name: "run".into(), settings }]
    }

    /// Checks the settings of runs that are to be trained side by side on `images` images.
    ///
    /// # Errors
    /// The first setting that cannot be used, or that the runs must have in common and have not.
    ///
    /// # Panics
    /// If there is no run.
    pub fn check(runs: &[Self], images: usize) -> Result<()> {
        for run in runs {
            run.settings.check(images)?;
            for row in Settings::TABLE.iter().filter(|row| row.scope == Scope::Common) {
                let [expected, found] = [&runs[0], run].map(|run| run.settings.get(row.name));
                if expected != found {
                    let expected = format_args!("{expected}, as in the run beside it");
                    return Err(Error::setting(row.name, expected, found));
                }
            }
        }
        Ok(())
    }

    /// The lab report's four runs: batches of 100, 40 epochs.
    pub fn lab() -> Vec<Self> {
        let run = |(number, (eta, lambda))| Self {
            name: format!("test{number}"),
            settings: Settings { eta, lambda, ..Settings::default() },
        };
        (1..).zip([(0.1, 0.0), (0.001, 0.0), (0.001, 0.1), (0.001, 1.0)]).map(run).collect()
    }
}

/// A type that settings have: a value as text, and back.
trait Value: FromStr + Display {
    /// What a text must be to be read.
    fn expected() -> String;
}

macro_rules! values {
    ($($type:ty, $expected:expr;)+) => {$(
        impl Value for $type {
            fn expected() -> String {
                $expected.into()
            }
        }
    )+};
}

values! {
    f64, "a number";
    usize, "a whole number from 0 to 2^64 - 1";
    u64, "a whole number from 0 to 2^64 - 1";
    bool, "true or false";
    Objective, Self::ALL.map(Self::name).join(" or ");
}
