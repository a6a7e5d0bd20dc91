//! Folders whose format is not what it seems.

use std::fs;

use tempfile::TempDir;

use super::support::data_sets::{CIFAR_10, copy, python, write_arrays, write_cifar_10, write_cifar_100};
use super::{assert_refused, open};

#[test]
fn files_of_two_formats() {
    let folder = TempDir::new().unwrap();
    write_cifar_10(folder.path());
    copy(&python("cifar-10-batches-py"), folder.path());
    let facts = [
        "expected a folder with one data set",
        "found batches.meta (the Python version of CIFAR-10) and data_batch_1.bin (the binary version of CIFAR-10)",
    ];
    assert_refused(folder.path(), folder.path(), &facts);

    let folder = TempDir::new().unwrap();
    write_cifar_100(folder.path());
    write_arrays(folder.path());
    assert_refused(folder.path(), folder.path(), &["expected a folder with one data set", "NumPy arrays"]);
}

#[test]
fn a_folder_of_another_kind_with_the_name_of_a_file_is_no_format() {
    let folder = TempDir::new().unwrap();
    write_cifar_10(folder.path());
    fs::create_dir(folder.path().join("train")).unwrap();
    fs::write(folder.path().join("readme.html"), "").unwrap();
    assert_eq!(open(folder.path()).unwrap().train.len(), 4);
}

#[test]
fn the_folder_around_any_data_set() {
    for inner in ["cifar-10-batches-py", "cifar-100-python"] {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join(inner)).unwrap();
        copy(&python(inner), &folder.path().join(inner));
        let found = format!("found no data_batch_1.bin; its folder {inner} has a data set");
        assert_refused(folder.path(), folder.path(), &[&found]);
    }
}

#[test]
fn arrays_by_other_names_are_told_the_names_of_arrays() {
    for (names, missing) in [
        (&["train.npy", "train_y.npy", "test.npy"][..], "train_images.npy"),
        (&["features.npz", "labels.npy"], "train_images.npy"),
        (&["x_train.npy", "y_train.npy"], "test_images.npy"),
    ] {
        let folder = TempDir::new().unwrap();
        names.iter().for_each(|name| fs::write(folder.path().join(name), "").unwrap());
        let facts = [
            "expected a folder with",
            "test_images.npy (NumPy arrays: bytes or floats",
            "labels [N] in train_labels.npy, test_labels.npy)",
            &format!("found no {missing} among its arrays"),
            names[0],
        ];
        assert_refused(folder.path(), folder.path(), &facts);
    }
}

#[test]
fn a_binary_file_under_the_name_of_a_pickle() {
    let folder = TempDir::new().unwrap();
    copy(&python("cifar-10-batches-py"), folder.path());
    let path = folder.path().join("test_batch");
    fs::write(&path, CIFAR_10[0].records()).unwrap();
    assert_refused(
        folder.path(),
        &path,
        &["expected a pickle like those of CIFAR's Python version", "at byte 0"],
    );
}
