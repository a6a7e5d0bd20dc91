//! Every format gives the same images and the same training, and whatever is in none of them is refused with
//! one line that says which file, what was expected, what was found, and what to do.

mod cifar_10;
mod cifar_100;
mod mixed;
mod npy;
mod python;
mod splits;
mod standardization;
#[path = "../support/mod.rs"]
mod support;
mod synthetic;

use std::fs;
use std::path::{Path, PathBuf};

use onelayer::data::layout::{CLASSES, FEATURES};
use onelayer::data::{Dataset, Source, Split, SplitFiles};

/// A small batch like those that `python/write.py` writes.
#[derive(Clone, Copy)]
struct Batch {
    salt: usize,
    count: usize,
}

impl Batch {
    fn image(self, n: usize) -> Vec<u8> {
        (0..FEATURES).map(|d| (self.salt + 7 * n + d + d / 256) as u8).collect()
    }

    fn images(self) -> Vec<u8> {
        (0..self.count).flat_map(|n| self.image(n)).collect()
    }

    /// CIFAR-10's.
    fn label(self, n: usize) -> u8 {
        ((3 * n + self.salt) % 10) as u8
    }

    fn labels(self) -> Vec<u8> {
        (0..self.count).map(|n| self.label(n)).collect()
    }

    /// CIFAR-100's.
    fn fine(self, n: usize) -> u8 {
        ((37 * n + self.salt) % 100) as u8
    }

    /// Records of CIFAR-10.
    fn records(self) -> Vec<u8> {
        (0..self.count).flat_map(|n| [vec![self.label(n)], self.image(n)].concat()).collect()
    }

    /// Records of CIFAR-100.
    fn records_100(self) -> Vec<u8> {
        (0..self.count).flat_map(|n| [vec![self.fine(n) / 5, self.fine(n)], self.image(n)].concat()).collect()
    }
}

/// What `python/cifar-10-batches-py` has for training, validation and test.
const CIFAR_10: [Batch; 3] =
    [Batch { salt: 1, count: 4 }, Batch { salt: 2, count: 3 }, Batch { salt: 3, count: 3 }];
/// What `python/cifar-100-python` has for training and test.
const CIFAR_100: [Batch; 2] = [Batch { salt: 1, count: 6 }, Batch { salt: 3, count: 3 }];

/// A file or folder that `python/write.py` has written.
fn python(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/python").join(name)
}

/// Copies the files of one folder into another.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// The images of `CIFAR_10` in the binary version.
fn write_cifar_10(folder: &Path) {
    for (name, batch) in ["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"].iter().zip(CIFAR_10) {
        fs::write(folder.join(name), batch.records()).unwrap();
    }
}

/// The images of `CIFAR_100` in the binary version, with the official lists of names.
fn write_cifar_100(folder: &Path) {
    for (name, batch) in ["train.bin", "test.bin"].iter().zip(CIFAR_100) {
        fs::write(folder.join(name), batch.records_100()).unwrap();
    }
    for key in ["fine_label_names", "coarse_label_names"] {
        let meta = python("cifar-100-python/meta");
        let names = onelayer::data::pickle::names(&meta, &fs::read(&meta).unwrap(), key).unwrap();
        fs::write(folder.join(key).with_extension("txt"), names.join("\n") + "\n").unwrap();
    }
}

/// The images of `CIFAR_10` as arrays.
fn write_arrays(folder: &Path) {
    for (name, batch) in ["train", "validation", "test"].iter().zip(CIFAR_10) {
        fs::write(
            folder.join(format!("{name}_images.npy")),
            array(&[batch.count, FEATURES], &batch.images()),
        )
        .unwrap();
        fs::write(folder.join(format!("{name}_labels.npy")), array(&[batch.count], &batch.labels())).unwrap();
    }
    fs::write(folder.join("classes.txt"), CLASSES.join("\n")).unwrap();
}

/// An array of bytes as `numpy.save` writes it.
fn array(shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let sizes = if shape.len() == 1 { sizes.trim_end() } else { sizes.trim_end_matches(", ") };
    array_with(&format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({sizes}), }}"), bytes)
}

/// The same, with a header of one's own.
fn array_with(header: &str, bytes: &[u8]) -> Vec<u8> {
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let header = format!("{header:<width$}\n", width = padded - 1);
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), bytes].concat()
}

fn open(folder: &Path) -> onelayer::Result<Dataset> {
    open_as(folder, &SplitFiles::default())
}

fn open_as(folder: &Path, files: &SplitFiles) -> onelayer::Result<Dataset> {
    Dataset::open(&Source::Folder(folder.into()), files)
}

/// The images and labels of a split.
fn contents(split: &Split) -> Vec<(Vec<u8>, u8)> {
    let samples = split.samples();
    (0..samples.len()).map(|n| (samples.image(n).to_vec(), samples.label(n))).collect()
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
