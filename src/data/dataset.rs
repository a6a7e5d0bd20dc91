//! Data sets: which files train, validate and test, and what their classes are called.

use std::path::{Path, PathBuf};
use std::slice;

use super::format::Format;
use super::plan::{Plan, Shape};
use super::{Labels, Split, synthetic};
use crate::error::Result;

/// Where a data set comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder of files in one of the formats.
    Folder(PathBuf),
    /// The built-in synthetic set, drawn from this seed.
    Synthetic(u64),
}

impl Source {
    /// What `open` makes of the folder.
    fn open<T>(&self, open: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
        match self {
            Self::Folder(folder) => open(folder),
            Self::Synthetic(seed) => {
                let folder = synthetic::Temporary::new()?;
                synthetic::write(folder.path(), *seed)?;
                // The maps keep the files' pages when `folder` is removed.
                open(folder.path())
            }
        }
    }

    /// The folder; none for the built-in synthetic set.
    fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Folder(folder) => Some(folder.clone()),
            Self::Synthetic(_) => None,
        }
    }
}

/// What of a data set makes which split, and which labels count. Files are names within its folder.
///
/// The default is what the format of the folder says: of CIFAR-10 the lab's split, in which `data_batch_1`
/// trains, `data_batch_2` validates and `test_batch` tests. Where the format has no file that validates, or that
/// file trains, the last fifth of the training images validates instead, and does not train.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SplitFiles {
    /// The files that train; none, or an empty list, for those of the format.
    pub train: Option<Vec<String>>,
    /// What validates; none for what the format says.
    pub validation: Option<Validation>,
    /// The files that test; none, or an empty list, for those of the format.
    pub test: Option<Vec<String>>,
    /// Which of CIFAR-100's labels count.
    pub labels: Labels,
}

/// What validates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validation {
    /// Files of its own.
    Files(Vec<String>),
    /// The last so many images of the files that train, which then do not train.
    Images(usize),
}

/// One of the three splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What training sees.
    Train,
    /// What is looked at after each epoch.
    Validation,
    /// What is looked at once, at the end.
    Test,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// The split of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }
}

/// A data set: three splits of mapped images.
#[derive(Debug)]
pub struct Dataset {
    /// What it is called in every output: `CIFAR-10`, `CIFAR-100`, `synthetic` wherever its files are, or
    /// `custom`.
    pub name: &'static str,
    /// Its folder; none for the built-in synthetic set.
    pub path: Option<PathBuf>,
    /// The format of its files.
    pub format: Format,
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
    /// Files that are missing, cannot be read, or do not hold what their format says; files of two formats;
    /// images of different sizes; labels that are not below K; coarse labels of anything but CIFAR-100; more
    /// images for validation than there are.
    pub fn open(source: &Source, files: &SplitFiles) -> Result<Self> {
        source.open(|folder| {
            let plan = Plan::new(folder, files, &Part::ALL)?;
            let train = plan.open(Part::Train)?;
            let classes = plan.class_names()?;
            let shape = Shape::of(&train[0], &classes);
            let train = shape.split(train)?;
            let [train, validation] = match plan.holds_out() {
                true => plan.hold_out(train)?,
                false => [train, shape.split(plan.open(Part::Validation)?)?],
            };
            let test = shape.split(plan.open(Part::Test)?)?;
            let (name, format) = (plan.name(&classes), plan.format);
            Ok(Self { name, path: source.path(), format, classes, train, validation, test })
        })
    }

    /// Whether this is the synthetic set, built in or written to a folder.
    pub fn is_synthetic(&self) -> bool {
        self.name == synthetic::NAME
    }
}

/// One split of a data set, of which no other file was opened, or need be there.
#[derive(Debug)]
pub struct Excerpt {
    /// What the data set is called; see [`Dataset::name`].
    pub name: &'static str,
    /// Its folder; none for the built-in synthetic set.
    pub path: Option<PathBuf>,
    /// The names of the K classes, in the order of their labels.
    pub classes: Vec<String>,
    /// Which split this is.
    pub part: Part,
    /// Its images.
    pub split: Split,
}

impl Excerpt {
    /// Opens, maps and checks one split. The files that train are opened where validation is a part of them, and
    /// where nothing else says how many classes there are.
    ///
    /// # Errors
    /// As [`Dataset::open`], on the files that are opened.
    pub fn open(source: &Source, files: &SplitFiles, part: Part) -> Result<Self> {
        source.open(|folder| {
            let plan = Plan::new(folder, files, slice::from_ref(&part))?;
            let opened = plan.open(part)?;
            let classes = plan.class_names()?;
            let whole = Shape::of(&opened[0], &classes).split(opened)?;
            let split = match part {
                Part::Train | Part::Validation if plan.holds_out() => {
                    let [train, validation] = plan.hold_out(whole)?;
                    if part == Part::Train { train } else { validation }
                }
                _ => whole,
            };
            Ok(Self { name: plan.name(&classes), path: source.path(), classes, part, split })
        })
    }
}
