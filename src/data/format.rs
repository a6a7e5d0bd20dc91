//! The formats of data sets: how a folder's format is detected, which files make which split, where the class names
//! are, and how a file of images is opened.

use std::fs;
use std::path::Path;

use super::binary::{self, Records};
use super::class_names::ClassNames;
use super::image_file::{Batch, Bytes, ImageFile, Place};
use super::labels::Labels;
use super::layout::{self, NAMES_FILE};
use super::mapped::Mapped;
use super::{npy, pickle};
use crate::error::{Error, Result};

/// The format of a data set's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// CIFAR-10's binary version.
    #[default]
    Cifar10Binary,
    /// CIFAR-100's binary version.
    Cifar100Binary,
    /// CIFAR-10's Python version.
    Cifar10Python,
    /// CIFAR-100's Python version.
    Cifar100Python,
    /// Arrays that NumPy saved, for a user's own data.
    Npy,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 5] =
        [Self::Cifar10Binary, Self::Cifar100Binary, Self::Cifar10Python, Self::Cifar100Python, Self::Npy];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cifar10Binary => "the binary version of CIFAR-10",
            Self::Cifar100Binary => "the binary version of CIFAR-100",
            Self::Cifar10Python => "the Python version of CIFAR-10",
            Self::Cifar100Python => "the Python version of CIFAR-100",
            Self::Npy => "NumPy arrays",
        }
    }

    /// What it is, and how to get it, for an error about a missing file.
    pub(super) fn advice(self) -> String {
        let name = self.name();
        match self {
            Self::Cifar10Binary => layout::OFFICIAL.into(),
            Self::Cifar100Binary => format!("{name}: onelayer fetch cifar-100 gets it"),
            Self::Cifar10Python | Self::Cifar100Python => name.into(),
            Self::Npy => format!(
                "{name}: images of unsigned bytes [N, D] or [N, H, W, C], labels [N] in train_labels.npy, test_labels.npy"
            ),
        }
    }

    /// The default files for training, validation and testing.
    pub(super) fn files(self) -> (&'static str, Option<&'static str>, &'static str) {
        match self {
            Self::Cifar10Binary => ("data_batch_1.bin", Some("data_batch_2.bin"), "test_batch.bin"),
            Self::Cifar10Python => ("data_batch_1", Some("data_batch_2"), "test_batch"),
            Self::Cifar100Binary => ("train.bin", None, "test.bin"),
            Self::Cifar100Python => ("train", None, "test"),
            Self::Npy => ("train_images.npy", Some("validation_images.npy"), "test_images.npy"),
        }
    }

    /// The format of the files in `folder`; none if no file has a name that a format uses.
    ///
    /// # Errors
    /// A folder that cannot be read, or that has files of two formats.
    pub fn of_folder(folder: &Path) -> Result<Option<Self>> {
        let unreadable = || Error::io(folder, "read the data folder");
        let mut found: Option<(Self, String)> = None;
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable())? {
            let entry = entry.map_err(unreadable())?;
            if !entry.path().is_dir() {
                names.extend(entry.file_name().into_string());
            }
        }
        names.sort_unstable();
        for name in names {
            let Some(format) = Self::of_name(&name) else { continue };
            match &found {
                Some((other, file)) if *other != format => {
                    let found = format!("{file} ({}) and {name} ({})", other.name(), format.name());
                    return Err(Error::format(folder, "a folder with one data set", found));
                }
                Some(_) => {}
                None => found = Some((format, name)),
            }
        }
        Ok(found.map(|(format, _)| format))
    }

    /// The format of files whose names no format uses: arrays, where there are any.
    pub(super) fn of_extensions(folder: &Path) -> Option<Self> {
        (!Self::arrays(folder).is_empty()).then_some(Self::Npy)
    }

    /// The names of the arrays in `folder`, sorted.
    pub(super) fn arrays(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).into_iter().flatten().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> =
            names.filter(|name| name.ends_with(".npy") || name.ends_with(".npz")).collect();
        names.sort_unstable();
        names
    }

    /// The format that has files of this name.
    fn of_name(name: &str) -> Option<Self> {
        if name.ends_with(".npy") && name.contains("images") {
            return Some(Self::Npy);
        }
        if let Some(batch) = name.strip_prefix("data_batch_") {
            let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            return match batch.strip_suffix(".bin") {
                Some(number) => is_number(number).then_some(Self::Cifar10Binary),
                None => is_number(batch).then_some(Self::Cifar10Python),
            };
        }
        match name {
            "test_batch.bin" | NAMES_FILE => Some(Self::Cifar10Binary),
            "test_batch" | "batches.meta" => Some(Self::Cifar10Python),
            "train.bin" | "test.bin" | "fine_label_names.txt" | "coarse_label_names.txt" => {
                Some(Self::Cifar100Binary)
            }
            "train" | "test" | "meta" => Some(Self::Cifar100Python),
            _ => None,
        }
    }

    /// The names of the classes of the data set in `folder`, for the labels that are used. None if an optional list is
    /// missing: that of CIFAR-10's binary version, and `classes.txt` of arrays.
    ///
    /// # Errors
    /// A list that is missing, cannot be read, or has the wrong number of names.
    pub fn class_names(self, folder: &Path, labels: Labels) -> Result<Option<Vec<String>>> {
        let cifar_10 = layout::CLASSES.len()..=layout::CLASSES.len();
        let cifar_100 = labels.classes()..=labels.classes();
        let key = match labels {
            Labels::Fine => "fine_label_names",
            Labels::Coarse => "coarse_label_names",
        };
        let (file, list) = match self {
            Self::Cifar10Binary => (NAMES_FILE.into(), ClassNames { key: None, count: cifar_10 }),
            Self::Cifar10Python => {
                ("batches.meta".into(), ClassNames { key: Some("label_names"), count: cifar_10 })
            }
            Self::Cifar100Binary => (format!("{key}.txt"), ClassNames { key: None, count: cifar_100 }),
            Self::Cifar100Python => ("meta".into(), ClassNames { key: Some(key), count: cifar_100 }),
            Self::Npy => ("classes.txt".into(), ClassNames { key: None, count: 2..=1024 }),
        };
        let path = folder.join(file);
        let optional = matches!(self, Self::Cifar10Binary | Self::Npy);
        if optional && !path.exists() { Ok(None) } else { list.read(&path).map(Some) }
    }

    /// Maps a file of labelled images and checks it, but for the range of its labels.
    ///
    /// # Errors
    /// Files that cannot be read, or do not have this format.
    pub fn open(self, path: &Path, labels: Labels) -> Result<ImageFile> {
        let what = match self {
            Self::Cifar10Binary => "a file of CIFAR-10 records",
            Self::Cifar100Binary => "a file of CIFAR-100 records",
            Self::Cifar10Python | Self::Cifar100Python => pickle::WHAT,
            Self::Npy => npy::WHAT,
        };
        let file = Mapped::open(path, what)?;
        let bytes = file.bytes();
        let mut labels_file = None;
        let batch = match (self, labels) {
            (Self::Cifar10Binary, _) => binary::parse(path, bytes, Records::Cifar10)?,
            (Self::Cifar100Binary, labels) => binary::parse(path, bytes, Records::Cifar100(labels))?,
            (Self::Cifar10Python, _) => pickle::parse(path, bytes, "labels")?,
            (Self::Cifar100Python, Labels::Fine) => pickle::parse(path, bytes, "fine_labels")?,
            (Self::Cifar100Python, Labels::Coarse) => pickle::parse(path, bytes, "coarse_labels")?,
            (Self::Npy, _) => {
                let beside = labels_file.insert(Mapped::open(&npy::labels_of(path)?, what)?);
                npy::pair((path, bytes), (beside.path(), beside.bytes()))?
            }
        };
        Ok(ImageFile::new(Bytes::Mapped(file), labels_file.map(Bytes::Mapped), batch))
    }

    /// Maps an array of images that have no labels. All of them read as 0.
    ///
    /// # Errors
    /// A file that cannot be read, or does not hold such an array.
    pub fn open_unlabelled(path: &Path) -> Result<ImageFile> {
        let file = Mapped::open(path, npy::WHAT)?;
        let (count, features, images) = npy::images(path, file.bytes())?;
        let batch = Batch { count, features, images, labels: Place::Copy(vec![0; count]) };
        Ok(ImageFile::new(Bytes::Mapped(file), None, batch))
    }
}
