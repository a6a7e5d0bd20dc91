//! What a model's metadata says of the files that it was trained on, and what `evaluate` makes of it.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::data::{Dataset, Excerpt, ImageFile, Part, Split};
use crate::error::one_line;
use crate::model::Model;
use crate::report::count;
use crate::train::checkpoint::samples_sha256;

/// The metadata's keys: the files of each split, the images that validated where they were held out of the files that
/// trained, and what was chosen.
const TRAIN: &str = "train_files";
const VALIDATION: &str = "validation_files";
const HELD_OUT: &str = "validation_sha256";
const CHOSEN: &str = "split_files";

/// A file of images of a split.
#[derive(Serialize, Deserialize)]
struct FileRecord {
    name: String,
    sha256: String,
    /// How many of its images are of the split.
    images: usize,
    /// How many it has.
    of: usize,
}

/// What the metadata of a model that is trained on `dataset` says of its files. Reads all of them, on the threads of the
/// rayon pool that this is called in.
pub(super) fn of(dataset: &Dataset) -> BTreeMap<String, String> {
    let Dataset { train, validation, files, .. } = dataset;
    let (train, validated) = rayon::join(|| records(train), || records(validation));
    let mut metadata = BTreeMap::from([(TRAIN.into(), json(&train)), (VALIDATION.into(), json(&validated))]);
    if train.iter().any(|file| file.images < file.of) {
        metadata.insert(HELD_OUT.into(), samples_sha256(&validation.samples()));
    }
    if !files.is_default() {
        metadata.insert(CHOSEN.into(), json(files));
    }
    metadata
}

/// The same of a model that was trained on the images that validated as well.
pub(super) fn with_validation(mut metadata: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let list = |key: &str| -> Vec<FileRecord> {
        metadata.get(key).and_then(|files| serde_json::from_str(files).ok()).unwrap_or_default()
    };
    let mut files = list(TRAIN);
    for file in list(VALIDATION) {
        // Where they were held out of it.
        match files.iter_mut().find(|known| known.sha256 == file.sha256) {
            Some(known) => known.images += file.images,
            None => files.push(file),
        }
    }
    metadata.insert(TRAIN.into(), json(&files));
    metadata.remove(HELD_OUT);
    metadata
}

fn records(split: &Split) -> Vec<FileRecord> {
    let files: Vec<_> = split.files().collect();
    let record = |(file, images): (&ImageFile, usize)| FileRecord {
        name: file.path().file_name().unwrap_or_default().to_string_lossy().into_owned(),
        sha256: file.contents().sha256(),
        images,
        of: file.len(),
    };
    files.into_par_iter().map(record).collect()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("records have string keys")
}

/// A warning for each file of `excerpt` that `model` trained on. The images that it held out of such a file are none that
/// it trained on, and nobody who asks for the training split needs to be told.
pub(super) fn warnings(model: &Model, excerpt: &Excerpt) -> String {
    let trained: Option<Vec<FileRecord>> =
        model.metadata.get(TRAIN).and_then(|files| serde_json::from_str(files).ok());
    let Some(trained) = trained.filter(|_| excerpt.part != Part::Train) else { return String::new() };
    let seen = |file: &FileRecord| trained.iter().find(|trained| trained.sha256 == file.sha256);
    let files = records(&excerpt.split);
    let seen: Vec<(&FileRecord, &FileRecord)> =
        files.iter().filter_map(|file| Some((file, seen(file)?))).collect();
    let held_out = model.metadata.get(HELD_OUT);
    if seen.is_empty() || held_out.is_some_and(|sum| *sum == samples_sha256(&excerpt.split.samples())) {
        return String::new();
    }
    let line = |(file, trained): (&FileRecord, &FileRecord)| {
        let [images, of] = [trained.images, trained.of].map(count);
        let name = one_line(&file.name);
        format!(
            "warning   the model was trained on {images} of the {of} images in {name}: what was seen is no test\n"
        )
    };
    seen.into_iter().map(line).collect()
}
