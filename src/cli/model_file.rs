//! Saved models, by their file or by the run folder that they lie in.

use std::path::Path;

use crate::error::{Error, Result};
use crate::model::Model;

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
