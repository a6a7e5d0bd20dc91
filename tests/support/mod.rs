//! What tests of several binaries share: images, real and made up, and what is in a folder.

#![allow(dead_code, reason = "no binary uses all of it")]

pub mod data_sets;

use std::fs;
use std::path::Path;

use onelayer::data::{Dataset, Source, SplitFiles};

/// The lab's split of the files in the folder that `ONELAYER_DATA` names; without it none.
pub fn real_images() -> Option<Dataset> {
    let folder = std::env::var_os("ONELAYER_DATA")?;
    Some(Dataset::open(&Source::Folder(folder.into()), &SplitFiles::default()).unwrap())
}

/// The names in `folder`, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every file and every empty folder in `folder`, as a sorted list of paths below it.
pub fn files(folder: &Path) -> Vec<String> {
    let below = |name: String| match folder.join(&name) {
        path if !path.is_dir() => vec![name],
        path if names(&path).is_empty() => vec![name + "/"],
        path => files(&path).iter().map(|file| format!("{name}/{file}")).collect(),
    };
    names(folder).into_iter().flat_map(below).collect()
}
