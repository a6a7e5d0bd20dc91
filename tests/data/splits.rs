//! Which images train, validate and test.

use std::fs;
use std::path::Path;

use onelayer::data::{Draw, Excerpt, Part, Source, Split, SplitFiles, Validation};
use tempfile::TempDir;

use super::support::data_sets::{
    CIFAR_10, array, copy, python, write_arrays, write_cifar_10, write_cifar_100, write_pair,
};
use super::{assert_error, contents, open, open_as};

fn names(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| name.to_string()).collect())
}

/// Four images of the first file, three of the second, of which the last so many validate.
fn held_out(count: usize) -> SplitFiles {
    SplitFiles {
        train: names(&["data_batch_1.bin", "data_batch_2.bin"]),
        validation: Some(Validation::Images(count)),
        ..SplitFiles::default()
    }
}

#[test]
fn the_last_images_validate_and_all_others_train() {
    let folder = TempDir::new().unwrap();
    write_cifar_10(folder.path());
    let all: Vec<_> = CIFAR_10[..2].iter().flat_map(|batch| batch.contents()).collect();
    let part = |split: &Split| -> Vec<(String, usize)> {
        let name = |path: &std::path::Path| path.file_name().unwrap().to_string_lossy().into_owned();
        split.files().map(|(file, images)| (name(file.path()), images)).collect()
    };
    let file = |number: usize, images: usize| (format!("data_batch_{number}.bin"), images);
    for count in 1..all.len() {
        let data = open_as(folder.path(), &held_out(count)).unwrap();
        let (train, validation) = all.split_at(all.len() - count);
        assert!(contents(&data.train) == train && contents(&data.validation) == validation, "{count}");
        let of_train = [file(1, train.len().min(4)), file(2, train.len().saturating_sub(4))];
        let of_validation = [file(1, count.saturating_sub(3)), file(2, count.min(3))];
        let there =
            |files: [(String, usize); 2]| files.into_iter().filter(|file| file.1 > 0).collect::<Vec<_>>();
        assert_eq!((part(&data.train), part(&data.validation)), (there(of_train), there(of_validation)));
    }
}

#[test]
fn images_that_are_drawn_validate_and_all_others_train() {
    let folder = TempDir::new().unwrap();
    write_cifar_10(folder.path());
    let all: Vec<_> = CIFAR_10[..2].iter().flat_map(|batch| batch.contents()).collect();
    let drawn = |share, seed, stratify| SplitFiles {
        validation: Some(Validation::Drawn(Draw { share, seed, stratify })),
        ..held_out(0)
    };
    let mut draws = Vec::new();
    for seed in 0..20 {
        let files = drawn(0.4, seed, false);
        let data = open_as(folder.path(), &files).unwrap();
        let [train, validation] = [&data.train, &data.validation].map(contents);
        assert_eq!((train.len(), validation.len(), data.train.len(), data.validation.len()), (4, 3, 4, 3));
        // Each is there once, in its order.
        let (mut rest, mut held) = (train.iter().peekable(), validation.iter().peekable());
        for image in &all {
            assert!(rest.next_if_eq(&image).is_some() != held.next_if_eq(&image).is_some());
        }
        for (split, images) in [(&data.train, 4), (&data.validation, 3)] {
            assert_eq!(split.files().map(|(_, images)| images).sum::<usize>(), images);
        }
        let alone =
            Excerpt::open(&Source::Folder(folder.path().into()), &files, Part::Validation, None).unwrap();
        assert!(contents(&alone.split) == validation);
        draws.push(validation);
    }
    assert!(draws.iter().any(|draw| *draw != draws[0]));
    assert!(draws.iter().any(|draw| draw.iter().any(|image| *image == all[0])), "the first one may be drawn");

    for share in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
        let facts = ["expected a share above 0 and below 1", &format!("found {share}")];
        assert_error(open_as(folder.path(), &drawn(share, 0, true)), "validation_split", &facts);
    }
    // One image of each class.
    let labels = ["train", "validation", "test"];
    let other = TempDir::new().unwrap();
    for split in labels {
        write_pair(other.path(), split, &[3, 1], &[1, 2, 3], &[0, 1, 2]);
    }
    let files = SplitFiles { train: None, ..drawn(0.5, 0, true) };
    let facts = ["expected two images of one class", "found one of each"];
    assert_error(open_as(other.path(), &files), &other.path().display().to_string(), &facts);
}

