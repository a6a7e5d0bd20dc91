//! What is strange about the files and labels of a data set, and may not be meant.

use std::fs;
use std::path::{Path, PathBuf};

use crate::data::{Dataset, Split};
use crate::error::one_line;

/// The most names that a warning lists.
const NAMED: usize = 5;

/// A line for each file whose images are used more than once, and for each set of splits that lacks classes.
pub(super) fn warnings(dataset: &Dataset) -> String {
    let splits = [("training", &dataset.train), ("validation", &dataset.validation), ("test", &dataset.test)];
    used_again(&splits) + &missing_classes(&splits, &dataset.classes) + hint(dataset)
}

/// What helps where a class is missing in one of two splits of the same files: files that are sorted by class end with
/// the last classes.
fn hint(dataset: &Dataset) -> &'static str {
    let Dataset { train, validation, classes, .. } = dataset;
    let trains = |path: &Path| train.files().any(|(file, _)| file.path() == path);
    let held_out = validation.files().any(|(file, _)| trains(file.path()));
    match held_out && there(train, classes.len()) != there(validation, classes.len()) {
        true => "hint      --validation-split 0.2 --stratify holds out images of every class\n",
        false => "",
    }
}

/// Files that are named twice, or in two splits. That training and validation share the images of one is no such case.
pub(super) fn used_again(splits: &[(&str, &Split)]) -> String {
    struct Used<'a> {
        file: PathBuf,
        images: usize,
        splits: Vec<&'a str>,
        len: usize,
    }
    let mut files: Vec<Used> = Vec::new();
    for (name, split) in splits {
        for (file, images) in split.files() {
            let path = fs::canonicalize(file.path()).unwrap_or_else(|_| file.path().into());
            match files.iter_mut().find(|used| used.file == path) {
                Some(used) => {
                    used.images += images;
                    used.splits.push(name);
                }
                None => files.push(Used { file: path, images, splits: vec![name], len: file.len() }),
            }
        }
    }
    let again = files.into_iter().filter(|used| used.images > used.len);
    let line = |Used { file, splits, .. }: Used| {
        let file = one_line(file.file_name().unwrap_or_default().display());
        let distinct = splits.iter().any(|name| *name != splits[0]);
        match distinct {
            true => {
                format!("warning   {file} is used for {}: what was seen is no test\n", splits.join(" and "))
            }
            false => format!("warning   {file} is named {} times for {}\n", splits.len(), splits[0]),
        }
    };
    again.map(line).collect()
}

/// Classes without an image, by the splits that lack them.
fn missing_classes(splits: &[(&str, &Split)], classes: &[String]) -> String {
    let mut lacking: Vec<(Vec<&str>, Vec<usize>)> = Vec::new();
    let counts: Vec<Vec<bool>> = splits.iter().map(|(_, split)| there(split, classes.len())).collect();
    for class in 0..classes.len() {
        let without = splits.iter().zip(&counts).filter(|(_, there)| !there[class]);
        let without: Vec<&str> = without.map(|((name, _), _)| *name).collect();
        match lacking.iter_mut().find(|(names, _)| *names == without) {
            _ if without.is_empty() => {}
            Some((_, missing)) => missing.push(class),
            None => lacking.push((without, vec![class])),
        }
    }
    let line = |(splits, missing): (Vec<&str>, Vec<usize>)| {
        let named: Vec<String> = missing.iter().take(NAMED).map(|&class| one_line(&classes[class])).collect();
        let more = match missing.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more classes"),
        };
        format!("warning   no image for {} is of {}{more}\n", splits.join(", "), named.join(", "))
    };
    lacking.into_iter().map(line).collect()
}

/// Whether each class has an image.
fn there(split: &Split, classes: usize) -> Vec<bool> {
    let samples = split.samples();
    let mut there = vec![false; classes];
    (0..samples.len()).for_each(|image| there[usize::from(samples.label(image))] = true);
    there
}
