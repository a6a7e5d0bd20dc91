//! Data of one's own: pairs of arrays.

use std::fs;
use std::path::Path;

use onelayer::data::array::{self, Array};
use onelayer::data::image_file::{Batch, Place};
use onelayer::data::{ClassValues, npy};
use tempfile::TempDir;

use super::support::data_sets::{CIFAR_10, array, array_with, write_arrays, write_pair};
use super::{assert_error, assert_refused, contents, open};

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    write_arrays(folder.path());
    folder
}

fn read(bytes: &[u8]) -> onelayer::Result<Array> {
    read_as("a.npy", bytes)
}

fn read_as(name: &str, bytes: &[u8]) -> onelayer::Result<Array> {
    npy::parse(Path::new(name), bytes)
}

fn images(name: &str, bytes: &[u8]) -> onelayer::Result<(usize, usize, Place)> {
    array::images((read_as(name, bytes)?, Path::new(name), bytes))
}

fn pair(images: &[u8], labels: &[u8], values: &ClassValues) -> onelayer::Result<Batch> {
    let found = |name, bytes| Ok((read_as(name, bytes)?, Path::new(name), bytes));
    array::pair(found("images", images)?, found("labels", labels)?, values)
}

/// A folder with arrays of 5 features: 6 images that train, and 2 for the test.
fn small() -> TempDir {
    let folder = TempDir::new().unwrap();
    write_pair(folder.path(), "train", &[6, 5], &(0..30).collect::<Vec<u8>>(), &[0, 1, 2, 2, 1, 0]);
    write_pair(folder.path(), "test", &[2, 5], &[9; 10], &[2, 1]);
    folder
}

#[test]
fn arrays_are_rows_of_images_and_their_labels() {
    let folder = folder();
    let data = open(folder.path()).unwrap();
    assert_eq!((data.name, data.classes[9].as_str()), ("custom", "truck"));
    for (split, batch) in [&data.train, &data.validation, &data.test].into_iter().zip(CIFAR_10) {
        assert!(contents(split) == batch.contents());
    }
}

#[test]
fn any_number_of_features_and_classes_without_names_or_validation_images() {
    let data = open(small().path()).unwrap();
    assert_eq!(data.classes, ["0", "1", "2"]);
    assert_eq!((data.train.len(), data.validation.len(), data.test.len()), (4, 2, 2));
    assert_eq!(contents(&data.train)[1], (vec![5, 6, 7, 8, 9], 1));
    assert_eq!(contents(&data.validation)[1], (vec![25, 26, 27, 28, 29], 0));
}

#[test]
fn every_version_of_the_header_is_read_in_place() {
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n";
    let labels = array(&[2], &[0, 1]);
    for (version, length) in [
        ([1, 0], (header.len() as u16).to_le_bytes().to_vec()),
        ([2, 0], (header.len() as u32).to_le_bytes().to_vec()),
        ([3, 0], (header.len() as u32).to_le_bytes().to_vec()),
    ] {
        let images = [b"\x93NUMPY", &version[..], &length, header.as_bytes(), &[1, 2, 3, 4, 5, 6]].concat();
        let batch = pair(&images, &labels, &ClassValues::numbers(2)).unwrap();
        let offset = images.len() - 6;
        assert_eq!((batch.count, batch.features), (2, 3));
        assert_eq!(batch.images, Place::File { offset, stride: 3 });
    }
}

#[test]
fn a_header_of_python_2_is_read() {
    for (shape, sizes) in [("(2L, 3L)", vec![2, 3]), ("(6L,)", vec![6]), ("(1L, 2, 3L)", vec![1, 2, 3])] {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
        assert_eq!(read(&array_with(&header, &[0; 6])).unwrap().shape, sizes);
    }
}

#[test]
fn an_array_that_breaks_off_anywhere() {
    let whole = array(&[2, 3], &[0; 6]);
    for length in 0..whole.len() {
        assert_error(read(&whole[..length]), "a.npy", &["found"]);
    }
    assert_error(read(&[whole, vec![0]].concat()), "a.npy", &["found 7"]);
}

#[test]
fn any_changed_byte_gives_the_array_or_one_line() {
    let whole = array(&[2, 3], &[0; 6]);
    for at in 0..whole.len() - 6 {
        for byte in 0..=255 {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            match read(&bytes) {
                Ok(array) => assert_eq!(array.shape.iter().product::<usize>(), bytes.len() - array.offset),
                Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
            }
        }
    }
}

