//! The plan of what to open for a data set: its format, the files of each split, and the shape that all must have.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::draw::Draw;
use super::format::Format;
use super::image_file::ImageFile;
use super::labels::Labels;
use super::source::Source;
use super::split::Split;
use super::split_files::{Part, SplitFiles, Validation};
use super::{layout, synthetic};
use crate::error::{Error, Result};
use crate::samples::Element;

/// Without a validation file, one in this number of training images is held out for validation.
const SHARE: usize = 5;
/// The most files that an error names.
const MOST_NAMES: usize = 8;
/// The most images of a split: shuffled orders count them in 32 bits.
const MOST_IMAGES: usize = u32::MAX as usize;

/// What to open for a data set. All its files exist.
pub(super) struct Plan<'a> {
    source: &'a Source,
    pub(super) format: Format,
    labels: Labels,
    parts: &'a [Part],
    train: Vec<String>,
    /// None to hold out a share of the training images.
    validation: Option<Validation>,
    test: Vec<String>,
}

impl<'a> Plan<'a> {
    /// Plans to open `parts` of `source`: the files that `files` names, and the format's defaults for the rest.
    pub(super) fn new(source: &'a Source, files: &SplitFiles, parts: &'a [Part]) -> Result<Self> {
        let mut plan = Self::of_format(source, Format::default(), files, parts);
        if let Some(folder) = source.folder() {
            match fs::metadata(folder) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(plan.missing("no such folder"));
                }
                Err(error) => return Err(Error::io(folder, "open the data folder")(error)),
                Ok(metadata) if !metadata.is_dir() => return Err(plan.missing("a file")),
                Ok(_) => {}
            }
            if let Some(format) = Format::of_folder(folder)?.or(Format::of_extensions(folder)) {
                plan = Self::of_format(source, format, files, parts);
            }
        }
        plan.check_labels()?;
        match plan.files().iter().find(|name| !source.has(name)) {
            Some(name) => Err(plan.missing(&what_is_there(source, name)?)),
            None => Ok(plan),
        }
    }

    fn of_format(source: &'a Source, format: Format, files: &SplitFiles, parts: &'a [Part]) -> Self {
        let (train, validation, test) = format.files();
        let one = |name: &str| vec![name.to_string()];
        let train = files.train.clone().filter(|names| !names.is_empty()).unwrap_or_else(|| one(train));
        // The validation file of arrays is optional, and no training file is used for validation by default.
        let validation = validation
            .filter(|name| format != Format::Npy || source.has(name))
            .filter(|validation| !train.iter().any(|name| source.path(name) == source.path(validation)));
        Self {
            source,
            format,
            labels: files.labels,
            parts,
            train,
            validation: files.validation.clone().or(validation.map(|name| Validation::Files(one(name)))),
            test: files.test.clone().filter(|names| !names.is_empty()).unwrap_or_else(|| one(test)),
        }
    }

    /// The names of all files of images to open.
    fn files(&self) -> Vec<&str> {
        let mut files: Vec<&str> = Vec::new();
        for name in self.parts.iter().flat_map(|&part| self.files_of(part)) {
            if !files.contains(&name.as_str()) {
                files.push(name);
            }
        }
        files
    }

    /// The names of the files that contain `part`.
    fn files_of(&self, part: Part) -> &[String] {
        match (part, &self.validation) {
            (Part::Test, _) => &self.test,
            (Part::Validation, Some(Validation::Files(names))) => names,
            _ => &self.train,
        }
    }

    /// The error of a missing file.
    fn missing(&self, found: &str) -> Error {
        let expected = format!("a folder with {} ({})", self.files().join(", "), self.format.advice());
        Error::format(self.source.place(), expected, found)
    }

    fn check_labels(&self) -> Result<()> {
        let both = matches!(self.format, Format::Cifar100Binary | Format::Cifar100Python);
        match self.labels {
            Labels::Coarse if !both => {
                let expected = format!("fine, as {} has no other labels", self.format.name());
                Err(Error::setting("labels", expected, self.labels.name()))
            }
            _ => Ok(()),
        }
    }

    /// Opens the files that contain `part`.
    pub(super) fn open(&self, part: Part) -> Result<Vec<ImageFile>> {
        let open = |name: &String| match self.source {
            Source::Folder(folder) => self.format.open(&folder.join(name), self.labels),
            Source::Synthetic(seed) => synthetic::open(*seed, name),
        };
        self.files_of(part).iter().map(open).collect()
    }

    /// The names of the classes. Without a list they are CIFAR-10's, or, for arrays, the numbers up to the largest
    /// training label, or `unnamed` where no training files are there.
    pub(super) fn class_names(&self, unnamed: Option<&[String]>) -> Result<Vec<String>> {
        let named = match self.source {
            Source::Folder(folder) => self.format.class_names(folder, self.labels)?,
            Source::Synthetic(_) => Some(synthetic::class_names().map(String::from).collect()),
        };
        if let Some(names) = named {
            return Ok(names);
        }
        if self.format != Format::Npy {
            return Ok(layout::CLASSES.map(String::from).to_vec());
        }
        if let Some(names) = unnamed.filter(|_| !self.train.iter().all(|name| self.source.has(name))) {
            return Ok(names.to_vec());
        }
        let train = self.open(Part::Train)?;
        match train.iter().map(ImageFile::largest_label).max() {
            Some(largest @ 1..) => Ok((0..=largest).map(|class| class.to_string()).collect()),
            _ => Err(Error::format(train[0].path(), "labels of at least two classes", "no label but 0")),
        }
    }

    /// Whether training images are held out for validation.
    pub(super) fn holds_out(&self) -> bool {
        !matches!(self.validation, Some(Validation::Files(_)))
    }

    /// Splits the images of the training files into those for training and those that are held out: the last ones, or some
    /// that are drawn.
    pub(super) fn hold_out(&self, files: Split) -> Result<[Split; 2]> {
        let (most, share) = (files.len() - 1, files.len().div_ceil(SHARE));
        match self.validation {
            Some(Validation::Drawn(Draw { share, .. })) if !(share > 0.0 && share < 1.0) => {
                Err(Error::setting("validation_split", "a share above 0 and below 1", share))
            }
            Some(Validation::Images(count)) if (1..=most).contains(&count) => Ok(files.cut(count)),
            Some(Validation::Images(count)) => {
                let expected = format!("1 to {most}, fewer than the images of the training files");
                Err(Error::setting("validation_images", expected, count))
            }
            _ if most == 0 => {
                let expected = "at least two training images, as some are held out for validation";
                Err(Error::format(self.source.place(), expected, "one"))
            }
            Some(Validation::Drawn(draw)) => {
                let samples = files.samples();
                let labels: Vec<u16> = (0..samples.len()).map(|image| samples.label(image)).collect();
                let drawn = draw.images(&labels);
                if drawn.is_empty() {
                    let expected = "two images of one class, one of which is held out for validation";
                    return Err(Error::format(self.source.place(), expected, "one of each"));
                }
                Ok(files.part(&drawn))
            }
            _ => Ok(files.cut(share)),
        }
    }

    /// The name of the data set, which has these classes.
    pub(super) fn name(&self, classes: &[String]) -> &'static str {
        match self.format {
            Format::Cifar100Binary | Format::Cifar100Python => "CIFAR-100",
            Format::Npy => "custom",
            _ if classes == layout::CLASSES => layout::NAME,
            _ if synthetic::class_names().eq(classes) => synthetic::NAME,
            _ => "custom",
        }
    }
}

