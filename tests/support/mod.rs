//! What tests of several binaries share: images, real and made up, and what is in a folder.

#![allow(dead_code, reason = "no binary uses all of it")]

pub mod data_sets;

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use onelayer::data::{Dataset, Source, SplitFiles};
use onelayer::engine::Isa;
use tempfile::TempDir;

/// The folder of CIFAR-10 files that `ONELAYER_DATA` names.
pub fn real_images_folder() -> Option<String> {
    std::env::var("ONELAYER_DATA").ok()
}

/// The lab's split of the files there.
pub fn real_images() -> Option<Dataset> {
    let folder = Source::Folder(real_images_folder()?.into());
    Some(Dataset::open(&folder, &SplitFiles::default()).unwrap())
}

/// How often something random is tried: as `PROPTEST_CASES` says, or `default`.
pub fn cases(default: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(default)
}

/// Whether a small disk can be mounted, to fill it.
pub fn mounts() -> bool {
    let folder = TempDir::new().unwrap();
    let mounted =
        Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "none"]).arg(folder.path()).output();
    mounted.is_ok_and(|output| output.status.success())
}

/// Whether files are read that nobody may read, as root reads them.
pub fn reads_anything() -> bool {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut permissions = file.as_file().metadata().unwrap().permissions();
    permissions.set_readonly(true);
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0);
    fs::set_permissions(file.path(), permissions).unwrap();
    File::open(file.path()).is_ok()
}

/// Whether `python3` has NumPy.
pub fn has_numpy() -> bool {
    Command::new("python3").args(["-c", "import numpy"]).output().is_ok_and(|output| output.status.success())
}

/// What cannot be checked here, and why.
pub fn unchecked() -> Vec<String> {
    let one = std::thread::available_parallelism().is_ok_and(|processors| processors.get() == 1);
    let mut unchecked: Vec<String> = [
        (real_images_folder().is_none(), "the lab's table and bits, and how photographs are read and standardized: set ONELAYER_DATA to a folder of CIFAR-10 files"),
        (!mounts(), "a disk that is full: it takes root to mount one"),
        (reads_anything(), "files that may not be read: whoever runs this may read any"),
        (!has_numpy(), "weights, histories and predictions against NumPy: python3 does not have it"),
        (one, "that threads are kept on processors of their own: there is one"),
    ].into_iter().filter(|(missing, _)| *missing).map(|(_, what)| what.into()).collect();
    let absent = Isa::ALL.into_iter().filter(|isa| Isa::available().all(|available| available != *isa));
    unchecked
        .extend(absent.map(|isa| format!("the bits of {}: this processor does not have it", isa.name())));
    unchecked
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
