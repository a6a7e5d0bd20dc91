//! Data sets: which files train, validate and test, and what their classes are called.

use std::path::{Path, PathBuf};
use std::slice;

use super::format::Format;
use super::plan::{Plan, Shape};
use super::source::Source;
use super::split::Split;
use super::split_files::{Part, SplitFiles};
use super::synthetic;
use crate::error::Result;

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
        let plan = Plan::new(source, files, &Part::ALL)?;
        let train = plan.open(Part::Train)?;
        let classes = plan.class_names()?;
        let shape = Shape::of(&train[0], &classes);
        let train = shape.split(train)?;
        let [train, validation] = match plan.holds_out() {
            true => plan.hold_out(train)?,
            false => [train, shape.split(plan.open(Part::Validation)?)?],
        };
        let test = shape.split(plan.open(Part::Test)?)?;
        let (name, format, path) = (plan.name(&classes), plan.format, source.folder().map(Path::to_path_buf));
        Ok(Self { name, path, format, classes, train, validation, test })
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
        let plan = Plan::new(source, files, slice::from_ref(&part))?;
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
        let (name, path) = (plan.name(&classes), source.folder().map(Path::to_path_buf));
        Ok(Self { name, path, classes, part, split })
    }
}
