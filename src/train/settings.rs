//! The settings of a run, in one table.
//!
//! A setting is one entry of [`Settings`]: its name, type, default and meaning. Everything that names settings goes
//! through [`Settings::TABLE`]: the `config` of `run.json` and the checkpoint (serde), the metadata of a model, the
//! check of a resumed run, the headings, and the command's options.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::class_weights::ClassWeights;
use super::optimizer::Optimizer;
use super::order::Order;
use super::schedule::{Schedule, When};
use crate::data::augmentation::{Augmentation, PictureShape};
use crate::engine::Step;
use crate::error::{Error, Result};
use crate::model::{Init, Parameters, Standardization};
use crate::objective::{Loss, Objective};
use crate::samples::{Element, Samples};

/// The settings that make the images which runs are trained on, each from the data as it is.
pub(super) const IMAGES: [&str; 3] = ["no_standardize", "clip", "mirror"];

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
                    $(stringify!($name) => self.$name.text(),)+
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
    /// How the parameters are found: sgd (mini-batch gradient descent), or lbfgs (L-BFGS on all training images at once, which
    /// finds the optimum without a learning rate)
    Common optimizer: Optimizer = Optimizer::Sgd, "NAME";
    /// The most iterations of lbfgs; each evaluates the training images once, or more often where a step is hard to find
    Common iterations: usize = 1000, "N";
    /// Where lbfgs ends: the largest entry of the gradient is at most this
    Own tol: f64 = 1e-4, "T";
    /// Learning rate
    Own eta: f64 = 0.001, "RATE";
    /// Weight of the penalty lambda ||W||^2, which leaves the bias out. It is half of what PyTorch calls weight_decay
    Own lambda: f64 = 0.0, "WEIGHT";
    /// How the learning rate changes: constant, linear (down to 0), cosine (down to 0), step:EPOCHS:FACTOR,
    /// inverse:EPOCHS (half after so many) or cyclic:LOW:EPOCHS (up from LOW in so many epochs, and down again)
    Own schedule: Schedule = Schedule::Constant, "SCHEDULE";
    /// Nesterov's momentum, 0 to below 1
    Own momentum: f64 = 0.0, "M";
    /// Images in a batch; all of them, where there are fewer than the default
    Common batch: usize = 100, "N";
    /// Passes over the training images
    Common epochs: usize = 40, "N";
    /// Visit the training images in a new random order in each epoch, instead of in the order of the files
    Common shuffle: bool = false, "";
    /// Train on the features as they are: do not subtract their mean and divide by their standard deviation
    Common no_standardize: bool = false, "";
    /// With engine fixed on float features: their 256 levels lie between the quantiles SHARE and 1 - SHARE of the training
    /// values, instead of the smallest and the largest
    Common clip: f64 = 0.0, "SHARE";
    /// Hold the weights mirror-symmetric: what training with all flips leads to, without their noise, at half the work
    Common mirror: bool = false, "";
    /// Mirror each training image of an epoch with probability 1/2
    Common flip: bool = false, "";
    /// Move each training image of an epoch by up to N pixels in x and in y; its edges are repeated
    Common shift: usize = 0, "N";
    /// Seed of the initial weights, and of the random orders, flips and shifts
    Own seed: u64 = 0, "N";
    /// Initial weights and biases: normal (deviation 0.01), xavier (deviation 1/sqrt(D)) or zero
    Own init: Init = Init::Normal, "NAME";
    /// Evaluate on the training and validation images after every N epochs, and after the last
    Common evaluate_every: usize = 1, "N";
    /// Stop a run after N evaluations in a row without a new smallest validation loss; 0 never does
    Own early_stop: usize = 0, "N";
    /// Keep the model with the smallest validation loss, instead of the last one
    Own best: bool = false, "";
    /// What training minimizes, beside the penalty: softmax (the cross-entropy), hinge (of a multi-class support vector
    /// machine) or sigmoid (the mean of K binary cross-entropies)
    Common objective: Loss = Loss::Softmax, "NAME";
    /// Softmax aims at (1 - A) onehot + A/K instead of the one-hot vector of the label
    Common label_smoothing: f64 = 0.0, "A";
    /// What the loss of a sample is multiplied by: equal (1), balanced (N / (K N_class)), or a list of one number for each
    /// class, separated by commas
    Common class_weights: ClassWeights = ClassWeights::Equal, "WEIGHTS";
}

/// The settings of gradient descent, and those of L-BFGS, which begins with zeros.
const OF_SGD: [&str; 10] =
    ["eta", "schedule", "momentum", "batch", "epochs", "shuffle", "flip", "shift", "seed", "init"];
const OF_LBFGS: [&str; 2] = ["iterations", "tol"];