#[test]
fn something_must_train_and_something_validate() {
    let folder = TempDir::new().unwrap();
    write_cifar_10(folder.path());
    for count in [0, 7, usize::MAX] {
        let facts =
            ["expected 1 to 6, fewer than the images of the training files", &format!("found {count}")];
        assert_error(open_as(folder.path(), &held_out(count)), "validation_images", &facts);
    }
}

#[test]
fn a_file_that_trains_does_not_validate_unasked() {
    let folders = [(); 3].map(|()| TempDir::new().unwrap());
    let [binary, pickled, arrays] = folders.each_ref().map(TempDir::path);
    write_cifar_10(binary);
    copy(&python("cifar-10-batches-py"), pickled);
    write_arrays(arrays);
    for (folder, [first, second]) in [
        (binary, ["data_batch_1.bin", "data_batch_2.bin"]),
        (binary, ["data_batch_1.bin", "./data_batch_2.bin"]),
        (pickled, ["data_batch_1", "data_batch_2"]),
        (arrays, ["train_images.npy", "validation_images.npy"]),
    ] {
        let open = |train: &[&str]| {
            let data = open_as(folder, &SplitFiles { train: names(train), ..SplitFiles::default() }).unwrap();
            [&data.train, &data.validation].map(contents)
        };
        let [train, validation] = open(&[first]);
        assert_eq!([train.len(), validation.len()], [4, 3], "its own file validates");
        // The last fifth of all seven, rounded up.
        let all = [train, validation].concat();
        assert!(open(&[first, second]) == [&all[..5], &all[5..]], "{second}");
    }
}

fn excerpt(folder: &Path, part: Part) -> onelayer::Result<Excerpt> {
    Excerpt::open(&Source::Folder(folder.into()), &SplitFiles::default(), part, None)
}

#[test]
fn a_split_alone_is_the_same_and_needs_no_other_files() {
    let folders = [(); 3].map(|()| TempDir::new().unwrap());
    let [binary, pickled, hundred] = folders.each_ref().map(TempDir::path);
    write_cifar_10(binary);
    copy(&python("cifar-10-batches-py"), pickled);
    write_cifar_100(hundred);
    for (folder, files) in [
        (binary, ["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"]),
        // The last of the images that train validate.
        (hundred, ["train.bin", "train.bin", "test.bin"]),
        (pickled, ["data_batch_1", "data_batch_2", "test_batch"]),
    ] {
        let all = open(folder).unwrap();
        for ((part, split), file) in
            Part::ALL.into_iter().zip([&all.train, &all.validation, &all.test]).zip(files)
        {
            let alone = TempDir::new().unwrap();
            copy(folder, alone.path());
            for other in files.iter().filter(|other| **other != file) {
                let other = alone.path().join(other);
                if other.exists() {
                    fs::remove_file(other).unwrap();
                }
            }
            let found = excerpt(alone.path(), part).unwrap();
            assert!(contents(&found.split) == contents(split), "{file}");
            assert_eq!((found.name, &found.classes, found.part), (all.name, &all.classes, part));

            fs::remove_file(alone.path().join(file)).unwrap();
            assert!(excerpt(alone.path(), part).is_err(), "{file}");
        }
    }
}

#[test]
fn the_labels_of_all_files_say_which_classes_there_are_where_nothing_names_them() {
    let folder = TempDir::new().unwrap();
    write_arrays(folder.path());
    fs::remove_file(folder.path().join("classes.txt")).unwrap();
    let labels = |name: &str, labels: &[u8]| {
        fs::write(folder.path().join(name), array(&[labels.len()], labels)).unwrap();
    };
    labels("train_labels.npy", &[0, 5, 1, 1]);
    labels("validation_labels.npy", &[0, 1, 1]);
    labels("test_labels.npy", &[0, 1, 2]);
    assert_eq!(excerpt(folder.path(), Part::Test).unwrap().classes, ["0", "1", "2", "5"]);
    fs::remove_file(folder.path().join("train_images.npy")).unwrap();
    assert_eq!(excerpt(folder.path(), Part::Test).unwrap().classes, ["0", "1", "2"]);
    // A model knows them all.
    let model = ["0", "1", "2", "5"].map(String::from);
    let source = Source::Folder(folder.path().into());
    let found = Excerpt::open(&source, &SplitFiles::default(), Part::Test, Some(&model)).unwrap();
    assert_eq!(found.classes, model);
    let model = ["a", "b", "c"].map(String::from);
    let source = Source::Folder(folder.path().into());
    let found = Excerpt::open(&source, &SplitFiles::default(), Part::Test, Some(&model)).unwrap();
    assert_eq!(found.classes, model);
}
