//! What a model file holds.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::text;
use super::pixels::Pixels;
use crate::error::{Error, Result, one_line};
use crate::model::{Model, Parameters};
use crate::objective::Loss;
use crate::report::columns::{columns, left};
use crate::report::{Ink, Templates, count};
use crate::train::record::weights_sha256;

/// So many classes are named of more.
const NAMED: usize = 100;

/// A model, measured.
#[derive(Serialize)]
pub(super) struct ModelInfo {
    #[serde(serialize_with = "crate::files::path_text::path")]
    path: PathBuf,
    classes: Vec<String>,
    features: usize,
    objective: Loss,
    /// Zero, or that of softmax.
    label_smoothing: f64,
    /// Empty where every class weighs 1.
    class_weights: Vec<f32>,
    /// Of the images that it was trained on.
    pixels: Pixels,
    weight: Weight,
    bias: Vec<f32>,
    weights_sha256: String,
    metadata: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Weight {
    min: f32,
    max: f32,
    /// `||W||^2`: what lambda multiplies.
    squared_norm: f64,
}

impl ModelInfo {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let Model { parameters, standardization, objective, classes, metadata } = Model::load(path)?;
        let weights_sha256 = weights_sha256(&parameters);
        let squared_norm = parameters.squared_norm();
        let Parameters { features, weight, bias, .. } = parameters;
        let (min, max) = range(&weight);
        Ok(Self {
            path: path.to_path_buf(),
            classes,
            features,
            objective: objective.loss,
            label_smoothing: objective.smoothing,
            class_weights: objective.class_weights,
            pixels: Pixels::new(&standardization),
            weight: Weight { min, max, squared_norm },
            bias,
            weights_sha256,
            metadata,
        })
    }

    /// What the objective aims at, where that is not every label alike.
    fn aims(&self) -> String {
        let mut text = String::new();
        if self.label_smoothing > 0.0 {
            let _ = write!(text, ", label smoothing {}", self.label_smoothing);
        }
        if !self.class_weights.is_empty() {
            let _ = write!(text, ", class weights {:?}", self.class_weights);
        }
        text
    }

    pub(super) fn text(&self) -> String {
        let Weight { min, max, squared_norm } = self.weight;
        let (bias_min, bias_max) = range(&self.bias);
        let mut text = format!(
            "model     {}\n\
             shape     {} features, {} classes: {}\n\
             objective {}{}\n\
             weights   from {min:?} to {max:?}, ||W||^2 = {squared_norm:?}, sha256 {}\n\
             bias      from {bias_min:?} to {bias_max:?}\n{}",
            one_line(self.path.display()),
            count(self.features),
            self.classes.len(),
            named(&self.classes),
            self.objective,
            self.aims(),
            self.weights_sha256,
            self.pixels.text(f64::to_string)
        );
        if !self.metadata.is_empty() {
            text.push('\n');
        }
        let metadata = self.metadata.iter().map(|(key, value)| (one_line(key), one_line(spaced(value))));
        let metadata: Vec<(String, String)> = metadata.collect();
        let width = metadata.iter().map(|(key, _)| columns(key)).max().unwrap_or(0).max(9);
        for (key, value) in metadata {
            let _ = writeln!(text, "{} {value}", left(&key, width));
        }
        text
    }
}

/// The names of the classes, or of the first of many.
fn named(classes: &[String]) -> String {
    let first = one_line(classes[..classes.len().min(NAMED)].join(", "));
    match classes.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// A list or a dictionary in JSON with a space between its parts, where a line may end.
fn spaced(value: &str) -> String {
    match serde_json::from_str(value) {
        Ok(serde_json::Value::Array(_) | serde_json::Value::Object(_)) => {
            value.replace(",\"", ", \"").replace("\":", "\": ").replace("},{", "}, {")
        }
        _ => value.into(),
    }
}

/// The class templates of the model at `path`, as wide as the terminal.
pub(super) fn templates(path: &Path) -> Result<String> {
    let Model { parameters, classes, .. } = Model::load(path)?;
    let templates = Templates::new(&parameters).ok_or_else(|| {
        let expected = "a model of the pixels of images, 3072 features or 784, of at most 256 classes";
        let found = format!("{} features and {} classes", parameters.features, parameters.classes);
        Error::format(path, expected, found)
    })?;
    let width = text::width().unwrap_or(80);
    let colours = env::var("COLORTERM").is_ok_and(|colours| matches!(&*colours, "truecolor" | "24bit"));
    let ink = if colours && io::stdout().is_terminal() { Ink::TrueColour } else { Ink::Shades };
    let names: Vec<String> = classes.iter().map(one_line).collect();
    Ok(templates.text(&names, width, ink))
}

/// The smallest and the largest value.
fn range(values: &[f32]) -> (f32, f32) {
    values
        .iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(min, max), &value| (min.min(value), max.max(value)))
}
