//! Where the images of `onelayer predict` come from: pictures, folders of them, and data files.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::data::layout;
use crate::data::{ClassValues, Format, ImageFile, Labels, Reading, array_file};
use crate::error::{Error, Result};
use crate::files::whole::folder_of;
use crate::model::Model;
use crate::picture::folder::{self, EXTENSIONS};
use crate::picture::{Picture, Shape};
use crate::report::list;
use crate::samples::{Sample, Values};

/// An image to classify, and what is known of it.
pub(super) struct Image {
    pub(super) name: String,
    /// What was done to make an image of the model's shape of it.
    pub(super) remark: String,
    /// The name of its class, by the names that its data set has.
    pub(super) truth: Option<String>,
    pub(super) features: Features,
}

/// The features of an image.
pub(super) enum Features {
    Bytes(Vec<u8>),
    Floats(Vec<f32>),
}

impl Features {
    pub(super) fn values(&self) -> Values<'_> {
        match self {
            Self::Bytes(bytes) => Values::Bytes(bytes),
            Self::Floats(floats) => Values::Floats(floats),
        }
    }
}

impl From<Values<'_>> for Features {
    fn from(values: Values) -> Self {
        match values {
            Values::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Values::Floats(floats) => Self::Floats(floats.to_vec()),
        }
    }
}

/// Who is given images.
pub(super) trait Receiver {
    /// Takes an image, or what was wrong with the file `path`.
    fn take(&mut self, path: &Path, image: Result<Image>) -> Result<()>;

    /// Learns, while a data file is open and before its images come, what its classes are called.
    fn open(&mut self, classes: Option<&[String]>) -> Result<()>;
}

/// Gives `receiver` each image that `argument` names: a picture, the pictures of a folder and of those in it, or images of
/// a data file.
pub(super) fn give(argument: &Path, model: &Model, receiver: &mut dyn Receiver) -> Result<()> {
    if argument.is_dir() {
        return match pictures_in(argument) {
            Ok(pictures) => pictures.iter().try_for_each(|path| receiver.take(path, picture(path, model))),
            Err(error) => receiver.take(argument, Err(error)),
        };
    }
    let (path, numbers) = match numbered(argument) {
        Some((path, first, last)) => (path, Some(first..=last)),
        None if array_file::is_array(argument) => (argument, None),
        None => return receiver.take(argument, picture(argument, model)),
    };
    let records = match Records::open(path, numbers, model) {
        Ok(records) => records,
        Err(error) => return receiver.take(argument, Err(error)),
    };
    receiver.open(records.classes.as_deref())?;
    records.numbers.clone().try_for_each(|number| receiver.take(path, Ok(records.image(path, number))))
}

/// A picture as an image of the model's shape, or of CIFAR's, where the model is of none that a picture can have.
fn picture(path: &Path, model: &Model) -> Result<Image> {
    let shape = Shape::of(model.parameters.features).unwrap_or(Shape::CIFAR);
    let Shape { side, colour } = shape;
    let Picture { width, height, features } = Picture::read(path, shape)?;
    let square = if width == height { "averaged" } else { "its centre square averaged" };
    let grey = if colour { "" } else { " in grey" };
    let remark = match (width, height) {
        size if size == (side, side) => String::new(),
        _ => format!(" ({width} x {height}, {square} to {side} x {side}{grey})"),
    };
    Ok(Image { name: path.display().to_string(), remark, truth: None, features: Features::Bytes(features) })
}

/// The pictures in a folder, of which there must be one.
fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let pictures = folder::pictures_in(folder)?;
    if pictures.is_empty() {
        let extensions = list(EXTENSIONS.map(|extension| format!(".{extension}")), "or");
        return Err(Error::format(folder, format_args!("a folder with {extensions} files"), "none of them"));
    }
    Ok(pictures)
}

/// The file and the first and last number of `FILE:N` or `FILE:N-M`; none for any other path, or a file of
/// that very name.
fn numbered(argument: &Path) -> Option<(&Path, usize, usize)> {
    let (file, numbers) = argument.to_str().filter(|_| !argument.exists())?.rsplit_once(':')?;
    let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
    Some((Path::new(file), first.parse().ok()?, last.parse().ok()?))
}

/// Images of a data file.
struct Records {
    file: ImageFile,
    numbers: RangeInclusive<usize>,
    /// The names of the labels; none where there are no labels.
    classes: Option<Vec<String>>,
}

impl Records {
    /// The images of these numbers, or all, of a file in the format of its folder. Of CIFAR-100's labels those count of
    /// which there are as many as the model has classes. Arrays may be without labels.
    fn open(path: &Path, numbers: Option<RangeInclusive<usize>>, model: &Model) -> Result<Self> {
        let (folder, count) = (folder_of(path), model.classes.len());
        let labels = Labels::ALL.into_iter().find(|labels| labels.classes() == count).unwrap_or_default();
        let is_array = array_file::is_array(path);
        let (file, classes) = if is_array && !array_file::has_labels(path) {
            (array_file::open_unlabelled(path)?, None)
        } else {
            let format = match is_array {
                true => Format::Arrays,
                false if folder.is_dir() => Format::of_folder(folder)?.unwrap_or_default(),
                false => Format::default(),
            };
            let official = layout::CLASSES.map(String::from).to_vec();
            let (classes, values) = match format.class_names(folder, labels)? {
                Some(names) => (names, ClassValues::numbers(count)),
                None if format == Format::Cifar10Binary && count == official.len() => {
                    (official, ClassValues::numbers(count))
                }
                None => (model.classes.clone(), ClassValues::of_names(&model.classes)),
            };
            let reading = Reading { labels, names: classes, values, shape: Shape::CIFAR };
            let file = format.open(path, &reading)?;
            let classes = reading.names;
            if classes.len() != count {
                let expected = format!("images of {count} classes, as the model has");
                return Err(Error::format(path, expected, classes.len()));
            }
            file.check_labels(count)?;
            (file, Some(classes))
        };
        let numbers = numbers.unwrap_or(0..=file.len() - 1);
        if numbers.is_empty() || *numbers.end() >= file.len() {
            let expected = format!("record numbers from 0 to {}", file.len() - 1);
            let found = format!("{} to {}", numbers.start(), numbers.end());
            return Err(Error::format(path, expected, found));
        }
        Ok(Self { file, numbers, classes })
    }

    fn image(&self, path: &Path, number: usize) -> Image {
        let Sample { image, label, .. } = self.file.samples().sample(number);
        Image {
            name: format!("{}:{number}", path.display()),
            remark: String::new(),
            truth: self.classes.as_ref().map(|classes| classes[usize::from(label)].clone()),
            features: image.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_named_by_number_and_range() {
        let parts = |argument: &'static str| numbered(Path::new(argument));
        assert_eq!(parts("a.bin:7"), Some((Path::new("a.bin"), 7, 7)));
        assert_eq!(parts("C:/a.bin:0-9"), Some((Path::new("C:/a.bin"), 0, 9)));
        assert_eq!([parts("a.bin"), parts("a.bin:x"), parts("a.bin:1-")], [None; 3]);
    }
}
