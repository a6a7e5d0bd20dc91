//! The formats of data sets: how a folder's format is detected, which files make which split, where the class names
//! are, and how a file of images is opened.

use std::fs;
use std::path::Path;

use super::binary::{self, Records};
use super::class_names::ClassNames;
use super::class_values::ClassValues;
use super::image_file::{Bytes, ImageFile};
use super::labels::Labels;
use super::layout::{self, NAMES_FILE};
use super::mapped::Mapped;
use super::{array_file, npz, pickle, picture_folder};
use crate::error::{Error, Result};
use crate::files::whole::folder_of;
use crate::picture::Shape;

/// The names of arrays, in files or, without the ending, in archives: the usual ones, Keras's and others.
const ARRAYS: [&[&str]; 3] = [
    &["train_images.npy", "x_train.npy", "X_train.npy"],
    &["validation_images.npy", "val_images.npy", "x_validation.npy", "x_val.npy", "X_val.npy"],
    &["test_images.npy", "x_test.npy", "X_test.npy"],
];
/// The names of MNIST's files, as they are offered and as some programs unpack them.
const IDX: [&[&str]; 3] = [
    &[
        "train-images-idx3-ubyte",
        "train-images-idx3-ubyte.gz",
        "train-images.idx3-ubyte",
        "train-images.idx3-ubyte.gz",
    ],
    &[],
    &[
        "t10k-images-idx3-ubyte",
        "t10k-images-idx3-ubyte.gz",
        "t10k-images.idx3-ubyte",
        "t10k-images.idx3-ubyte.gz",
    ],
];

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
    /// Arrays that NumPy saved, for a user's own data: `.npy` files, or the members of an `.npz` archive.
    Arrays,
    /// MNIST's files.
    Idx,
    /// Folders of pictures, one a class.
    Pictures,
}

