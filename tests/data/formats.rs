//! The files that people have besides CIFAR's and `.npy`: archives of arrays, MNIST's files, folders of pictures.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use onelayer::data::{Excerpt, Format, Part, Source, SplitFiles, idx};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::support::data_sets::array;
use super::{assert_error, assert_refused, contents, open, open_as};

/// A file that `data/numpy/write.py` has written.
fn numpy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/numpy").join(name)
}

/// The first `count` images and labels that it wrote.
fn written(count: usize) -> Vec<(Vec<u8>, u8)> {
    let pixels = |n: usize| (0..16).map(|d| ((7 * n + 3 * d) % 256) as u8).collect();
    (0..count).map(|n| (pixels(n), (n % 3) as u8)).collect()
}

fn folder_with(files: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in files {
        fs::copy(numpy(name), folder.path().join(name)).unwrap();
    }
    folder
}

#[test]
fn an_archive_of_arrays_is_read_alone_and_in_a_folder() {
    let folder = folder_with(&["keras.npz"]);
    for path in [folder.path().to_path_buf(), folder.path().join("keras.npz")] {
        let data = open(&path).unwrap();
        assert_eq!(
            (data.format, &data.classes[..]),
            (Format::Arrays, &["0", "1", "2"].map(String::from)[..])
        );
        let train = [contents(&data.train), contents(&data.validation)].concat();
        assert!(train == written(10) && contents(&data.test) == written(4));
    }
}

#[test]
fn an_archive_that_is_not_deflated_has_the_same_numbers() {
    let data = open(&numpy("stored.npz")).unwrap();
    let samples = data.test.samples();
    for (n, (pixels, label)) in written(4).into_iter().enumerate() {
        assert!(samples.image(n).iter().eq(pixels.into_iter().map(f32::from)));
        assert_eq!(samples.label(n), u16::from(label));
    }
}

#[test]
fn the_files_of_mnist_are_read_packed_or_not() {
    let files = [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ];
    let data = open(folder_with(&files).path()).unwrap();
    assert_eq!((data.format, data.train.len(), data.validation.len()), (Format::Idx, 8, 2));
    assert!(contents(&data.test) == written(4));
}

#[test]
fn idx_files_that_are_none() {
    let whole = fs::read(numpy("train-images-idx3-ubyte")).unwrap();
    assert_eq!(idx::parse(Path::new("a"), &whole).unwrap().shape, [10, 4, 4]);
    for length in 0..whole.len() {
        assert_error(idx::parse(Path::new("a"), &whole[..length]), "a", &["found"]);
    }
    let mut other = whole.clone();
    other[2] = 7;
    assert_error(
        idx::parse(Path::new("a"), &other),
        "a",
        &["expected an IDX file", "found numbers of type 0x07"],
    );
    let floats = [&[0, 0, 0x0D, 1, 0, 0, 0, 1][..], &0.5f32.to_be_bytes()].concat();
    assert_eq!(idx::parse(Path::new("a"), &floats).unwrap().kind.name(), "float32");
}

#[test]
fn any_changed_byte_of_an_archive_gives_data_or_one_line() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.npz");
    let whole = fs::read(numpy("keras.npz")).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        fs::write(&path, &bytes).unwrap();
        if let Err(error) = open(&path) {
            assert!(!error.to_string().contains('\n'), "{error}");
        }
        fs::write(&path, &whole[..at]).unwrap();
        assert!(open(&path).is_err());
    }
}

#[test]
fn a_packed_file_that_breaks_off() {
    let files = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte.gz"];
    let folder = folder_with(&files);
    let path = folder.path().join("t10k-images-idx3-ubyte.gz");
    let whole = fs::read(numpy("t10k-images-idx3-ubyte.gz")).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert_refused(folder.path(), &path, &["expected a file that gzip packed"]);
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(b"text").unwrap();
    fs::write(&path, packed.finish().unwrap()).unwrap();
    assert_refused(
        folder.path(),
        &path,
        &["expected an IDX file, as MNIST has, found 4 bytes that begin differently"],
    );
}

