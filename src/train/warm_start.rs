//! Which model training began with, instead of random weights.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The model that training began with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WarmStart {
    /// Its file, or its run folder.
    #[serde(serialize_with = "crate::files::path_text::path")]
    pub model: PathBuf,
    /// SHA-256 of its weights and bias, as in `weights_sha256` of a record.
    pub weights_sha256: String,
}