#[test]
fn headers_that_say_something_else() {
    let header = |kind: &str, fortran: &str, shape: &str| {
        format!("{{'descr': {kind}, 'fortran_order': {fortran}, 'shape': {shape}, }}")
    };
    for (header, facts) in [
        (header("'<f4'", "False", "(2, 3)"), ["expected the bytes of shape [2, 3]", "found 6"]),
        (header("'|b1'", "False", "(2, 3)"), ["expected numbers: bytes, integers", "found '|b1'"]),
        (header("[('a', '|u1')]", "False", "(2, 3)"), ["expected numbers", "found [('a'"]),
        (header("'|u1'", "Maybe", "(2, 3)"), ["expected fortran_order True or False", "found Maybe"]),
        (header("'|u1'", "False", "(2, -3)"), ["expected a shape of whole numbers", "found (2, -3)"]),
        (
            header("'|u1'", "False", "(2, 99999999999999999999)"),
            ["expected a shape of whole", "found (2, 9999"],
        ),
        (
            header("'|u1'", "False", "(9999999999999999, 9999999999999999)"),
            ["expected the bytes of shape [9999999999999999, 9999999999999999]", "found 6"],
        ),
        (header("'|u1'", "False", "(3, 3)"), ["expected the bytes of shape [3, 3]", "found 6"]),
        ("{'descr': '|u1', 'shape': (2, 3), }".into(), ["expected a header with \"fortran_order\"", "'|u1'"]),
        ("".into(), ["expected a header with \"descr\"", "found \"\""]),
    ] {
        let bytes = array_with(&header, &[0; 6]);
        assert_error(read(&bytes), "a.npy", &facts);
    }
    assert_error(read_as("a", b"text"), "a", &["numpy.save", "4 bytes that begin differently"]);
    let header_too_long = b"\x93NUMPY\x02\x00\xff\xff\xff\xff{";
    assert_error(read_as("a", header_too_long), "a", &["13 bytes that end within the header"]);
}

#[test]
fn arrays_that_do_not_fit_together() {
    let folder = small();
    let [images, labels] = ["train_images.npy", "train_labels.npy"].map(|name| folder.path().join(name));
    let refused = |path: &Path, bytes: Vec<u8>, subject: &Path, facts: &[&str]| {
        let good = fs::read(path).unwrap();
        fs::write(path, bytes).unwrap();
        assert_refused(folder.path(), subject, facts);
        fs::write(path, good).unwrap();
    };
    let shapes =
        "expected samples [N, D], or images [N, H, W], [N, H, W, C] or [N, C, H, W] of C = 1 or 3 colours";
    for (shape, found) in [
        (&[30][..], "found shape [30]"),
        (&[6, 1, 5, 1, 1], "[6, 1, 5, 1, 1]"),
        (&[1, 2, 3, 5], "[1, 2, 3, 5]"),
    ] {
        refused(&images, array(shape, &[0; 30]), &images, &[shapes, found]);
    }
    let either = ["expected 3 colours first or 3 last, [N, 3, H, W] or [N, H, W, 3]", "shape [1, 3, 2, 3]"];
    refused(&images, array(&[1, 3, 2, 3], &[0; 18]), &images, &either);
    refused(&images, array(&[0, 5], &[]), &images, &["expected at least one image", "found shape [0, 5]"]);
    refused(&images, array(&[6, 0], &[]), &images, &["expected at least one image", "found shape [6, 0]"]);
    refused(
        &labels,
        array(&[5], &[0; 5]),
        &labels,
        &["expected labels [6], one for each", "found shape [5]"],
    );
    refused(&labels, array(&[6, 2], &[1; 12]), &labels, &["expected labels [6]", "found shape [6, 2]"]);
    fs::write(folder.path().join("test_labels.npy"), array(&[2], &[0; 2])).unwrap();
    refused(
        &labels,
        array(&[6], &[0; 6]),
        &images,
        &["labels of 2 to 65,536 classes", "found no label but 0"],
    );
    refused(&labels, Vec::new(), &labels, &["numpy.save", "found an empty file"]);

    let test = folder.path().join("test_images.npy");
    refused(
        &test,
        array(&[2, 4], &[0; 8]),
        &test,
        &["expected images of 5 bytes, as", "train_images.npy has, found 4"],
    );
    let test = folder.path().join("test_labels.npy");
    fs::remove_file(&test).unwrap();
    assert_refused(folder.path(), &test, &["cannot open"]);
}

