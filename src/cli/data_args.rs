//! The options that choose the data.

use std::env;
use std::path::{self, Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::console;
use crate::data::layout;
use crate::data::{Dataset, Draw, Excerpt, Labels, Origin, Part, Source, SplitFiles, Validation};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::picture::Shape;

/// The seed of the built-in synthetic data set.
const SYNTHETIC_SEED: u64 = 0;

/// The data set, and which of its files make which split.
#[derive(Args)]
#[command(next_help_heading = "Data")]
pub(super) struct DataArgs {
    /// Folder of the data set: CIFAR-10 or CIFAR-100 in the binary or the Python version, NumPy arrays (.npy, .npz),
    /// MNIST's files, or folders of pictures, one a class; or an .npz file [default: the environment's ONELAYER_DATA,
    /// else data/cifar-10-batches-bin or data/cifar-10-batches-py if that folder exists, else the built-in synthetic
    /// data set]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Training files in the data folder, separated by commas [default: the usual one of the format]
    #[arg(long, value_name = "FILES", value_delimiter = ',')]
    train_files: Option<Vec<String>>,
    /// Validation files in the data folder, separated by commas [default: the usual one of the format; without one,
    /// the last fifth of the training images is held out]
    #[arg(long, value_name = "FILES", value_delimiter = ',')]
    validation_files: Option<Vec<String>>,
    /// Hold out the last N training images for validation
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with = "validation_files")]
    validation_images: Option<usize>,
    /// Hold out this share of the training images, drawn at random, for validation: 0.2 is a fifth
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true,
        conflicts_with_all = ["validation_files", "validation_images"])]
    validation_split: Option<f64>,
    /// Draw the share of the images of each class
    #[arg(long, requires = "validation_split")]
    stratify: bool,
    /// Seed of the draw: the same seed holds out the same images, whatever is trained [default: 0]
    #[arg(long, value_name = "N", requires = "validation_split", allow_negative_numbers = true)]
    split_seed: Option<u64>,
    /// Test files in the data folder, separated by commas [default: the usual one of the format]
    #[arg(long, value_name = "FILES", value_delimiter = ',')]
    test_files: Option<Vec<String>>,
    /// Which labels of CIFAR-100 to use: 100 fine classes or 20 coarse ones [default: fine]
    #[arg(long, value_parser = labels_parser())]
    labels: Option<Labels>,
    /// Size of the images that folders of pictures become: 32x32 in colour, 28x28x1 in grey [default: 32x32, or the
    /// model's]
    #[arg(long, value_name = "WxH")]
    size: Option<Shape>,
    /// What was chosen before, of what these options leave open.
    #[arg(skip)]
    remembered: Option<Origin>,
}

impl DataArgs {
    /// Opens, maps and checks the data.
    pub(super) fn open(&self) -> Result<Dataset> {
        let dataset = Dataset::open(&self.source(), &self.files())?;
        console::check_stdout()?;
        Ok(dataset)
    }

    /// The same, of one split alone. What names no classes has those of `model`.
    pub(super) fn open_part(&self, part: Part, model: &Model) -> Result<Excerpt> {
        let files = self.files();
        let size = files.size.or(Shape::of(model.parameters.features));
        let files = SplitFiles { size, ..files };
        let excerpt = Excerpt::open(&self.source(), &files, part, Some(&model.classes))?;
        console::check_stdout()?;
        Ok(excerpt)
    }

    /// Where these options leave it open, trains on all training files of CIFAR-10 that are there, but for the last `count`
    /// images.
    pub(super) fn hold_out_of_all(&mut self, count: usize) {
        let open = self.validation_files.is_none() && self.validation_split.is_none();
        if open && self.train_files.is_none() {
            let names = |ending: &str| (1..=5).map(|n| format!("data_batch_{n}{ending}")).collect::<Vec<_>>();
            let source = self.source();
            let there = |names: Vec<String>| names.into_iter().filter(|name| source.has(name)).collect();
            let found: [Vec<String>; 2] = [names(".bin"), names("")].map(there);
            self.train_files = found.into_iter().find(|names| !names.is_empty());
        }
        if open && self.train_files.is_some() && self.validation_images.is_none() {
            self.validation_images = Some(count);
        }
    }

