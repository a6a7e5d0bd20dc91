//! Data sets: the training, validation and test splits, and the names of the classes.

use std::path::{Path, PathBuf};
use std::slice;

use super::format::Format;
use super::plan::{Common, Plan};
use super::source::Source;
use super::split::Split;
use super::split_files::{Part, SplitFiles};
use super::synthetic;
use crate::error::Result;

/// A data set: three splits of images.
#[derive(Debug)]
pub struct Dataset {
    /// Its name in every output: `CIFAR-10`, `CIFAR-100`, `synthetic` (built in or in a folder) or `custom`.
    pub name: &'static str,
    /// Its folder; none for the built-in synthetic set.
    pub path: Option<PathBuf>,
    /// The format of its files.
    pub format: Format,
    /// What was chosen of its files.
    pub files: SplitFiles,
    /// The names of the K classes, in the order of their labels.
    pub classes: Vec<String>,
    /// The images that the model is trained on.
    pub train: Split,
    /// The images that it is evaluated on after each epoch.
    pub validation: Split,
    /// The images that it is evaluated on once, at the end.
    pub test: Split,
}

impl Dataset {
    /// Opens, maps and checks a data set.
    ///
    /// # Errors
    /// Files that are missing, cannot be read, or do not have their format; files of two formats; images of different
    /// sizes; labels that are not below K; coarse labels of a data set other than CIFAR-100; as many images held out
    /// for validation as there are, or more.
    pub fn open(source: &Source, files: &SplitFiles) -> Result<Self> {
        let plan = Plan::new(source, files, &Part::ALL)?;
        let reading = plan.reading(None)?;
        let train = plan.open(Part::Train, &reading)?;
        let classes = reading.names.clone();
        let common = Common::of(&train[0], &classes);
        let train = common.split(train)?;
        let [train, validation] = match plan.holds_out() {
            true => plan.hold_out(train)?,
            false => [train, common.split(plan.open(Part::Validation, &reading)?)?],
        };
        let test = common.split(plan.open(Part::Test, &reading)?)?;
        let (name, format, path) = (plan.name(&classes), plan.format, source.folder().map(Path::to_path_buf));
        Ok(Self { name, path, format, files: files.clone(), classes, train, validation, test })
    }

    /// Whether this is the synthetic set, built in or written to a folder.
    pub fn is_synthetic(&self) -> bool {
        self.name == synthetic::NAME
    }
}

/// One split of a data set. The files of the other splits are not opened and may be missing.
#[derive(Debug)]
pub struct Excerpt {
    /// The name of the data set; see [`Dataset::name`].
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
    /// Opens, maps and checks one split. The training files are opened if validation images are held out from them. What
    /// names no classes has those of `model`, where they are given.
    ///
    /// # Errors
    /// As [`Dataset::open`], on the files that are opened.
    pub fn open(source: &Source, files: &SplitFiles, part: Part, model: Option<&[String]>) -> Result<Self> {
        let plan = Plan::new(source, files, slice::from_ref(&part))?;
        let reading = plan.reading(model)?;
        let opened = plan.open(part, &reading)?;
        let classes = reading.names;
        let whole = Common::of(&opened[0], &classes).split(opened)?;
        let split = match part {
            Part::Train | Part::Validation if plan.holds_out() => {
                let [train, validation] = plan.hold_out(whole)?;
                if part == Part::Train { train } else { validation }
            }
            _ => whole,
        };
        let (name, path) = (plan.name(&classes), source.folder().map(Path::to_path_buf));
        Ok(Self { name, path, classes, part, split })
    }
}