/// What all images and labels of a data set must have in common.
pub(super) struct Shape {
    /// The file whose images define D.
    path: PathBuf,
    features: usize,
    element: Element,
    classes: usize,
}

impl Shape {
    /// The shape of the images of `file`, in these classes.
    pub(super) fn of(file: &ImageFile, classes: &[String]) -> Self {
        Self {
            path: file.path().into(),
            features: file.features(),
            element: file.images().element(),
            classes: classes.len(),
        }
    }

    /// Makes a split of `files`, after a check that all their images and labels have this shape.
    pub(super) fn split(&self, files: Vec<ImageFile>) -> Result<Split> {
        for file in &files {
            if file.features() != self.features {
                let expected = format!("images of {} bytes, as {} has", self.features, self.path.display());
                return Err(Error::format(file.path(), expected, file.features()));
            }
            let element = file.images().element();
            if element != self.element {
                let expected = format!("features of {}, as {} has", self.element.name(), self.path.display());
                return Err(Error::format(file.path(), expected, element.name()));
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

/// What was found instead of the file `missing`. Often the folder is empty, or the parent of the right one.
fn what_is_there(source: &Source, missing: &str) -> Result<String> {
    let Some(folder) = source.folder() else { return Ok(format!("no {missing}")) };
    let mut entries = fs::read_dir(folder).map_err(Error::io(folder, "read the data folder"))?;
    if entries.next().is_none() {
        return Ok("an empty folder".into());
    }
    let is_data = |name: &&&str| {
        let inner = folder.join(name);
        inner.is_dir() && matches!(Format::of_folder(&inner), Ok(Some(_)))
    };
    let arrays = || Format::arrays(folder).into_iter().take(MOST_NAMES).collect::<Vec<_>>().join(", ");
    Ok(match layout::FOLDERS.iter().find(is_data) {
        Some(inner) => format!("no {missing}; its folder {inner} has a data set"),
        None if missing.ends_with(".npy") => format!("no {missing} among its arrays {}", arrays()),
        None => format!("no {missing}"),
    })
}