impl Settings {
    /// Whether the optimizer has a use for the setting `name`.
    pub fn uses(&self, name: &str) -> bool {
        match self.optimizer {
            Optimizer::Sgd => !OF_LBFGS.contains(&name),
            Optimizer::Lbfgs => !OF_SGD.contains(&name),
        }
    }

    /// How long it trains: the epochs, or the most iterations.
    pub fn length(&self) -> usize {
        match self.optimizer {
            Optimizer::Sgd => self.epochs,
            Optimizer::Lbfgs => self.iterations,
        }
    }

    /// The setting that says how long it trains.
    pub fn length_name(&self) -> &'static str {
        match self.optimizer {
            Optimizer::Sgd => "epochs",
            Optimizer::Lbfgs => "iterations",
        }
    }

    /// The same, to train as long as this.
    pub(crate) fn lasting(&self, length: usize) -> Self {
        match self.optimizer {
            Optimizer::Sgd => Self { epochs: length, ..self.clone() },
            Optimizer::Lbfgs => Self { iterations: length, ..self.clone() },
        }
    }

    /// Checks the settings against training on `train`, in `classes` classes.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn check(&self, train: &Samples, classes: usize) -> Result<()> {
        self.check_optimizer()?;
        let images = train.len();
        for (name, value) in [("eta", self.eta), ("lambda", self.lambda), ("tol", self.tol)] {
            if !(value.is_finite() && value >= 0.0 && (value as f32).is_finite()) {
                let expected = format!("a number from 0 to {:e}", f32::MAX);
                return Err(Error::setting(name, expected, format_args!("{value:?}")));
            }
        }
        for (name, value) in [("momentum", self.momentum), ("label_smoothing", self.label_smoothing)] {
            if !(0.0..1.0).contains(&value) || value as f32 == 1.0 {
                return Err(Error::setting(name, "a number from 0 to below 1", format_args!("{value:?}")));
            }
        }
        if !(0.0..0.5).contains(&self.clip) {
            return Err(Error::setting(
                "clip",
                "a number from 0 to below 0.5",
                format_args!("{:?}", self.clip),
            ));
        }
        if self.clip > 0.0 && train.element() == Element::U8 {
            return Err(Error::setting("clip", "0 for bytes, which are not rounded", self.clip));
        }
        if self.uses("batch") && (self.batch == 0 || self.batch > images) {
            let expected = format!("1 to {images}, the images of the training split");
            return Err(Error::setting("batch", expected, self.batch));
        }
        let lengths = [(self.length_name(), self.length()), ("evaluate_every", self.evaluate_every)];
        for (name, value) in lengths {
            if value == 0 {
                return Err(Error::setting(name, "at least 1", value));
            }
        }
        if self.label_smoothing > 0.0 && self.objective != Loss::Softmax {
            let expected = format!("0 with objective {}: softmax alone has smooth labels", self.objective);
            return Err(Error::setting("label_smoothing", expected, self.label_smoothing));
        }
        match &self.class_weights {
            ClassWeights::Listed(weights) if weights.len() != classes => {
                let expected = format!("{classes} numbers, one for each class");
                return Err(Error::setting("class_weights", expected, weights.len()));
            }
            _ => {}
        }
        if self.mirror && self.flip {
            return Err(Error::setting("flip", "one of mirror and flip: mirror has all flips", "both"));
        }
        let augmentation = self.augmentation(train.features())?;
        if augmentation.is_some() && train.element() != Element::U8 {
            let name = if self.mirror {
                "mirror"
            } else if self.flip {
                "flip"
            } else {
                "shift"
            };
            let found = format_args!("features of {}", train.element().name());
            return Err(Error::setting(name, "pictures of bytes", found));
        }
        Ok(())
    }

    /// Checks that the settings go with the optimizer.
    fn check_optimizer(&self) -> Result<()> {
        let (default, optimizer) = (Self::default(), self.optimizer);
        let other = if optimizer == Optimizer::Sgd { Optimizer::Lbfgs } else { Optimizer::Sgd };
        for row in Self::TABLE.iter().filter(|row| !self.uses(row.name)) {
            let value = self.get(row.name);
            if value != default.get(row.name) {
                let found = format_args!("{value} with optimizer {optimizer}");
                return Err(Error::setting(row.name, format_args!("optimizer {other}"), found));
            }
        }
        match (optimizer, self.objective) {
            (Optimizer::Lbfgs, Loss::Hinge) => {
                let expected = "softmax or sigmoid with optimizer lbfgs, which needs a smooth loss";
                Err(Error::setting("objective", expected, self.objective))
            }
            _ => Ok(()),
        }
    }

    /// What is minimized when `train` is trained on.
    pub fn objective(&self, train: &Samples, classes: usize) -> Objective {
        Objective {
            loss: self.objective,
            smoothing: self.label_smoothing,
            class_weights: self.class_weights.of(train, classes),
        }
    }

    /// How training pictures of D `features` are changed, if they are.
    ///
    /// # Errors
    /// Data that are no pictures, or are too small for the shift.
    pub fn augmentation(&self, features: usize) -> Result<Option<Augmentation>> {
        let Self { mirror, flip, shift, seed, .. } = *self;
        let asked = [("mirror", mirror), ("flip", flip), ("shift", shift > 0)];
        let Some((name, _)) = asked.into_iter().find(|(_, asked)| *asked) else { return Ok(None) };
        let Some(shape) = PictureShape::of_features(features) else {
            let expected = "pictures: colour ones of 32 x 32 pixels, or grey ones of 28 x 28";
            return Err(Error::setting(name, expected, format_args!("samples of {features} features")));
        };
        let most = shape.width.min(shape.height) - 1;
        if shift > most {
            return Err(Error::setting(
                "shift",
                format_args!("at most {most}, to keep a part of each picture"),
                shift,
            ));
        }
        Ok(Some(Augmentation { shape, mirror, flip, shift, seed }))
    }

    /// The step that a run takes at this point of its schedule.
    pub fn step(&self, when: When) -> Step {
        let eta = self.schedule.rate(self.eta, when) as f32;
        Step { eta, lambda: self.lambda as f32, momentum: self.momentum as f32 }
    }

    /// What `samples` are standardized by: their mean and deviation, measured on the threads of the rayon pool that this is
    /// called in, or nothing.
    pub fn standardization(&self, samples: &Samples) -> Standardization {
        match self.no_standardize {
            true => Standardization::none(samples.features()),
            false => Standardization::measure(samples),
        }
    }

    /// The parameters that a run begins with.
    pub fn initial(&self, classes: usize, features: usize) -> Parameters {
        match self.optimizer {
            Optimizer::Sgd => Parameters::initial(self.init, classes, features, self.seed),
            Optimizer::Lbfgs => Parameters::zeros(classes, features),
        }
    }

    /// The order in which each epoch visits the images of `train`.
    pub fn order(&self, train: &Samples) -> Order {
        if self.shuffle { Order::shuffled(self.seed, train) } else { Order::Sequential }
    }
}