    /// Leaves what these options do not say as it was in `origin`.
    ///
    /// # Errors
    /// A folder that is not there any more.
    pub(super) fn remember(&mut self, origin: &Origin) -> Result<()> {
        if let (None, Source::Folder(folder)) = (&self.data, &origin.source)
            && !folder.is_dir()
        {
            let expected = "the folder of the data that the run was trained on (--data says where it is now)";
            return Err(Error::format(folder, expected, "no such folder"));
        }
        self.remembered = Some(origin.clone());
        Ok(())
    }

    /// The data that these options choose, for whoever remembers them elsewhere.
    pub(super) fn origin(&self) -> Origin {
        let source = match self.source() {
            // Of a working folder that is gone, what there is.
            Source::Folder(folder) => Source::Folder(path::absolute(&folder).unwrap_or(folder)),
            source => source,
        };
        Origin { source, files: self.files() }
    }

    fn files(&self) -> SplitFiles {
        let remembered = self.remembered.clone().map(|origin| origin.files).unwrap_or_default();
        let (stratify, seed) = (self.stratify, self.split_seed.unwrap_or(0));
        let validation = match (self.validation_images, self.validation_split) {
            (Some(images), _) => Some(Validation::Images(images)),
            (None, Some(share)) => Some(Validation::Drawn(Draw { share, seed, stratify })),
            (None, None) => self.validation_files.clone().map(Validation::Files),
        };
        SplitFiles {
            train: self.train_files.clone().or(remembered.train),
            validation: validation.or(remembered.validation),
            test: self.test_files.clone().or(remembered.test),
            labels: self.labels.unwrap_or(remembered.labels),
            size: self.size.or(remembered.size),
        }
    }

    /// The same, of another folder.
    pub(super) fn within(self, folder: &Path) -> Self {
        Self { data: Some(folder.to_path_buf()), ..self }
    }

    /// The options that choose among the data, where they are not the default, each with its value; a switch has none.
    pub(super) fn choices(&self) -> Vec<(&'static str, Option<String>)> {
        let SplitFiles { train, validation, test, labels, size } = self.files();
        let list = |names: Vec<String>| Some(names.join(","));
        let mut choices = Vec::new();
        choices.extend(train.map(|names| ("--train-files", list(names))));
        match validation {
            Some(Validation::Files(names)) => choices.push(("--validation-files", list(names))),
            Some(Validation::Images(images)) => {
                choices.push(("--validation-images", Some(images.to_string())));
            }
            Some(Validation::Drawn(Draw { share, seed, stratify })) => {
                choices.push(("--validation-split", Some(share.to_string())));
                choices.push(("--split-seed", Some(seed.to_string())));
                choices.extend(stratify.then_some(("--stratify", None)));
            }
            None => {}
        }
        choices.extend(test.map(|names| ("--test-files", list(names))));
        choices.extend((labels != Labels::default()).then(|| ("--labels", Some(labels.name().into()))));
        choices.extend(size.map(|size| ("--size", Some(size.to_string()))));
        choices
    }

    fn source(&self) -> Source {
        // A variable that is empty is as good as none.
        let named = || env::var_os("ONELAYER_DATA").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let standard = [layout::FOLDER, layout::PYTHON_FOLDER].map(|folder| Path::new("data").join(folder));
        let found = || standard.into_iter().find(|folder| folder.is_dir());
        match (&self.data, &self.remembered) {
            (Some(folder), _) => Source::Folder(folder.clone()),
            (None, Some(origin)) => origin.source.clone(),
            (None, None) => named().or_else(found).map_or(Source::Synthetic(SYNTHETIC_SEED), Source::Folder),
        }
    }
}

fn labels_parser() -> impl TypedValueParser<Value = Labels> {
    let names = PossibleValuesParser::new(Labels::ALL.map(Labels::name));
    names.map(|name| Labels::from_name(&name).expect("a possible value"))
}