#[test]
fn names_of_classes_are_as_many_as_there_are_labels_or_more() {
    let folder = small();
    let path = folder.path().join("classes.txt");
    for text in ["a\nb\nc\nd\n", "\u{feff}a\r\nb\r\nc\r\nd"] {
        fs::write(&path, text).unwrap();
        assert_eq!(open(folder.path()).unwrap().classes, ["a", "b", "c", "d"]);
    }
    fs::write(&path, "a\nb\n").unwrap();
    let labels = folder.path().join("train_labels.npy");
    assert_refused(folder.path(), &labels, &["expected labels from 0 to 1", "found 2 in row 2"]);
    fs::write(&path, "a\n").unwrap();
    assert_refused(folder.path(), &path, &["expected 2 to 65536 class names, one a line", "found 1 names"]);
}

#[test]
fn the_same_pixels_are_read_from_arrays_of_every_shape() {
    // Two images of 2 x 5 pixels in three colours; bytes of CIFAR's order count up.
    let planes: Vec<u8> = (0..60).collect();
    let last: Vec<u8> = (0..60).map(|at| at / 30 * 30 + at % 3 * 10 + at % 30 / 3).collect();
    for (shape, bytes) in [
        (&[2, 30][..], &planes),
        (&[2, 3, 2, 5], &planes),
        (&[2, 2, 5, 3], &last),
        (&[2, 5, 6], &planes),
        (&[2, 5, 6, 1], &planes),
        (&[2, 1, 6, 5], &planes),
    ] {
        let folder = TempDir::new().unwrap();
        for split in ["train", "test"] {
            write_pair(folder.path(), split, shape, bytes, &[0, 1]);
        }
        let data = open(folder.path()).unwrap();
        let images: Vec<u8> = contents(&data.test).into_iter().flat_map(|(image, _)| image).collect();
        assert_eq!(images, planes, "{shape:?}");
    }
}

/// The file of an array of numbers of this type.
fn of_kind<const B: usize>(
    kind: &str,
    fortran: bool,
    shape: &str,
    numbers: impl IntoIterator<Item = [u8; B]>,
) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    array_with(&header, &numbers.into_iter().flatten().collect::<Vec<u8>>())
}

#[test]
fn floats_of_any_size_and_order_are_the_same_numbers() {
    let values = [0.5f32, -1.25, 3.0, 0.0, 65504.0, -0.125];
    // By columns: 0.5, 0.0, -1.25, 65504, 3, -0.125.
    let columns = [0, 3, 1, 4, 2, 5].map(|index: usize| values[index]);
    let half = |value: f32| {
        (((value.to_bits() >> 16 & 0x8000)
            | if value == 0.0 {
                0
            } else {
                ((value.to_bits() >> 23 & 0xFF) - 112) << 10 | (value.to_bits() >> 13 & 0x3FF)
            }) as u16)
            .to_le_bytes()
    };
    let labels = of_kind("<i8", false, "(2, 1)", [0i64, 1].map(i64::to_le_bytes));
    for images in [
        of_kind("<f4", false, "(2, 3)", values.map(f32::to_le_bytes)),
        of_kind(">f4", false, "(2, 3)", values.map(f32::to_be_bytes)),
        of_kind("<f8", false, "(2, 3)", values.map(|value| f64::from(value).to_le_bytes())),
        of_kind("<f2", false, "(2, 3)", values.map(half)),
        of_kind("<f4", true, "(2, 3)", columns.map(f32::to_le_bytes)),
    ] {
        let folder = TempDir::new().unwrap();
        for split in ["train", "test"] {
            fs::write(folder.path().join(format!("{split}_images.npy")), &images).unwrap();
            fs::write(folder.path().join(format!("{split}_labels.npy")), &labels).unwrap();
        }
        let data = open(folder.path()).unwrap();
        let samples = data.test.samples();
        let found: Vec<f32> = (0..2).flat_map(|row| samples.image(row).iter().collect::<Vec<_>>()).collect();
        assert_eq!((found, samples.label(1)), (values.to_vec(), 1));
    }
}

#[test]
fn bytes_in_fortran_order_are_the_same_bytes() {
    let by_columns = of_kind("|u1", true, "(2, 3)", [0u8, 3, 1, 4, 2, 5].map(|byte| [byte]));
    let (count, features, place) = images("a", &by_columns).unwrap();
    assert_eq!((count, features, place), (2, 3, Place::Copy(vec![0, 1, 2, 3, 4, 5])));
}

#[test]
fn what_is_no_finite_number_is_named_by_row_and_column() {
    for value in [f32::NAN, f32::INFINITY] {
        let bytes = of_kind("<f4", false, "(2, 3)", [0.0, 1.0, 2.0, 3.0, 4.0, value].map(f32::to_le_bytes));
        let found = format!("found {value} in row 1, column 2");
        assert_error(images("a.npy", &bytes), "a.npy", &["expected finite numbers", &found]);
    }
}

