//! Where a data set comes from: a folder of files, or the built-in images.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::synthetic;

/// Where a data set comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A folder of files in one of the formats.
    Folder(#[serde(serialize_with = "crate::files::path_text::path")] PathBuf),
    /// The built-in synthetic images, drawn from this seed.
    Synthetic(u64),
}

impl Source {
    /// The folder; none for the synthetic images.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::Synthetic(_) => None,
        }
    }

    /// What an error names: the folder, or the synthetic images.
    pub(super) fn place(&self) -> &Path {
        self.folder().unwrap_or(Path::new("synthetic (built in)"))
    }

    /// The path of the file `name`.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder().map_or_else(|| name.into(), |folder| folder.join(name))
    }

    /// Whether it has the file `name`.
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::Folder(folder) => folder.join(name).exists(),
            Self::Synthetic(_) => synthetic::FILES.contains(&name),
        }
    }
}
