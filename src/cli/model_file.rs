//! Saved models, by their file or by the run folder that they lie in.

use std::path::Path;

use super::inputs::Inputs;
use super::provenance;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::train::Metrics;

/// The model's name in a run folder.
pub(super) const NAME: &str = "model.safetensors";

/// Reads the model file `path`, or the one in the run folder `path`.
pub(super) fn load(path: &Path) -> Result<Model> {
    if !path.is_dir() {
        return Model::load(path);
    }
    let inner = path.join(NAME);
    if !inner.exists() {
        let expected = format!("a model file, or a run folder with {NAME}");
        return Err(Error::format(path, expected, "a folder without it"));
    }
    Model::load(&inner)
}

/// Notes in the metadata of `model` what it was trained on.
pub(super) fn note_data(model: &mut Model, inputs: &Inputs) {
    model.metadata.insert("dataset".into(), inputs.dataset.name.into());
    model.metadata.extend(inputs.provenance.clone());
}

/// The same of a model that was trained on the images that validated as well.
pub(super) fn note_all_data(model: &mut Model, inputs: &Inputs) {
    note_data(model, inputs);
    model.metadata = provenance::with_validation(std::mem::take(&mut model.metadata));
}

/// Notes in the metadata of `model` what it reaches on the test split.
pub(super) fn note_test(model: &mut Model, &Metrics { loss, cost, accuracy, top5 }: &Metrics) {
    let figures = [("test_loss", loss), ("test_cost", cost), ("test_accuracy", accuracy)];
    let figures = figures.into_iter().chain(top5.map(|top5| ("test_top5", top5)));
    model.metadata.extend(figures.map(|(key, value)| (key.into(), value.to_string())));
}
