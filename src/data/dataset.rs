//! Data sets: which files train, validate and test, and what their classes are called.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::format::Format;
use super::image_file::ImageFile;
use super::{Labels, Split, layout, synthetic};
use crate::error::{Error, Result};

/// The share of the training images, one in so many, that validates where no file does.
const SHARE: usize = 5;
/// The most images of a split: orders count them in 32 bits.
const MOST_IMAGES: usize = u32::MAX as usize;

/// Where a data set comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder of files in one of the formats.
    Folder(PathBuf),
    /// The built-in synthetic set, drawn from this seed.
    Synthetic(u64),
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
        let plan = Plan::new(folder, files)?;
        let train = plan.open(&plan.train)?;
        let classes = plan.class_names(&train)?;
        let shape =
            Shape { path: train[0].path().into(), features: train[0].features(), classes: classes.len() };
        let train = shape.split(train)?;
        let [train, validation] = match &plan.validation {
            Some(Validation::Files(names)) => [train, shape.split(plan.open(names)?)?],
            Some(Validation::Images(count)) => hold_out(train, *count)?,
            None => hold_out_share(train, folder)?,
        };
        let test = shape.split(plan.open(&plan.test)?)?;
        let (name, format) = (plan.name(&classes), plan.format);
        Ok(Self { name, path: Some(folder.into()), format, classes, train, validation, test })
    }
}

/// What is to be opened in a folder, all of it there.
struct Plan<'a> {
    folder: &'a Path,
    format: Format,
    labels: Labels,
    train: Vec<String>,
    /// None for a share of the training images.
    validation: Option<Validation>,
    test: Vec<String>,
}

impl<'a> Plan<'a> {
    /// What `files` asks for, and the format of `folder` for the rest.
    fn new(folder: &'a Path, files: &SplitFiles) -> Result<Self> {
        let mut plan = Self::of_format(folder, Format::default(), files);
        match fs::metadata(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(plan.missing("no such folder")),
            Err(error) => return Err(Error::io(folder, "open the data folder")(error)),
            Ok(metadata) if !metadata.is_dir() => return Err(plan.missing("a file")),
            Ok(_) => {}
        }
        if let Some(format) = Format::of_folder(folder)? {
            plan = Self::of_format(folder, format, files);
        }
        plan.check_labels()?;
        match plan.files().iter().find(|name| !folder.join(name).exists()) {
            Some(name) => Err(plan.missing(&what_is_there(folder, name)?)),
            None => Ok(plan),
        }
    }

    fn of_format(folder: &'a Path, format: Format, files: &SplitFiles) -> Self {
        let (train, validation, test) = format.files();
        let one = |name: &str| vec![name.to_string()];
        let train = files.train.clone().filter(|names| !names.is_empty()).unwrap_or_else(|| one(train));
        // Arrays may come without any for validation, and what trains must not validate unasked.
        let validation = validation
            .filter(|name| format != Format::Npy || folder.join(name).exists())
            .filter(|validation| !train.iter().any(|name| folder.join(name) == folder.join(validation)));
        Self {
            folder,
            format,
            labels: files.labels,
            train,
            validation: files.validation.clone().or(validation.map(|name| Validation::Files(one(name)))),
            test: files.test.clone().filter(|names| !names.is_empty()).unwrap_or_else(|| one(test)),
        }
    }

    /// The names of all files of images.
    fn files(&self) -> Vec<&str> {
        let validation = match &self.validation {
            Some(Validation::Files(names)) => &names[..],
            _ => &[],
        };
        [&self.train, validation, &self.test].into_iter().flatten().map(String::as_str).collect()
    }

    /// The error of a folder in which a file is missing.
    fn missing(&self, found: &str) -> Error {
        let expected = format!("a folder with {} ({})", self.files().join(", "), self.format.advice());
        Error::format(self.folder, expected, found)
    }