impl Settings {
    /// The values of the settings that runs side by side must have in common.
    pub fn common(&self) -> Vec<String> {
        self.common_names().map(|name| self.get(name)).collect()
    }

    /// The first setting for which a run with these settings and one with `other` cannot be trained side by side; none
    /// where they can.
    pub fn parts_with(&self, other: &Self) -> Option<&'static str> {
        self.common_names().find(|name| self.get(name) != other.get(name))
    }

    /// The values of the settings that make the images which runs are trained on.
    pub fn of_images(&self) -> [String; IMAGES.len()] {
        IMAGES.map(|name| self.get(name))
    }

    fn common_names(&self) -> impl Iterator<Item = &'static str> {
        let common = Self::TABLE.iter().filter(|row| row.scope == Scope::Common).map(|row| row.name);
        // A seed that draws images must be the same for all.
        common.chain((self.shuffle || self.flip || self.shift > 0).then_some("seed"))
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

    /// Checks the settings of runs that are to be trained side by side on `train`, in `classes` classes.
    ///
    /// # Errors
    /// The first setting that cannot be used, or that the runs must have in common and have not.
    ///
    /// # Panics
    /// If there is no run.
    pub fn check(runs: &[Self], train: &Samples, classes: usize) -> Result<()> {
        for run in runs {
            run.settings.check(train, classes)?;
            if let Some(name) = runs[0].settings.parts_with(&run.settings) {
                let [expected, found] = [&runs[0], run].map(|run| run.settings.get(name));
                let expected = format_args!("{expected}, as in the run beside it");
                return Err(Error::setting(name, expected, found));
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

    /// The text that is read as this value.
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Value for f64 {
    fn expected() -> String {
        "a number".into()
    }

    /// The shorter one of `0.001` and `1e-3`.
    fn text(&self) -> String {
        let (digits, power) = (self.to_string(), format!("{self:e}"));
        if digits.len() <= 12.max(power.len()) { digits } else { power }
    }
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
    usize, "a whole number from 0 to 2^64 - 1";
    u64, "a whole number from 0 to 2^64 - 1";
    bool, "true or false";
    Loss, Self::ALL.map(Self::name).join(" or ");
    Optimizer, Self::ALL.map(Self::name).join(" or ");
    Init, Self::ALL.map(Self::name).join(" or ");
    Schedule, Self::FORMS;
    ClassWeights, "equal, balanced, or numbers from 0 on, separated by commas";
}

macro_rules! text_in_json {
    ($($type:ty),+) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(|()| D::Error::custom(format_args!("{}, not {text:?}", <$type>::expected())))
            }
        }
    )+};
}

text_in_json!(Schedule, ClassWeights);
