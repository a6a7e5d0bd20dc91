//! Every format gives the same images and the same training, and whatever is in none of them is refused with
//! one line that says which file, what was expected, what was found, and what to do.

mod cifar_10;
mod cifar_100;
mod formats;
mod mixed;
mod npy;
mod python;
mod splits;
mod standardization;
#[path = "../support/mod.rs"]
mod support;
mod synthetic;

use std::path::Path;

use onelayer::data::{Dataset, Source, Split, SplitFiles};

fn open(folder: &Path) -> onelayer::Result<Dataset> {
    open_as(folder, &SplitFiles::default())
}

fn open_as(folder: &Path, files: &SplitFiles) -> onelayer::Result<Dataset> {
    Dataset::open(&Source::Folder(folder.into()), files)
}

/// The images and labels of a split.
fn contents(split: &Split) -> Vec<(Vec<u8>, u8)> {
    let samples = split.samples();
    (0..samples.len()).map(|n| (samples.image(n).bytes().to_vec(), samples.label(n) as u8)).collect()
}

/// The error's text, which is one line, starts with `path`, and contains all of `facts`.
#[track_caller]
fn assert_refused(folder: &Path, path: &Path, facts: &[&str]) {
    assert_error(open(folder), &path.display().to_string(), facts);
}

/// The error is one line that starts with `subject`, a file or an option, and contains all of `facts`.
#[track_caller]
fn assert_error<T>(result: onelayer::Result<T>, subject: &str, facts: &[&str]) {
    let message = result.err().expect("must be refused").to_string();
    assert!(message.starts_with(&format!("{subject}: ")), "{message}");
    assert!(!message.contains('\n') && message.chars().count() < 600, "{message}");
    for fact in facts {
        assert!(message.contains(fact), "{fact:?} in {message:?}");
    }
}
