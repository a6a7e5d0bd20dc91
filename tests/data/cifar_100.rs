//! CIFAR-100's binary version, by fine and by coarse labels.

use std::fs;

use onelayer::data::{Labels, SplitFiles};
use tempfile::TempDir;

use super::support::data_sets::{CIFAR_100, python, write_cifar_10, write_cifar_100};
use super::{assert_error, assert_refused, contents, open, open_as};

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    write_cifar_100(folder.path());
    folder
}

#[test]
fn it_is_what_the_python_version_is() {
    let folder = folder();
    for labels in Labels::ALL {
        let files = SplitFiles { labels, ..SplitFiles::default() };
        let (binary, pickled) =
            (open_as(folder.path(), &files).unwrap(), open_as(&python("cifar-100-python"), &files).unwrap());
        assert_eq!((binary.name, binary.classes.len()), ("CIFAR-100", labels.classes()));
        assert_eq!(binary.classes, pickled.classes);
        for (one, other) in [
            (&binary.train, &pickled.train),
            (&binary.validation, &pickled.validation),
            (&binary.test, &pickled.test),
        ] {
            assert!(contents(one) == contents(other));
        }
    }
}

#[test]
fn the_last_fifth_of_the_training_images_validates() {
    let data = open(folder().path()).unwrap();
    assert_eq!((data.train.len(), data.validation.len(), data.test.len()), (4, 2, 3));
    let batch = CIFAR_100[0];
    assert!(contents(&data.validation) == [4, 5].map(|n| (batch.image(n), batch.fine(n))));
}

#[test]
fn a_length_that_is_not_a_multiple_of_3074() {
    let folder = folder();
    let path = folder.path().join("train.bin");
    fs::write(&path, &CIFAR_100[0].records_100()[..3073]).unwrap();
    let facts = ["expected a whole number of records of 3074 bytes, at least one", "found 3073 bytes"];
    assert_refused(folder.path(), &path, &facts);
}

#[test]
fn labels_out_of_range() {
    let folder = folder();
    let path = folder.path().join("test.bin");
    for (labels, place, label, facts) in [
        (Labels::Fine, 1, 100, ["expected labels from 0 to 99", "found 100 in record 2 (counted from 0)"]),
        (Labels::Coarse, 0, 20, ["expected labels from 0 to 19", "found 20 in record 2 (counted from 0)"]),
    ] {
        let mut bytes = CIFAR_100[1].records_100();
        bytes[2 * 3074 + place] = label;
        fs::write(&path, bytes).unwrap();
        let files = SplitFiles { labels, ..SplitFiles::default() };
        assert_error(open_as(folder.path(), &files), &path.display().to_string(), &facts);
    }
}

#[test]
fn lists_of_names_that_are_missing_or_wrong() {
    let folder = folder();
    let path = folder.path().join("fine_label_names.txt");
    fs::write(&path, "apple\nbear\n").unwrap();
    assert_refused(folder.path(), &path, &["expected 100 class names, one a line", "found 2 names"]);
    fs::write(&path, [0xff, b'\n']).unwrap();
    assert_refused(folder.path(), &path, &["expected class names in UTF-8"]);
    fs::write(&path, vec![b'\n'; (1 << 20) + 1]).unwrap();
    assert_refused(folder.path(), &path, &["at most 1048576 bytes", "found 1048577 bytes"]);
    fs::remove_file(&path).unwrap();
    assert_refused(folder.path(), &path, &["cannot open"]);
    // The other list is enough for the other labels.
    let coarse = SplitFiles { labels: Labels::Coarse, ..SplitFiles::default() };
    assert_eq!(open_as(folder.path(), &coarse).unwrap().classes.len(), 20);
}

#[test]
fn a_missing_file_names_the_format() {
    let folder = folder();
    fs::remove_file(folder.path().join("test.bin")).unwrap();
    let facts = [
        "expected a folder with train.bin, test.bin (the binary version of CIFAR-100: onelayer fetch cifar-100 gets it)",
        "found no test.bin",
    ];
    assert_refused(folder.path(), folder.path(), &facts);
}

#[test]
fn only_cifar_100_has_coarse_labels() {
    let folder = TempDir::new().unwrap();
    write_cifar_10(folder.path());
    let files = SplitFiles { labels: Labels::Coarse, ..SplitFiles::default() };
    let facts = ["expected fine, as the binary version of CIFAR-10 has no other labels, found coarse"];
    assert_error(open_as(folder.path(), &files), "--labels", &facts);
}
