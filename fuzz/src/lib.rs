//! What the fuzz targets share: a file to read from, and what every refusal must be.

use std::fs;
use std::path::{Path, PathBuf};

use onelayer::Result;
use onelayer::data::archive::{Archive, Member};
use onelayer::data::array::{self, Array};
use onelayer::data::{ClassValues, Format, Labels, Reading};
use onelayer::picture::Shape;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A folder in memory, with one file.
pub struct Scratch {
    folder: TempDir,
}

impl Scratch {
    /// A folder whose file holds `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        let scratch = Self { folder: folder.expect("a temporary folder") };
        fs::write(scratch.file(), bytes).expect("a temporary file");
        scratch
    }

    /// The file.
    pub fn file(&self) -> PathBuf {
        self.path("file")
    }

    /// Another path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// What was read, if it could be. A refusal must be one line that begins with the file.
pub fn accepted<T>(path: &Path, result: Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            let message = error.to_string();
            assert!(message.starts_with(&format!("{}: ", path.display())), "{message}");
            assert!(!message.contains('\n'), "{message}");
            None
        }
    }
}

/// A small archive of two files. Nothing that the fuzzer makes has its size or sum: they are looked at before it is
/// unpacked, and are not what is tested.
pub fn archive() -> Archive {
    let member = |name: &str, bytes| Member { name: name.into(), bytes, sha256: None };
    Archive {
        name: "small".into(),
        url: "http://127.0.0.1:1/".into(),
        bytes: 0,
        sha256: String::new(),
        folder: "small".into(),
        members: vec![member("a.bin", 1024..=1024), member("names.txt", 1..=100)],
    }
}

/// `bytes` and their SHA-256, as a checkpoint ends.
pub fn signed(bytes: &[u8]) -> Vec<u8> {
    [bytes, &Sha256::digest(bytes)].concat()
}

/// The first byte, which chooses, and the rest, which is read.
pub fn split(bytes: &[u8]) -> Option<(usize, &[u8])> {
    bytes.split_first().map(|(&first, rest)| (first.into(), rest))
}

/// Reads `bytes` as a file of labelled images. Where that succeeds every image and label can be seen, and `check_labels`
/// says the truth.
pub fn check_images(format: Format, labels: Labels, bytes: &[u8], classes: usize) {
    let scratch = Scratch::of(bytes);
    let path = scratch.file();
    let values = ClassValues::numbers(classes);
    let reading = Reading { labels, names: values.names(), values, shape: Shape::CIFAR };
    let Some(images) = accepted(&path, format.open(&path, &reading)) else { return };
    let good = accepted(&path, images.check_labels(classes)).is_some();
    let samples = images.samples();
    assert!(!images.is_empty() && samples.len() == images.len());
    let all = (0..samples.len()).all(|index| {
        assert_eq!(samples.image(index).len(), images.features());
        usize::from(samples.label(index)) < classes
    });
    assert_eq!(all, good);
}

/// Uses what was read of the bytes of an array, if it could be: as samples, as labels of others, and as both.
pub fn check_array(path: &Path, bytes: &[u8], array: Result<Array>) {
    let Some(array) = accepted(path, array) else { return };
    let numbers = array.shape.iter().product::<usize>();
    assert_eq!(numbers * array.kind.size, bytes.len() - array.offset);
    let found = || (array.clone(), path, bytes);
    let labels: Option<Vec<i64>> = accepted(path, array.labels(path, bytes, (numbers, path))).map(Iterator::collect);
    if let Some((count, features, _)) = accepted(path, array::images(found())) {
        assert_eq!(count * features, numbers);
        let values = labels.map_or_else(|| ClassValues::numbers(2), ClassValues::of_labels);
        let _ = accepted(path, array::pair(found(), found(), &values));
    }
}
