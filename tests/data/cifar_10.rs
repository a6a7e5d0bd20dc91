//! CIFAR-10's binary layout is read as documented, and whatever is not in it is refused with one line that
//! says which file, what was expected, what was found, and what to do.

use std::fs;

use onelayer::data::layout::{CLASSES, FEATURES, RECORD};
use onelayer::data::{Dataset, Source, SplitFiles};
use tempfile::TempDir;

use super::support::data_sets::BINARY;
use super::support::real_images;
use super::{assert_refused, open};

/// `records` records, the label of each given by `label` and its pixels by `pixel`.
fn file(records: usize, label: fn(usize) -> u8, pixel: fn(usize, usize) -> u8) -> Vec<u8> {
    let record = |n| std::iter::once(label(n)).chain((0..FEATURES).map(move |feature| pixel(n, feature)));
    (0..records).flat_map(record).collect()
}

fn small_file() -> Vec<u8> {
    file(3, |n| n as u8, |n, feature| (n + feature) as u8)
}

/// A folder with three small, good files.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    BINARY.iter().for_each(|name| fs::write(folder.path().join(name), small_file()).unwrap());
    folder
}

#[test]
fn records_are_a_label_and_three_colour_planes() {
    let folder = folder();
    fs::write(
        folder.path().join("data_batch_1.bin"),
        file(5, |n| 9 - n as u8, |n, feature| (7 * n + feature) as u8),
    )
    .unwrap();
    let data = open(folder.path()).unwrap();
    assert_eq!((data.train.len(), data.validation.len(), data.test.len()), (5, 3, 3));
    assert_eq!((data.name, data.path.as_deref()), ("CIFAR-10", Some(folder.path())));
    assert_eq!(data.classes, CLASSES);
    let samples = data.train.samples();
    assert_eq!((samples.len(), samples.features()), (5, 3072));
    for n in 0..5 {
        assert_eq!(samples.label(n), 9 - n as u16);
        assert!((0..FEATURES).all(|feature| samples.image(n).bytes()[feature] == (7 * n + feature) as u8));
    }
}

#[test]
fn a_split_may_be_several_files_in_any_order() {
    let folder = folder();
    fs::write(folder.path().join("more.bin"), file(2, |_| 9, |_, _| 1)).unwrap();
    let files = SplitFiles {
        train: Some(vec!["more.bin".into(), "data_batch_1.bin".into()]),
        ..SplitFiles::default()
    };
    let data = Dataset::open(&Source::Folder(folder.path().into()), &files).unwrap();
    let samples = data.train.samples();
    let labels: Vec<u16> = (0..samples.len()).map(|n| samples.label(n)).collect();
    assert_eq!(labels, [9, 9, 0, 1, 2]);
    assert_eq!((samples.image(1).get(0), samples.image(4).get(0)), (1.0, 2.0));
}

#[test]
fn classes_may_have_names_of_their_own() {
    let folder = folder();
    let names = folder.path().join("batches.meta.txt");
    fs::write(&names, "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n").unwrap();
    let data = open(folder.path()).unwrap();
    assert_eq!((data.name, data.classes.join("")), ("custom", "abcdefghij".to_string()));

    fs::write(&names, "a\nb\n").unwrap();
    assert_refused(folder.path(), &names, &["expected 10 class names, one a line", "found 2 names"]);
}

#[test]
fn folders_that_are_none() {
    let (folder, empty, around) = (folder(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let inner = around.path().join("cifar-10-batches-bin");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("data_batch_1.bin"), small_file()).unwrap();
    let [missing, file] = ["missing", "test_batch.bin"].map(|name| folder.path().join(name));
    for (path, found) in [
        (&*missing, "found no such folder"),
        (&file, "found a file"),
        (empty.path(), "found an empty folder"),
        (around.path(), "found no data_batch_1.bin; its folder cifar-10-batches-bin has a data set"),
    ] {
        let facts = ["data_batch_1.bin, data_batch_2.bin, test_batch.bin", "onelayer fetch", found];
        assert_refused(path, path, &facts);
    }
    fs::remove_file(folder.path().join("data_batch_2.bin")).unwrap();
    assert_refused(folder.path(), folder.path(), &["onelayer fetch", "found no data_batch_2.bin"]);
}

#[test]
fn files_that_are_none() {
    let folder = folder();
    let path = folder.path().join("data_batch_2.bin");
    let refused = |bytes: &[u8], facts: &[&str]| {
        fs::write(&path, bytes).unwrap();
        assert_refused(folder.path(), &path, facts);
    };
    refused(b"", &["expected a file of CIFAR-10 records", "found an empty file"]);
    for length in [1, RECORD - 1, RECORD + 1, 2 * RECORD - 1] {
        refused(&small_file()[..length], &["records of 3073 bytes", &format!("found {length} bytes")]);
    }
    for (record, label) in [(0, 10), (2, 255)] {
        let mut bytes = small_file();
        bytes[record * RECORD] = label;
        let found = format!("found {label} in record {record} (counted from 0)");
        refused(&bytes, &["expected labels from 0 to 9", &found]);
    }
}

#[test]
fn real_files() {
    let Some(data) = real_images() else { return };
    for split in [&data.train, &data.validation, &data.test] {
        let samples = split.samples();
        assert_eq!(samples.len(), 10_000);
        let mut counts = [0; 10];
        (0..samples.len()).for_each(|n| counts[usize::from(samples.label(n))] += 1);
        assert!(counts.iter().all(|&count| (900..=1_100).contains(&count)), "{counts:?}");
    }
}
