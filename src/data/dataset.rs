//! Data sets: which files train, validate and test, and what their classes are called.

use std::fs;
use std::path::{Path, PathBuf};

use super::layout::{self, NAMES_FILE};
use super::mapped::MappedRecords;
use super::synthetic;
use crate::error::{Error, Result};
use crate::samples::Samples;

/// Where a data set comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder of CIFAR-10 record files.
    Folder(PathBuf),
    /// The built-in synthetic set, drawn from this seed.
    Synthetic(u64),
}

/// The names, within a data set's folder, of the files of each split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitFiles {
    /// The files that train.
    pub train: Vec<String>,
    /// The files that validate.
    pub validation: Vec<String>,
    /// The files that test.
    pub test: Vec<String>,
}

impl Default for SplitFiles {
    /// The lab's split: `data_batch_1` trains, `data_batch_2` validates, `test_batch` tests.
    fn default() -> Self {
        let file = |name: &str| vec![name.to_string()];
        Self {
            train: file("data_batch_1.bin"),
            validation: file("data_batch_2.bin"),
            test: file("test_batch.bin"),
        }
    }
}

/// One split: its mapped files, in order.
#[derive(Debug)]
pub struct Split {
    files: Vec<MappedRecords>,
}

impl Split {
    /// The images and labels of all its files.
    pub fn samples(&self) -> Samples<'_> {
        let (first, others) = self.files.split_first().expect("a split has a file");
        let mut samples = first.samples();
        others.iter().for_each(|file| samples.push(file.images(), file.labels()));
        samples
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.files.iter().map(MappedRecords::len).sum()
    }

    /// Never: a split has a file, and a file has a record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its files, in order.
    pub fn files(&self) -> &[MappedRecords] {
        &self.files
    }

    fn open(folder: &Path, names: &[String], classes: usize) -> Result<Self> {
        let open = |name: &String| MappedRecords::open(&folder.join(name), classes);
        Ok(Self { files: names.iter().map(open).collect::<Result<_>>()? })
    }
}

/// A data set: three splits of mapped records.
#[derive(Debug)]
pub struct Dataset {
    /// What it is called in every output: `CIFAR-10`, or `synthetic`.
    pub name: &'static str,
    /// Its folder; none for the built-in synthetic set.
    pub path: Option<PathBuf>,
    /// The names of the K classes, in the order of their labels.
    pub classes: Vec<String>,
    /// What training sees.
    pub train: Split,
    /// What is looked at after each epoch.
    pub validation: Split,
    /// What is looked at once, at the end.
    pub test: Split,
}

impl Dataset {
    /// Opens, maps and checks a data set.
    ///
    /// # Errors
    /// Files that are missing, cannot be read, or do not hold CIFAR-10 records.
    pub fn open(source: &Source, files: &SplitFiles) -> Result<Self> {
        match source {
            Source::Folder(folder) => Self::open_folder(folder, files),
            Source::Synthetic(seed) => {
                let folder = tempfile::Builder::new()
                    .prefix("onelayer-synthetic-")
                    .tempdir()
                    .map_err(Error::io(&std::env::temp_dir(), "make a folder in"))?;
                synthetic::write(folder.path(), *seed)?;
                // The maps keep the files' pages when `folder` is removed.
                let dataset = Self::open_folder(folder.path(), &SplitFiles::default())?;
                Ok(Self { name: synthetic::NAME, path: None, ..dataset })
            }
        }
    }

    /// Whether this is the built-in synthetic set.
    pub fn is_synthetic(&self) -> bool {
        self.name == synthetic::NAME
    }

    fn open_folder(folder: &Path, files: &SplitFiles) -> Result<Self> {
        let metadata = fs::metadata(folder).map_err(Error::io(folder, "open the data folder"))?;
        if !metadata.is_dir() {
            return Err(Error::format(folder, "a folder of CIFAR-10 record files", "a file"));
        }
        let classes = class_names(folder)?;
        let open = |names: &[String]| Split::open(folder, names, classes.len());
        let (train, validation, test) = (open(&files.train)?, open(&files.validation)?, open(&files.test)?);
        Ok(Self { name: "CIFAR-10", path: Some(folder.to_path_buf()), classes, train, validation, test })
    }
}

/// The names in the folder's `batches.meta.txt`; CIFAR-10's own where there is no such file.
fn class_names(folder: &Path) -> Result<Vec<String>> {
    let path = folder.join(NAMES_FILE);
    if !path.exists() {
        return Ok(layout::CLASSES.map(String::from).to_vec());
    }
    let text = fs::read_to_string(&path).map_err(Error::io(&path, "read"))?;
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|name| !name.is_empty()).map(String::from).collect();
    if names.len() != layout::CLASSES.len() {
        let expected = format!("{} class names, one a line", layout::CLASSES.len());
        return Err(Error::format(&path, expected, format_args!("{}", names.len())));
    }
    Ok(names)
}
