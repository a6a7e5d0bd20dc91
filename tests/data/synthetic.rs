//! The synthetic data set is the same bytes for a seed on any machine, and differs from seed to seed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use onelayer::data::{Dataset, Source, Split, SplitFiles, Validation, synthetic};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

fn in_pool<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// The SHA-256 of each file in `folder`, in hexadecimal.
fn checksums(folder: &Path) -> BTreeMap<String, String> {
    let checksum = |path: &Path| -> String {
        Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), checksum(&entry.path()))).collect()
}

fn write(seed: u64, threads: usize) -> BTreeMap<String, String> {
    let folder = TempDir::new().unwrap();
    in_pool(threads, || synthetic::write(folder.path(), seed)).unwrap();
    checksums(folder.path())
}

/// The bytes of the first file of a split.
fn first_file(split: &Split) -> &[u8] {
    split.files().next().unwrap().0.files().next().unwrap().bytes()
}

/// On one thread.
static SEED_ZERO: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| write(0, 1));

#[test]
fn seed_zero_is_the_same_on_every_machine_and_for_any_number_of_threads() {
    let expected = BTreeMap::from(
        [
            ("batches.meta.txt", "55a1fb0b47bb91be78384eee629025e891f1f094f94589e12354072739e8606c"),
            ("data_batch_1.bin", "ccde12446f22c7919ebb2bc3038bdb8877f9d8f023c2c85a41c049e7adde4c32"),
            ("data_batch_2.bin", "c5f9378e7af25ffce1ec4a21cf0b617cddb0183bee86d42c34b828c8db702dd0"),
            ("test_batch.bin", "4fef16baa0a61a072a5483ce98b01eb86d7c4a2447b9117d081dc0c8386d2577"),
        ]
        .map(|(name, checksum)| (name.to_string(), checksum.to_string())),
    );
    assert_eq!(*SEED_ZERO, expected);
    assert_eq!(write(0, 3), expected);
}

#[test]
fn another_seed_is_another_set() {
    let records = |set: &BTreeMap<String, String>| {
        let mut checksums: Vec<String> = set
            .iter()
            .filter(|(name, _)| name.ends_with(".bin"))
            .map(|(_, checksum)| checksum.clone())
            .collect();
        checksums.sort();
        checksums
    };
    let (zero, one) = (records(&SEED_ZERO), records(&write(1, 2)));
    assert!(zero.iter().all(|checksum| !one.contains(checksum)));
}

#[test]
fn it_opens_as_the_lab_splits_it() {
    let data = Dataset::open(&Source::Synthetic(0), &SplitFiles::default()).unwrap();
    assert!(data.is_synthetic());
    assert_eq!((data.name, &data.path), ("synthetic", &None));
    assert_eq!((data.classes.len(), data.classes[0].as_str()), (10, "sun"));
    for split in [&data.train, &data.validation, &data.test] {
        let samples = split.samples();
        let mut counts = [0; 10];
        (0..samples.len()).for_each(|n| counts[usize::from(samples.label(n))] += 1);
        // Five standard deviations of a class's count are 150.
        assert!(counts.iter().all(|&count: &i32| (count - 1_000).abs() < 150), "{counts:?}");
        // Every image is there: none is left as the zeros of a hole in the file, and pixels use the range.
        assert!((0..samples.len()).all(|n| samples.image(n).iter().any(|pixel| pixel > 100.0)));
    }
}

#[test]
fn its_files_split_as_asked() {
    let files = SplitFiles {
        train: Some(vec!["data_batch_2.bin".into(), "test_batch.bin".into()]),
        validation: Some(Validation::Files(vec!["test_batch.bin".into()])),
        test: Some(vec!["data_batch_1.bin".into()]),
        ..SplitFiles::default()
    };
    let asked = Dataset::open(&Source::Synthetic(0), &files).unwrap();
    let lab = Dataset::open(&Source::Synthetic(0), &SplitFiles::default()).unwrap();
    assert_eq!(asked.train.len(), 20_000);
    assert!(first_file(&asked.train) == first_file(&lab.validation));
    // What trains validates too, where it is asked to.
    assert!(first_file(&asked.validation) == first_file(&lab.test));
    assert!(first_file(&asked.test) == first_file(&lab.train));
}

#[test]
fn a_file_that_it_does_not_have_is_refused() {
    let files = SplitFiles { train: Some(vec!["data_batch_3.bin".into()]), ..SplitFiles::default() };
    let message = Dataset::open(&Source::Synthetic(0), &files).unwrap_err().to_string();
    assert!(message.starts_with("synthetic (built in): expected"), "{message}");
    assert!(message.ends_with("found no data_batch_3.bin"), "{message}");
}