    fn check_labels(&self) -> Result<()> {
        let both = matches!(self.format, Format::Cifar100Binary | Format::Cifar100Python);
        match self.labels {
            Labels::Coarse if !both => {
                let expected = format!("fine, as {} has no other labels", self.format.name());
                Err(Error::option("--labels", expected, self.labels.name()))
            }
            _ => Ok(()),
        }
    }

    fn open(&self, names: &[String]) -> Result<Vec<ImageFile>> {
        names.iter().map(|name| self.format.open(&self.folder.join(name), self.labels)).collect()
    }

    /// The names of the classes. Where nothing names them they are CIFAR-10's own, or, of arrays, the numbers
    /// up to the largest label that trains.
    fn class_names(&self, train: &[ImageFile]) -> Result<Vec<String>> {
        if let Some(names) = self.format.class_names(self.folder, self.labels)? {
            return Ok(names);
        }
        if self.format != Format::Npy {
            return Ok(layout::CLASSES.map(String::from).to_vec());
        }
        match train.iter().map(ImageFile::largest_label).max() {
            Some(largest @ 1..) => Ok((0..=largest).map(|class| class.to_string()).collect()),
            _ => Err(Error::format(train[0].path(), "labels of at least two classes", "no label but 0")),
        }
    }

    /// What a data set with these classes is called.
    fn name(&self, classes: &[String]) -> &'static str {
        match self.format {
            Format::Cifar100Binary | Format::Cifar100Python => "CIFAR-100",
            Format::Npy => "custom",
            _ if classes == layout::CLASSES => layout::NAME,
            _ if synthetic::class_names().eq(classes) => synthetic::NAME,
            _ => "custom",
        }
    }
}

/// What all images and labels of a data set have in common.
struct Shape {
    /// The file that says what D is.
    path: PathBuf,
    features: usize,
    classes: usize,
}

impl Shape {
    /// The split of `files`, all of whose images and labels have this shape.
    fn split(&self, files: Vec<ImageFile>) -> Result<Split> {
        for file in &files {
            if file.features() != self.features {
                let expected = format!("images of {} bytes, as {} has", self.features, self.path.display());
                return Err(Error::format(file.path(), expected, file.features()));
            }
            file.check_labels(self.classes)?;
        }
        let images: usize = files.iter().map(ImageFile::len).sum();
        if images > MOST_IMAGES {
            let expected = format!("at most {MOST_IMAGES} images in a split");
            return Err(Error::format(files[0].path(), expected, images));
        }
        Ok(Split::whole(files))
    }
}

/// What trains, and the last `count` images of `files`.
fn hold_out(files: Split, count: usize) -> Result<[Split; 2]> {
    let most = files.len() - 1;
    if (1..=most).contains(&count) {
        return Ok(files.cut(count));
    }
    let expected = format!("1 to {most}, fewer than the images of the training files");
    Err(Error::option("--validation-images", expected, count))
}

/// What trains, and the last of `files`' images, where nothing says how many.
fn hold_out_share(files: Split, folder: &Path) -> Result<[Split; 2]> {
    match files.len() {
        1 => Err(Error::format(folder, "two or more images that train, as some of them validate", "one")),
        images => Ok(files.cut(images.div_ceil(SHARE))),
    }
}

/// What a folder holds in which the file `missing` is missing: the mistakes that people make.
fn what_is_there(folder: &Path, missing: &str) -> Result<String> {
    let mut entries = fs::read_dir(folder).map_err(Error::io(folder, "read the data folder"))?;
    if entries.next().is_none() {
        return Ok("an empty folder".into());
    }
    let is_data = |name: &&&str| {
        let inner = folder.join(name);
        inner.is_dir() && matches!(Format::of_folder(&inner), Ok(Some(_)))
    };
    Ok(match layout::FOLDERS.iter().find(is_data) {
        Some(inner) => format!("no {missing}; its folder {inner} has a data set"),
        None => format!("no {missing}"),
    })
}
