//! What a caller says of a download, and what it is told.

use std::path::PathBuf;
use std::time::Duration;

use crate::data::archive::Verified;

/// How long a host is waited for, and how often it is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The longest silence, in connecting or between two bytes.
    pub stall: Duration,
    /// Attempts in all.
    pub attempts: u32,
    /// The pause before the second attempt; each one after that is twice as long, up to [`Patience::stall`].
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { stall: Duration::from_secs(30), attempts: 8, pause: Duration::from_secs(1) }
    }
}

/// Where an archive comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A host.
    Url(String, Patience),
    /// A file that is already here. It stays.
    File(PathBuf),
}

/// What is happening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A host is asked, for the first time or again.
    Asking {
        /// The address.
        url: &'a str,
        /// The number of the attempt, counted from 1.
        attempt: u32,
        /// Why the attempt before it failed.
        problem: Option<&'a str>,
    },
    /// So many bytes of the archive are here.
    Here(u64),
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fetched {
    /// The folder.
    #[serde(rename = "out", serialize_with = "crate::files::path_text::path")]
    pub folder: PathBuf,
    /// Whether it was there before, and only had to be verified.
    pub present: bool,
    /// Its files.
    pub files: Vec<Verified>,
}
