//! CIFAR-100's two labels of each image.

use serde::{Deserialize, Serialize};

/// Which of CIFAR-100's two labels of an image is used. The one label of other data sets counts as fine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Labels {
    /// Its class, one of 100.
    #[default]
    Fine,
    /// The group of five classes that its class belongs to, one of 20.
    Coarse,
}

impl Labels {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Fine, Self::Coarse];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Coarse => "coarse",
        }
    }

    /// K: how many classes they make of CIFAR-100.
    pub fn classes(self) -> usize {
        match self {
            Self::Fine => 100,
            Self::Coarse => 20,
        }
    }

    /// The labels of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|labels| labels.name() == name)
    }
}
