//! Where the images of a data set came from, for whoever wants to open it again.

use serde::{Deserialize, Serialize};

use super::source::Source;
use super::split_files::SplitFiles;

/// A data set as it was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The folder, or the built-in images.
    pub source: Source,
    /// What was chosen of it.
    pub files: SplitFiles,
}