/// How the labels and pictures of a data set are read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Which of CIFAR-100's labels.
    pub labels: Labels,
    /// The names of the classes.
    pub names: Vec<String>,
    /// What the labels of arrays stand for.
    pub values: ClassValues,
    /// The shape that pictures get.
    pub shape: Shape,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 7] = [
        Self::Cifar10Binary,
        Self::Cifar100Binary,
        Self::Cifar10Python,
        Self::Cifar100Python,
        Self::Arrays,
        Self::Idx,
        Self::Pictures,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cifar10Binary => "the binary version of CIFAR-10",
            Self::Cifar100Binary => "the binary version of CIFAR-100",
            Self::Cifar10Python => "the Python version of CIFAR-10",
            Self::Cifar100Python => "the Python version of CIFAR-100",
            Self::Arrays => "NumPy arrays",
            Self::Idx => "MNIST's IDX files",
            Self::Pictures => "folders of pictures",
        }
    }

    /// What it is, and how to get it, for an error about a missing file.
    pub(super) fn advice(self) -> String {
        let name = self.name();
        match self {
            Self::Cifar10Binary => layout::OFFICIAL.into(),
            Self::Cifar100Binary => format!("{name}: onelayer fetch cifar-100 gets it"),
            Self::Cifar10Python | Self::Cifar100Python => name.into(),
            Self::Arrays => format!(
                "{name}: bytes or floats [N, D] or [N, H, W, C], labels [N] in train_labels.npy, test_labels.npy"
            ),
            Self::Idx => {
                format!("{name}, with their labels in train-labels-idx1-ubyte and t10k-labels-idx1-ubyte")
            }
            Self::Pictures => format!("{name}: a folder for each class in each of them"),
        }
    }

    /// The names that files for training, validation and testing have, the usual ones first. Other formats than CIFAR-10's
    /// need no validation file.
    pub(super) fn files(self) -> [&'static [&'static str]; 3] {
        match self {
            Self::Cifar10Binary => [&["data_batch_1.bin"], &["data_batch_2.bin"], &["test_batch.bin"]],
            Self::Cifar10Python => [&["data_batch_1"], &["data_batch_2"], &["test_batch"]],
            Self::Cifar100Binary => [&["train.bin"], &[], &["test.bin"]],
            Self::Cifar100Python => [&["train"], &[], &["test"]],
            Self::Arrays => ARRAYS,
            Self::Idx => IDX,
            Self::Pictures => {
                [&[picture_folder::TRAIN], &picture_folder::VALIDATION, &[picture_folder::TEST]]
            }
        }
    }

    /// Whether `folder` has the file `name`.
    pub(super) fn has(self, folder: &Path, name: &str) -> bool {
        let path = folder.join(name);
        if self == Self::Pictures { picture_folder::exists(&path) } else { array_file::exists(&path) }
    }

    /// The format of the data in `folder`, which may be an archive of arrays; none if nothing there has a name that a
    /// format uses.
    ///
    /// # Errors
    /// A folder that cannot be read, or that has files of two formats.
    pub fn of(folder: &Path) -> Result<Option<Self>> {
        if npz::is_archive(folder) && folder.is_file() {
            return Ok(Some(Self::Arrays));
        }
        let format = Self::of_folder(folder)?.or_else(|| Self::of_extensions(folder));
        Ok(format.or_else(|| picture_folder::is_data_set(folder).then_some(Self::Pictures)))
    }

    /// The format of the files in `folder`; none if no file has a name that a format uses.
    pub(crate) fn of_folder(folder: &Path) -> Result<Option<Self>> {
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
    fn of_extensions(folder: &Path) -> Option<Self> {
        (!Self::arrays(folder).is_empty()).then_some(Self::Arrays)
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
        if name.ends_with(".npy") && (name.contains("images") || ARRAYS.concat().contains(&name)) {
            return Some(Self::Arrays);
        }
        if array_file::is_idx(Path::new(name)) {
            return Some(Self::Idx);
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
    /// missing: that of CIFAR-10's binary version, and `classes.txt` of arrays; and where folders have the names.
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
            Self::Arrays | Self::Idx => {
                ("classes.txt".into(), ClassNames { key: None, count: ClassValues::COUNTS })
            }
            Self::Pictures => return Ok(None),
        };
        let folder = if npz::is_archive(folder) { folder_of(folder) } else { folder };
        let path = folder.join(file);
        let optional = matches!(self, Self::Cifar10Binary | Self::Arrays | Self::Idx);
        if optional && !path.exists() { Ok(None) } else { list.read(&path).map(Some) }
    }

    /// Maps a file of labelled images and checks it, but for the range of CIFAR's labels.
    ///
    /// # Errors
    /// Files that cannot be read, or do not have this format.
    pub fn open(self, path: &Path, reading: &Reading) -> Result<ImageFile> {
        let labels = reading.labels;
        let what = match self {
            Self::Arrays | Self::Idx => return array_file::open_pair(path, &reading.values),
            Self::Pictures => return picture_folder::open(path, &reading.names, reading.shape),
            Self::Cifar10Binary => "a file of CIFAR-10 records",
            Self::Cifar100Binary => "a file of CIFAR-100 records",
            Self::Cifar10Python | Self::Cifar100Python => pickle::WHAT,
        };
        let file = Mapped::open(path, what)?;
        let bytes = file.bytes();
        let batch = match (self, labels) {
            (Self::Cifar100Binary, labels) => binary::parse(path, bytes, Records::Cifar100(labels))?,
            (Self::Cifar10Python, _) => pickle::parse(path, bytes, "labels")?,
            (Self::Cifar100Python, Labels::Fine) => pickle::parse(path, bytes, "fine_labels")?,
            (Self::Cifar100Python, Labels::Coarse) => pickle::parse(path, bytes, "coarse_labels")?,
            _ => binary::parse(path, bytes, Records::Cifar10)?,
        };
        Ok(ImageFile::new(Bytes::Mapped(file), None, batch))
    }
}
