//! Folders of pictures, one folder a class, as torchvision's `ImageFolder` has them: `train/cat/1.png`, `test/dog/2.jpg`.
//! Where the classes are on one level, `cat/1.png`, a fifth of each is the test split, drawn by a fixed seed.
//!
//! Pictures are decoded into memory, each scaled to one size. Files on disk are sorted by class, and training visits images
//! in the order of the data, so the pictures come in an order that is drawn by a fixed seed.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::draw::Draw;
use super::image_file::{Batch, Bytes, ImageFile, Place};
use crate::error::{Error, Result};
use crate::picture::folder::{is_picture, pictures_in};
use crate::picture::{Picture, Shape};

/// The folder of the training split.
pub(super) const TRAIN: &str = "train";
/// The folder of the validation split: one of these.
pub(super) const VALIDATION: [&str; 2] = ["validation", "val"];
/// The folder of the test split.
pub(super) const TEST: &str = "test";
/// The pictures of classes on one level that test.
const TESTS: Draw = Draw { share: 0.2, seed: 0, stratify: true };

/// Whether the folders in `folder` have pictures: of classes, or of splits.
pub(super) fn is_data_set(folder: &Path) -> bool {
    let has_picture = |class: &PathBuf| {
        let files = fs::read_dir(class).into_iter().flatten().flatten();
        files.map(|entry| entry.path()).any(|path| is_picture(&path) && path.is_file())
    };
    let of = |folder: &Path| folders(folder).is_ok_and(|classes| classes.iter().any(has_picture));
    splits(folder).next().map_or_else(|| of(folder), |split| of(&split))
}

/// The folders of splits in `folder`: none where the classes are on one level.
fn splits(folder: &Path) -> impl Iterator<Item = PathBuf> {
    [TRAIN, TEST].map(|name| folder.join(name)).into_iter().filter(|split| split.is_dir())
}

/// Whether there are pictures of the split `path`: a folder of this name, or classes on one level.
pub(super) fn exists(path: &Path) -> bool {
    let [is_train, is_test] = [TRAIN, TEST].map(|name| path.file_name() == Some(OsStr::new(name)));
    let one_level = || path.parent().is_some_and(|folder| splits(folder).next().is_none());
    path.is_dir() || ((is_train || is_test) && one_level())
}

/// The names of the classes of the split `path`: those of its folders, sorted.
///
/// # Errors
/// A folder that cannot be read, or names that are not UTF-8.
pub(super) fn class_names(path: &Path) -> Result<Vec<String>> {
    let name = |class: PathBuf| {
        let name = class.file_name().and_then(OsStr::to_str).map(String::from);
        name.ok_or_else(|| Error::format(&class, "a name in UTF-8, as that of a class", "another"))
    };
    folders(root(path))?.into_iter().map(name).collect()
}

/// The pictures of the split `path`, each with this shape. `names` are those of the classes.
///
/// # Errors
/// A folder or picture that cannot be read; a folder that is no class; no picture.
pub(super) fn open(path: &Path, names: &[String], shape: Shape) -> Result<ImageFile> {
    let mut pictures: Vec<(PathBuf, u16)> = Vec::new();
    for (class, folder) in class_names(path)?.iter().zip(folders(root(path))?) {
        let Some(label) = names.iter().position(|name| name == class) else {
            return Err(Error::format(
                &folder,
                format_args!("a folder of one of the {} classes", names.len()),
                class,
            ));
        };
        pictures.extend(pictures_in(&folder)?.into_iter().map(|picture| (picture, label as u16)));
    }
    if root(path) != path {
        let labels: Vec<u16> = pictures.iter().map(|(_, label)| *label).collect();
        let tests = if labels.len() > 1 { TESTS.images(&labels) } else { Vec::new() };
        let is_test = path.file_name() == Some(OsStr::new(TEST));
        let mut number = 0..;
        pictures.retain(|_| tests.binary_search(&number.next().expect("no end")).is_ok() == is_test);
    }
    if pictures.is_empty() {
        return Err(Error::format(path, "a folder for each class, with pictures in it", "no picture"));
    }
    pictures.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(0));
    let read = |(picture, _): &(PathBuf, u16)| Ok(Picture::read(picture, shape)?.features);
    let pixels: Vec<Vec<u8>> = pictures.par_iter().map(read).collect::<Result<_>>()?;
    let labels: Vec<[u8; 2]> = pictures.iter().map(|(_, label)| label.to_le_bytes()).collect();
    let (count, features) = (pictures.len(), shape.size());
    let images = Place::File { offset: 0, stride: features };
    let batch = Batch { count, features, images, labels: Place::Copy(labels.into_flattened()) };
    Ok(ImageFile::new(Bytes::Owned(path.into(), pixels.concat()), None, batch))
}

/// The folder whose folders are the classes of the split `path`.
fn root(path: &Path) -> &Path {
    if path.is_dir() { path } else { path.parent().unwrap_or(path) }
}

/// The folders in `folder`, sorted, but for hidden ones.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = || Error::io(folder, "read the folder");
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable())? {
        let path = entry.map_err(unreadable())?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.is_dir() && !hidden {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}
