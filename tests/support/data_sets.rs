//! Small data sets in every format.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use onelayer::data::layout::{CLASSES, FEATURES, RECORD};

/// The files of CIFAR-10's binary version that train, validate and test.
pub const BINARY: [&str; 3] = ["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"];

/// Writes CIFAR-10 files of so many records of noise.
pub fn write_noise(folder: &Path, records: [usize; 3]) {
    let record = |n: usize| (0..RECORD).map(move |i| if i == 0 { n % 10 } else { (i * n * 37) >> 3 } as u8);
    for (name, records) in BINARY.iter().zip(records) {
        fs::write(folder.join(name), (0..records).flat_map(record).collect::<Vec<u8>>()).unwrap();
    }
}

/// A small batch like those that `data/python/write.py` writes.
#[derive(Clone, Copy)]
pub struct Batch {
    salt: usize,
    pub count: usize,
}

impl Batch {
    pub fn image(self, n: usize) -> Vec<u8> {
        (0..FEATURES).map(|d| (self.salt + 7 * n + d + d / 256) as u8).collect()
    }

    pub fn images(self) -> Vec<u8> {
        (0..self.count).flat_map(|n| self.image(n)).collect()
    }

    /// CIFAR-10's.
    pub fn label(self, n: usize) -> u8 {
        ((3 * n + self.salt) % 10) as u8
    }

    /// CIFAR-100's.
    pub fn fine(self, n: usize) -> u8 {
        ((37 * n + self.salt) % 100) as u8
    }

    /// The images and labels of CIFAR-10.
    pub fn contents(self) -> Vec<(Vec<u8>, u8)> {
        (0..self.count).map(|n| (self.image(n), self.label(n))).collect()
    }

    /// Records of CIFAR-10.
    pub fn records(self) -> Vec<u8> {
        (0..self.count).flat_map(|n| [vec![self.label(n)], self.image(n)].concat()).collect()
    }

    /// Records of CIFAR-100.
    pub fn records_100(self) -> Vec<u8> {
        (0..self.count).flat_map(|n| [vec![self.fine(n) / 5, self.fine(n)], self.image(n)].concat()).collect()
    }
}

/// What `data/python/cifar-10-batches-py` has for training, validation and test.
pub const CIFAR_10: [Batch; 3] =
    [Batch { salt: 1, count: 4 }, Batch { salt: 2, count: 3 }, Batch { salt: 3, count: 3 }];
/// What `data/python/cifar-100-python` has for training and test.
pub const CIFAR_100: [Batch; 2] = [Batch { salt: 1, count: 6 }, Batch { salt: 3, count: 3 }];

/// A file or folder that `data/python/write.py` has written.
pub fn python(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/python").join(name)
}

/// Copies the files of one folder into another.
pub fn copy(from: &Path, to: &Path) {
    for name in super::names(from) {
        fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}

/// The images of `CIFAR_10` in the binary version.
pub fn write_cifar_10(folder: &Path) {
    for (name, batch) in BINARY.iter().zip(CIFAR_10) {
        fs::write(folder.join(name), batch.records()).unwrap();
    }
}

/// The images of `CIFAR_100` in the binary version, with the official lists of names.
pub fn write_cifar_100(folder: &Path) {
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
pub fn write_arrays(folder: &Path) {
    for (split, batch) in ["train", "validation", "test"].iter().zip(CIFAR_10) {
        let labels: Vec<u8> = (0..batch.count).map(|n| batch.label(n)).collect();
        write_pair(folder, split, &[batch.count, FEATURES], &batch.images(), &labels);
    }
    fs::write(folder.join("classes.txt"), CLASSES.join("\n")).unwrap();
}

/// The arrays of a split: images of this shape, and their labels.
pub fn write_pair(folder: &Path, split: &str, shape: &[usize], images: &[u8], labels: &[u8]) {
    fs::write(folder.join(format!("{split}_images.npy")), array(shape, images)).unwrap();
    fs::write(folder.join(format!("{split}_labels.npy")), array(&shape[..1], labels)).unwrap();
}

/// The arrays of a split of so many images `[count, features]`, all zeros, whose first labels go around: as many as
/// anybody may want, for they are holes in a file.
pub fn write_holes(folder: &Path, split: &str, shape: [usize; 2], classes: u8) {
    write_holes_of("|u1", 1, folder, split, shape, classes);
}

/// The same of float32.
pub fn write_float_holes(folder: &Path, split: &str, shape: [usize; 2], classes: u8) {
    write_holes_of("<f4", 4, folder, split, shape, classes);
}

fn write_holes_of(
    kind: &str,
    size: usize,
    folder: &Path,
    split: &str,
    [count, features]: [usize; 2],
    classes: u8,
) {
    let labels: Vec<u8> = (0..classes).cycle().take(count.min(300)).collect();
    let images = (kind, size, format!("({count}, {features})"), count * features, &[][..]);
    for (what, (kind, size, shape, numbers, bytes)) in
        [("images", images), ("labels", ("|u1", 1, format!("({count},)"), count, &labels[..]))]
    {
        let path = folder.join(format!("{split}_{what}.npy"));
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
        let header = array_with(&header, &[]);
        fs::write(&path, [&header, bytes].concat()).unwrap();
        let length = (header.len() + numbers * size) as u64;
        File::options().write(true).open(&path).unwrap().set_len(length).unwrap();
    }
}

/// An array of bytes as `numpy.save` writes it.
pub fn array(shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let sizes = if shape.len() == 1 { sizes.trim_end() } else { sizes.trim_end_matches(", ") };
    array_with(&format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({sizes}), }}"), bytes)
}

/// The same, with a header of one's own.
pub fn array_with(header: &str, bytes: &[u8]) -> Vec<u8> {
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let header = format!("{header:<width$}\n", width = padded - 1);
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), bytes].concat()
}
