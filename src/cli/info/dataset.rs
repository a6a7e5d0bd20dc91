//! What a data set is: its splits, their files and how many images each class has.

use std::path::PathBuf;

use rayon::prelude::*;
use serde::Serialize;

use super::super::text;
use super::super::warnings::warnings;
use super::pixels::Pixels;
use crate::data::image_file::Bytes;
use crate::data::layout::{CHANNELS, FEATURES, OFFICIAL_SHA256, SIDE};
use crate::data::{Dataset, Split};
use crate::error::one_line;
use crate::model::Standardization;
use crate::report::{Table, count, fixed};

/// So many classes are listed of more.
const LISTED: usize = 100;

/// A data set, measured.
#[derive(Serialize)]
pub(super) struct DatasetInfo {
    name: &'static str,
    #[serde(serialize_with = "crate::files::path_text::optional")]
    path: Option<PathBuf>,
    format: &'static str,
    classes: Vec<String>,
    features: usize,
    /// Of the training split.
    pixels: Pixels,
    train: SplitInfo,
    validation: SplitInfo,
    test: SplitInfo,
    /// The lines that training begins with: what the data is, and what is strange about it.
    #[serde(skip)]
    heading: String,
}

#[derive(Serialize)]
struct SplitInfo {
    images: usize,
    per_class: Vec<usize>,
    files: Vec<FileInfo>,
}

#[derive(Serialize)]
struct FileInfo {
    name: String,
    bytes: usize,
    /// Those of the split.
    images: usize,
    sha256: String,
    /// Whether it is the official file; null where no checksum of one is known.
    official: Option<bool>,
}

impl DatasetInfo {
    pub(super) fn new(dataset: &Dataset) -> Self {
        let split = |split| SplitInfo::new(split, dataset.classes.len());
        let train = dataset.train.samples();
        let standardization = Standardization::measure(&train);
        Self {
            name: dataset.name,
            path: dataset.path.clone(),
            format: dataset.format.name(),
            classes: dataset.classes.clone(),
            features: train.features(),
            pixels: Pixels::new(&standardization),
            train: split(&dataset.train),
            validation: split(&dataset.validation),
            test: split(&dataset.test),
            heading: text::dataset(dataset) + &warnings(dataset) + &text::constant_pixels(&standardization),
        }
    }

    pub(super) fn text(&self) -> String {
        let pixels = match self.features {
            FEATURES => format!("{SIDE} x {SIDE} pixels in {CHANNELS} colours: "),
            _ => String::new(),
        };
        format!(
            "{}format    {}\nimages    {pixels}{} features, {} classes\n{}\n{}\n{}",
            self.heading,
            self.format,
            count(self.features),
            self.classes.len(),
            self.pixels.text(|number| fixed(*number, 3)),
            text::table(&self.files()),
            text::table(&self.per_class())
        )
    }

    fn splits(&self) -> [(&'static str, &SplitInfo); 3] {
        [("training", &self.train), ("validation", &self.validation), ("test", &self.test)]
    }

    fn files(&self) -> Table {
        let mut table = Table::new(["file", "split", "images", "bytes", "SHA-256", "official"]);
        for (name, split) in self.splits() {
            for file in &split.files {
                let official = match file.official {
                    Some(true) => "yes",
                    Some(false) => "no",
                    None => "",
                };
                let (images, bytes) = (count(file.images), count(file.bytes));
                let cells = [&one_line(&file.name), name, &images, &bytes, &file.sha256, official];
                table.rows.push(cells.map(String::from).to_vec());
            }
        }
        table
    }

    fn per_class(&self) -> Table {
        let mut table = Table::new(["images of class", "training", "validation", "test"]);
        for (class, name) in self.classes.iter().enumerate().take(LISTED) {
            let counts = self.splits().map(|(_, split)| count(split.per_class[class]));
            table.rows.push([vec![name.clone()], counts.to_vec()].concat());
        }
        if let Some(more @ 1..) = self.classes.len().checked_sub(LISTED) {
            let cells =
                [format!("and {} more classes", count(more)), String::new(), String::new(), String::new()];
            table.rows.push(cells.to_vec());
        }
        table
    }
}

impl SplitInfo {
    fn new(split: &Split, classes: usize) -> Self {
        let samples = split.samples();
        let mut per_class = vec![0; classes];
        (0..samples.len()).for_each(|image| per_class[usize::from(samples.label(image))] += 1);
        let files: Vec<(&Bytes, usize)> =
            split.files().flat_map(|(file, images)| file.files().map(move |file| (file, images))).collect();
        let files = files.into_par_iter().map(|(file, images)| FileInfo::new(file, images)).collect();
        Self { images: samples.len(), per_class, files }
    }
}

impl FileInfo {
    fn new(file: &Bytes, images: usize) -> Self {
        let name = file.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sha256 = file.sha256();
        let official =
            OFFICIAL_SHA256.iter().find(|(known, _)| *known == name).map(|(_, sum)| *sum == sha256);
        Self { name, bytes: file.bytes().len(), images, sha256, official }
    }
}