#[test]
fn archives_without_what_is_needed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.npz");
    let archive = |members: &[&str]| {
        let mut zip = ZipWriter::new(fs::File::create(&path).unwrap());
        for name in members {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(&array(&[2], &[0, 1])).unwrap();
        }
        zip.finish().unwrap();
    };
    archive(&["x.npy", "y.npy"]);
    assert_refused(
        &path,
        &path,
        &["expected a folder with train_images, test_images", "found no train_images among its arrays x, y"],
    );
    archive(&["x_train.npy", "x_test.npy", "y_test.npy"]);
    assert_refused(&path, &path.join("y_train"), &["expected an array of this name, found none"]);
    fs::write(&path, "text").unwrap();
    assert_refused(&path, &path, &["expected an archive as numpy.savez writes it (.npz)"]);
    fs::copy(&path, folder.path().join("b.npz")).unwrap();
    assert_refused(
        folder.path(),
        folder.path(),
        &["expected a folder with one archive", "found a.npz and b.npz"],
    );
}

/// A folder of small pictures, `count` of each class in each split, each of one colour that tells the class.
fn pictures(splits: &[&str], classes: &[&str], count: usize) -> TempDir {
    let folder = TempDir::new().unwrap();
    for split in splits {
        for (class, name) in classes.iter().enumerate() {
            let folder = folder.path().join(split).join(name);
            fs::create_dir_all(&folder).unwrap();
            for n in 0..count {
                let mut bytes = Vec::new();
                let mut encoder = png::Encoder::new(&mut bytes, 2, 2);
                encoder.set_color(png::ColorType::Rgb);
                let pixel = [50 * class as u8, n as u8, 9];
                encoder.write_header().unwrap().write_image_data(&pixel.repeat(4)).unwrap();
                fs::write(folder.join(format!("{n}.png")), bytes).unwrap();
            }
        }
    }
    folder
}

fn small() -> SplitFiles {
    SplitFiles { size: Some("4x4".parse().unwrap()), ..SplitFiles::default() }
}

#[test]
fn a_folder_of_pictures_has_a_class_in_each_folder() {
    for validation in ["validation", "val"] {
        let folder = pictures(&["train", validation, "test"], &["cat", "dog"], 5);
        let data = open_as(folder.path(), &small()).unwrap();
        assert_eq!(
            (data.format, &data.classes[..]),
            (Format::Pictures, &["cat", "dog"].map(String::from)[..])
        );
        for split in [&data.train, &data.validation, &data.test] {
            let images = contents(split);
            assert_eq!(images.len(), 10);
            for (image, label) in &images {
                let planes: Vec<u8> =
                    [50 * label, image[16], 9].into_iter().flat_map(|value| [value; 16]).collect();
                assert_eq!(*image, planes);
            }
            assert!(!images.is_sorted_by_key(|(_, label)| *label), "the classes are mixed");
        }
        assert_eq!(open(folder.path()).unwrap().train.samples().features(), 3072);
    }
}

#[test]
fn classes_on_one_level_are_split() {
    let folder = pictures(&["."], &["a", "b", "c"], 10);
    let data = open_as(folder.path(), &small()).unwrap();
    assert_eq!((data.train.len(), data.validation.len(), data.test.len()), (19, 5, 6));
    let mut all = [contents(&data.train), contents(&data.validation), contents(&data.test)].concat();
    let tested = |class: u8| contents(&data.test).iter().filter(|(_, label)| *label == class).count();
    assert_eq!([0, 1, 2].map(tested), [2; 3]);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 30);
}

#[test]
fn a_model_tells_the_classes_of_pictures_that_test_it() {
    let folder = pictures(&["test"], &["dog"], 3);
    let source = Source::Folder(folder.path().into());
    let of = |model: [&str; 2]| Excerpt::open(&source, &small(), Part::Test, Some(&model.map(String::from)));
    assert_eq!(of(["cat", "dog"]).unwrap().split.samples().label(0), 1);
    let dog = folder.path().join("test/dog").display().to_string();
    assert_error(of(["cat", "bird"]), &dog, &["expected a folder of one of the 2 classes, found dog"]);
}

#[test]
fn folders_of_pictures_that_cannot_be_used() {
    let folder = pictures(&["train", "test"], &["cat", "dog"], 2);
    let broken = folder.path().join("train/cat/3.png");
    fs::write(&broken, "text").unwrap();
    assert_refused(folder.path(), &broken, &["expected a PNG, JPEG, WebP, GIF or BMP picture"]);
    let alone = pictures(&["train", "test"], &["cat"], 2);
    assert_refused(
        alone.path(),
        alone.path(),
        &["a folder of pictures for each of 2 to 65,536 classes", "found 1 folders"],
    );
    let untested = pictures(&["train"], &["cat", "dog"], 2);
    assert_refused(
        untested.path(),
        untested.path(),
        &["expected a folder with train, test", "found no test"],
    );
}
