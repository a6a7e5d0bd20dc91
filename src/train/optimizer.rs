//! What finds the parameters.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An optimizer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// Mini-batch gradient descent, with momentum or without.
    #[default]
    Sgd,
    /// L-BFGS on all training images at once, which finds the optimum.
    Lbfgs,
}

impl Optimizer {
    /// Every optimizer.
    pub const ALL: [Self; 2] = [Self::Sgd, Self::Lbfgs];

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Lbfgs => "lbfgs",
        }
    }
}

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Optimizer {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|optimizer| optimizer.name() == name).ok_or(())
    }
}
