//! The plan of what to open for a data set: its format, the files of each split, and the shape that all must have.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::class_values::ClassValues;
use super::draw::Draw;
use super::format::{Format, Reading};
use super::image_file::ImageFile;
use super::labels::Labels;
use super::source::Source;
use super::split::Split;
use super::split_files::{Part, SplitFiles, Validation};
use super::{array_file, layout, npz, picture_folder, synthetic};
use crate::error::{Error, Result};
use crate::picture::Shape;
use crate::samples::Element;

/// Without a validation file, one in this number of training images is held out for validation.
const SHARE: usize = 5;
/// The most files that an error names.
const MOST_NAMES: usize = 8;
/// The most images of a split: shuffled orders count them in 32 bits.
const MOST_IMAGES: usize = u32::MAX as usize;

/// What to open for a data set. All its files exist.
pub(super) struct Plan<'a> {
    source: Source,
    pub(super) format: Format,
    labels: Labels,
    shape: Shape,
    parts: &'a [Part],
    train: Vec<String>,
    /// None to hold out a share of the training images.
    validation: Option<Validation>,
    test: Vec<String>,
}

/// What is read instead of CSV, and how to get it.
const NO_CSV: &str = "arrays (numpy.save(\"train_images.npy\", numpy.loadtxt(\"FILE.csv\", delimiter=\",\", \
    dtype=numpy.float32)) makes one), pictures or CIFAR's files";

/// The CSV file that `place` is, or has in it where nothing else there is read.
fn csv_in(place: &Path) -> Option<PathBuf> {
    let is_csv =
        |path: &PathBuf| path.extension().is_some_and(|extension| extension == "csv") && path.is_file();
    let inside = fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path());
    let known = matches!(Format::of(place), Ok(Some(_)));
    std::iter::once(place.to_path_buf()).chain(inside).find(is_csv).filter(|_| !known)
}

