//! Data sets: which files train, validate and test, and what their classes are called.

use std::fs;
use std::io::ErrorKind;
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
    /// What it is called in every output: `CIFAR-10`, `synthetic` wherever its files are, or `custom` where the
    /// classes are others.
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
                let folder = synthetic::Temporary::new()?;
                synthetic::write(folder.path(), *seed)?;
                // The maps keep the files' pages when `folder` is removed.
                Ok(Self { path: None, ..Self::open_folder(folder.path(), files)? })
            }
        }
    }

    /// Whether this is the synthetic set, built in or written to a folder.
    pub fn is_synthetic(&self) -> bool {
        self.name == synthetic::NAME
    }

    fn open_folder(folder: &Path, files: &SplitFiles) -> Result<Self> {
        check_presence(folder, files)?;
        let classes = class_names(folder)?;
        let open = |names: &[String]| Split::open(folder, names, classes.len());
        let (train, validation, test) = (open(&files.train)?, open(&files.validation)?, open(&files.test)?);
        let name = name_of(&classes);
        Ok(Self { name, path: Some(folder.to_path_buf()), classes, train, validation, test })
    }
}

/// Checks that there is a folder and that it holds all of `files`; says what to do where it does not.
fn check_presence(folder: &Path, files: &SplitFiles) -> Result<()> {
    let names: Vec<&str> =
        [&files.train, &files.validation, &files.test].into_iter().flatten().map(String::as_str).collect();
    let expected = || format!("a folder with {} ({})", names.join(", "), layout::OFFICIAL);
    match fs::metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Error::format(folder, expected(), "no such folder"));
        }
        Err(error) => return Err(Error::io(folder, "open the data folder")(error)),
        Ok(metadata) if !metadata.is_dir() => return Err(Error::format(folder, expected(), "a file")),
        Ok(_) => {}
    }
    match names.iter().find(|name| !folder.join(name).exists()) {
        Some(missing) => Err(Error::format(folder, expected(), what_is_there(folder, missing)?)),
        None => Ok(()),
    }
}

/// What a folder holds in which the file `missing` is missing: the mistakes that people make.
fn what_is_there(folder: &Path, missing: &str) -> Result<String> {
    let mut entries = fs::read_dir(folder).map_err(Error::io(folder, "read the data folder"))?;
    Ok(if entries.next().is_none() {
        "an empty folder".into()
    } else if folder.join(layout::FOLDER).join(missing).exists() {
        format!("no {missing}; its folder {} has one", layout::FOLDER)
    } else if missing.strip_suffix(".bin").is_some_and(|stem| folder.join(stem).exists()) {
        format!("no {missing} but files of the Python version")
    } else {
        format!("no {missing}")
    })
}

/// What a data set with these classes is called.
fn name_of(classes: &[String]) -> &'static str {
    if classes == layout::CLASSES {
        "CIFAR-10"
    } else if synthetic::class_names().eq(classes) {
        synthetic::NAME
    } else {
        "custom"
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
        return Err(Error::format(&path, expected, format_args!("{} names", names.len())));
    }
    Ok(names)
}
