//! The choice of the files that make the training, validation and test splits.

use serde::{Deserialize, Serialize};

use super::draw::Draw;
use super::labels::Labels;
use crate::picture::Shape;

/// Which files of a data folder make which split, and which labels are used. A file is given by its name in the folder.
///
/// The default is that of the folder's format. For CIFAR-10 this is the lab's split: `data_batch_1` for training,
/// `data_batch_2` for validation, `test_batch` for testing. Where the format has no validation file, or it is used for
/// training, the last fifth of the training images is held out for validation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SplitFiles {
    /// The training files; none, or an empty list, for those of the format.
    pub train: Option<Vec<String>>,
    /// The validation images; none for those of the format.
    pub validation: Option<Validation>,
    /// The test files; none, or an empty list, for those of the format.
    pub test: Option<Vec<String>>,
    /// Which of CIFAR-100's two labels is used.
    pub labels: Labels,
    /// The shape that pictures get; none for that of CIFAR's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Shape>,
}

impl SplitFiles {
    /// Whether nothing was chosen.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Where the validation images come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validation {
    /// Separate files.
    Files(Vec<String>),
    /// The last images of the training files, this many, which are then held out from training.
    Images(usize),
    /// Images of the training files, drawn at random, which are then held out from training.
    Drawn(Draw),
}

/// One of the three splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The images that the model is trained on.
    Train,
    /// The images that it is evaluated on after each epoch.
    Validation,
    /// The images that it is evaluated on once, at the end.
    Test,
}

impl Part {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Its name.
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