#[test]
fn labels_are_integers_of_any_type_and_value() {
    let folder = small();
    let write = |split: &str, kind: &str, labels: Vec<u8>, count: usize| {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({count},), }}");
        fs::write(folder.path().join(format!("{split}_labels.npy")), array_with(&header, &labels)).unwrap();
    };
    let both = |kind: &str, of: fn(i64) -> Vec<u8>, train: [i64; 6]| {
        write("train", kind, train.iter().flat_map(|&label| of(label)).collect(), 6);
        write("test", kind, train[..2].iter().flat_map(|&label| of(label)).collect(), 2);
    };
    for (names, labels) in [
        (["-1", "1"], [1, -1, 1, 1, -1, 1]),
        (["1", "2"], [2, 1, 2, 2, 1, 2]),
        (["0", "1"], [1, 0, 1, 1, 0, 1]),
    ] {
        both("<i8", |label| label.to_le_bytes().to_vec(), labels);
        let data = open(folder.path()).unwrap();
        assert_eq!(data.classes, names);
        let found: Vec<u8> = contents(&data.train).iter().map(|(_, label)| *label).collect();
        assert_eq!(found, [1, 0, 1, 1]);
    }
    both(">i2", |label| (label as i16).to_be_bytes().to_vec(), [-300, 5, -300, 5, 300, 5]);
    assert_eq!(open(folder.path()).unwrap().classes, ["-300", "5", "300"]);
    // -1 as a byte.
    both("|u1", |label| vec![label as u8], [255, 1, 255, 1, 255, 1]);
    assert_eq!(open(folder.path()).unwrap().classes, ["1", "255"]);
}

#[test]
fn a_label_of_the_test_alone_is_a_class_too() {
    let folder = small();
    fs::write(folder.path().join("test_labels.npy"), array(&[2], &[0, 7])).unwrap();
    assert_eq!(open(folder.path()).unwrap().classes, ["0", "1", "2", "7"]);
}

#[test]
fn there_may_be_65536_classes_and_no_more() {
    let folder = small();
    let write = |split: &str, count: u32| {
        let labels = (0..count).flat_map(|label| label.to_le_bytes()).collect::<Vec<u8>>();
        let header = format!("{{'descr': '<u4', 'fortran_order': False, 'shape': ({count},), }}");
        fs::write(folder.path().join(format!("{split}_labels.npy")), array_with(&header, &labels)).unwrap();
        let images = array(&[count as usize, 5], &vec![0; 5 * count as usize]);
        fs::write(folder.path().join(format!("{split}_images.npy")), images).unwrap();
    };
    write("train", 1 << 16);
    write("test", 1 << 16);
    let data = open(folder.path()).unwrap();
    assert_eq!((data.classes.len(), data.test.samples().label(65535)), (1 << 16, 65535));
    write("train", (1 << 16) + 1);
    let images = folder.path().join("train_images.npy");
    assert_refused(folder.path(), &images, &["2 to 65,536 classes", "found 65537 different labels"]);
}

#[test]
fn labels_that_are_no_classes_and_images_that_are_integers_come_with_advice() {
    let one = array(&[2, 1], &[0, 1]);
    let labels = |kind: &str, numbers: Vec<u8>| {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': (2,), }}");
        pair(&one, &array_with(&header, &numbers), &ClassValues::numbers(1024))
    };
    assert_error(
        labels("|i1", vec![255, 1]),
        "labels",
        &["expected labels from 0 to 1023", "found -1 in row 0"],
    );
    assert_error(labels("<u2", vec![1, 0, 0, 4]), "labels", &["found 1024 in row 1"]);
    assert_error(labels("<f4", vec![0; 8]), "labels", &["array.astype(numpy.int64)", "found float32"]);
    assert_eq!(labels(">i2", vec![0, 7, 1, 0]).unwrap().labels, Place::Copy(vec![7, 0, 0, 1]));
    let known = pair(&one, &array(&[2], &[3, 4]), &ClassValues::of_labels([3, 9]));
    assert_error(known, "labels", &["one of the 2 labels that are known, 3 to 9", "found 4 in row 1"]);
    let integers = of_kind("<i4", false, "(2, 1)", [[0; 4]; 2]);
    assert_error(images("a", &integers), "a", &["array.astype(numpy.float32)", "found int32"]);
}

#[test]
fn bytes_and_floats_in_one_data_set_are_refused() {
    let folder = small();
    let images = of_kind("<f4", false, "(2, 5)", [[0; 4]; 10]);
    let path = folder.path().join("test_images.npy");
    fs::write(&path, images).unwrap();
    assert_refused(folder.path(), &path, &["expected features of uint8, as", "found float32"]);
}