impl<'a> Plan<'a> {
    /// Plans to open `parts` of `source`: the files that `files` names, and the format's defaults for the rest.
    pub(super) fn new(source: &Source, files: &SplitFiles, parts: &'a [Part]) -> Result<Self> {
        let mut plan = Self::of_format(source.clone(), Format::default(), files, parts);
        if let Some(folder) = source.folder() {
            let format = match fs::metadata(folder) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(plan.missing("no such folder"));
                }
                Err(error) => return Err(Error::io(folder, "open the data folder")(error)),
                Ok(_) => Format::of(folder),
            };
            if !folder.is_dir() && !matches!(format, Ok(Some(_))) {
                return Err(plan.missing("a file"));
            }
            if let Some(format) = format? {
                plan = Self::of_format(root(source, folder)?, format, files, parts);
            }
        }
        plan.check_labels()?;
        match plan.files().iter().find(|name| !plan.has(name)) {
            Some(name) => Err(plan.missing(&what_is_there(&plan.source, name)?)),
            None => Ok(plan),
        }
    }

    fn of_format(source: Source, format: Format, files: &SplitFiles, parts: &'a [Part]) -> Self {
        let in_archive = source.folder().is_some_and(npz::is_archive);
        let has =
            |name: &str| source.folder().map_or_else(|| source.has(name), |folder| format.has(folder, name));
        let defaults = format.files().map(|names| {
            let names =
                names.iter().map(|name| if in_archive { name.trim_end_matches(".npy") } else { name });
            names.clone().find(|name| has(name)).or(names.clone().next()).map(String::from)
        });
        let chosen = |names: &Option<Vec<String>>, default: &Option<String>| {
            names
                .clone()
                .filter(|names| !names.is_empty())
                .unwrap_or_else(|| default.iter().cloned().collect())
        };
        let train = chosen(&files.train, &defaults[0]);
        // Outside CIFAR-10 the validation file is optional, and no training file is used for validation by default.
        let is_cifar_10 = matches!(format, Format::Cifar10Binary | Format::Cifar10Python);
        let validation = defaults[1]
            .clone()
            .filter(|name| is_cifar_10 || has(name))
            .filter(|validation| !train.iter().any(|name| source.path(name) == source.path(validation)));
        let validation = validation.map(|name| Validation::Files(vec![name]));
        Self {
            format,
            labels: files.labels,
            shape: files.size.unwrap_or(Shape::CIFAR),
            parts,
            train,
            validation: files.validation.clone().or(validation),
            test: chosen(&files.test, &defaults[2]),
            source,
        }
    }

    /// Whether the file `name` is there.
    fn has(&self, name: &str) -> bool {
        match self.source.folder() {
            Some(folder) => self.format.has(folder, name),
            None => self.source.has(name),
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
        if let Some(csv) = self.source.folder().and_then(csv_in) {
            return Error::format(&csv, NO_CSV, "a CSV file");
        }
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
    pub(super) fn open(&self, part: Part, reading: &Reading) -> Result<Vec<ImageFile>> {
        let open = |name: &String| match &self.source {
            Source::Folder(folder) => self.format.open(&folder.join(name), reading),
            Source::Synthetic(seed) => synthetic::open(*seed, name),
        };
        self.files_of(part).iter().map(open).collect()
    }

    /// How labels are read. Without a list of names the classes are CIFAR-10's, or, for arrays and pictures, those of
    /// `model`, else those that any file has which is there.
    pub(super) fn reading(&self, model: Option<&[String]>) -> Result<Reading> {
        let Self { labels, shape, .. } = *self;
        let of_names = |names: Vec<String>| {
            let values = ClassValues::numbers(names.len());
            Ok(Reading { labels, names, values, shape })
        };
        let Source::Folder(folder) = &self.source else {
            return of_names(synthetic::class_names().map(String::from).collect());
        };
        if let Some(names) = self.format.class_names(folder, labels)? {
            return of_names(names);
        }
        let files =
            || Part::ALL.into_iter().flat_map(|part| self.files_of(part)).filter(|name| self.has(name));
        let paths = || files().map(|name| folder.join(name));
        match (self.format, model) {
            (Format::Pictures, Some(names)) => of_names(names.to_vec()),
            (Format::Pictures, None) => {
                let names =
                    paths().map(|path| picture_folder::class_names(&path)).collect::<Result<Vec<_>>>()?;
                let names: BTreeSet<String> = names.into_iter().flatten().collect();
                let found = format!("{} folders", names.len());
                let expected = "a folder of pictures for each of 2 to 65,536 classes";
                match ClassValues::COUNTS.contains(&names.len()) {
                    true => of_names(names.into_iter().collect()),
                    false => Err(Error::format(folder, expected, found)),
                }
            }
            (Format::Arrays | Format::Idx, Some(names)) => {
                let values = ClassValues::of_names(names);
                Ok(Reading { labels, names: names.to_vec(), values, shape })
            }
            (Format::Arrays | Format::Idx, None) => {
                let values =
                    paths().map(|path| array_file::label_values(&path)).collect::<Result<Vec<_>>>()?;
                let values = ClassValues::all(&values);
                if !ClassValues::COUNTS.contains(&values.len()) {
                    let found = match &values.names()[..] {
                        [only] => format!("no label but {only}"),
                        names => format!("{} different labels", names.len()),
                    };
                    let expected = "labels of 2 to 65,536 classes";
                    return Err(Error::format(&folder.join(&self.train[0]), expected, found));
                }
                Ok(Reading { labels, names: values.names(), values, shape })
            }
            _ => of_names(layout::CLASSES.map(String::from).to_vec()),
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
            Format::Arrays | Format::Idx | Format::Pictures => "custom",
            _ if classes == layout::CLASSES => layout::NAME,
            _ if synthetic::class_names().eq(classes) => synthetic::NAME,
            _ => "custom",
        }
    }
}

/// What all images and labels of a data set must have in common.
pub(super) struct Common {
    /// The file whose images define D.
    path: PathBuf,
    features: usize,
    element: Element,
    classes: usize,
}

impl Common {
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

/// The source that `folder` is: the archive in it, where it has no other array.
fn root(source: &Source, folder: &Path) -> Result<Source> {
    let arrays = if folder.is_dir() { Format::arrays(folder) } else { Vec::new() };
    match &arrays[..] {
        [archive] if npz::is_archive(Path::new(archive)) => Ok(Source::Folder(folder.join(archive))),
        [_, .., last] if arrays.iter().all(|name| npz::is_archive(Path::new(name))) => {
            let found = format!("{} and {last}", arrays[0]);
            Err(Error::format(folder, "a folder with one archive, or the path of one", found))
        }
        _ => Ok(source.clone()),
    }
}

/// What was found instead of the file `missing`. Often the folder is empty, or the parent of the right one.
fn what_is_there(source: &Source, missing: &str) -> Result<String> {
    let Some(folder) = source.folder() else { return Ok(format!("no {missing}")) };
    if npz::is_archive(folder) {
        return Ok(format!("no {missing} among its arrays {}", npz::names(folder)?.join(", ")));
    }
    let mut entries = fs::read_dir(folder).map_err(Error::io(folder, "read the data folder"))?;
    if entries.next().is_none() {
        return Ok("an empty folder".into());
    }
    let is_data = |name: &&&str| {
        let inner = folder.join(name);
        inner.is_dir() && matches!(Format::of(&inner), Ok(Some(_)))
    };
    let arrays = || Format::arrays(folder).into_iter().take(MOST_NAMES).collect::<Vec<_>>().join(", ");
    Ok(match layout::FOLDERS.iter().find(is_data) {
        Some(inner) => format!("no {missing}; its folder {inner} has a data set"),
        None if missing.ends_with(".npy") => format!("no {missing} among its arrays {}", arrays()),
        None => format!("no {missing}"),
    })
}
