//! What `gradcheck --json` prints, and what a parameter is in the data set's words.

use std::path::PathBuf;

use serde::Serialize;

use crate::data::{Dataset, layout};
use crate::gradient_check::{Criterion, Entry, StepSweep};
use crate::objective::Loss;
use crate::train::ClassWeights;

/// The names of the colour planes.
const CHANNELS: [&str; layout::CHANNELS] = ["red", "green", "blue"];

/// What a parameter is, in the data set's words.
#[derive(Serialize)]
pub(super) struct Place {
    parameter: String,
    class: String,
    #[serde(flatten)]
    pixel: Option<Pixel>,
}

/// Where a feature lies in a CIFAR image: a pixel of one colour.
#[derive(Serialize)]
struct Pixel {
    row: usize,
    column: usize,
    channel: &'static str,
}

impl Place {
    /// Parameter `index` of weights `[K, D]`, row-major, then biases `[K]`.
    pub(super) fn new(index: usize, dataset: &Dataset, features: usize) -> Self {
        let (class, feature) = (index / features, index % features);
        if class < dataset.classes.len() {
            let (row, column) = (feature / layout::SIDE % layout::SIDE, feature % layout::SIDE);
            let pixel = || Pixel { row, column, channel: CHANNELS[feature / layout::SIDE.pow(2)] };
            return Self {
                parameter: format!("weight[{class}, {feature}]"),
                class: dataset.classes[class].clone(),
                pixel: (features == layout::FEATURES).then(pixel),
            };
        }
        let class = index - dataset.classes.len() * features;
        Self { parameter: format!("bias[{class}]"), class: dataset.classes[class].clone(), pixel: None }
    }

    pub(super) fn text(&self) -> String {
        let Self { parameter, class, pixel } = self;
        match pixel {
            Some(Pixel { row, column, channel }) => {
                format!("{parameter} (class {class}, pixel row {row}, column {column}, {channel})")
            }
            None => format!("{parameter} (class {class})"),
        }
    }
}

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct Record<'a> {
    pub(super) passed: bool,
    pub(super) criteria: Vec<CriterionRecord<'a>>,
    pub(super) dataset: &'a str,
    pub(super) objective: Loss,
    pub(super) label_smoothing: f64,
    pub(super) class_weights: ClassWeights,
    pub(super) images: usize,
    pub(super) parameters: usize,
    pub(super) step: f64,
    pub(super) eps: f64,
    pub(super) seed: u64,
    pub(super) seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) step_sweep: Option<SweepRecord>,
}

/// One criterion.
#[derive(Serialize)]
pub(super) struct CriterionRecord<'a> {
    name: &'a str,
    threshold: f64,
    max_error: f64,
    passed: bool,
    entries: usize,
    failed: usize,
    /// The entry with the largest error.
    worst: Option<WorstRecord>,
}

#[derive(Serialize)]
struct WorstRecord {
    #[serde(flatten)]
    place: Place,
    analytic: f64,
    numerical: f64,
}

impl<'a> CriterionRecord<'a> {
    pub(super) fn new(criterion: &'a Criterion, place: impl Fn(usize) -> Place) -> Self {
        Self {
            name: &criterion.name,
            threshold: criterion.threshold,
            max_error: criterion.max_error(),
            passed: criterion.passed(),
            entries: criterion.checked,
            failed: criterion.failed,
            worst: criterion.worst.map(|Entry { index, analytic, numerical, .. }| WorstRecord {
                place: place(index),
                analytic,
                numerical,
            }),
        }
    }
}

/// The step sweep, and where its figure is.
#[derive(Serialize)]
pub(super) struct SweepRecord {
    #[serde(flatten)]
    pub(super) sweep: StepSweep,
    #[serde(serialize_with = "crate::files::path_text::path")]
    pub(super) figure: PathBuf,
}
