//! What classes weigh in the loss, as people say it.

use std::fmt;
use std::str::FromStr;

use crate::samples::Samples;

/// The weights of the classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ClassWeights {
    /// Every class weighs 1.
    #[default]
    Equal,
    /// `N / (K N_class)` of the training samples: all classes together weigh as much as each other.
    Balanced,
    /// `[K]`
    Listed(Vec<f32>),
}

impl ClassWeights {
    /// `[K]`, for training on `samples`; empty where every class weighs 1. A class without a sample weighs 0.
    pub fn of(&self, samples: &Samples, classes: usize) -> Vec<f32> {
        match self {
            Self::Equal => Vec::new(),
            Self::Listed(weights) => weights.clone(),
            Self::Balanced => {
                let mut counts = vec![0u64; classes];
                (0..samples.len()).for_each(|index| counts[usize::from(samples.label(index))] += 1);
                let all = samples.len() as f64;
                let weight = |&count: &u64| match count {
                    0 => 0.0,
                    count => (all / (classes as f64 * count as f64)) as f32,
                };
                counts.iter().map(weight).collect()
            }
        }
    }
}

impl fmt::Display for ClassWeights {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Equal => f.write_str("equal"),
            Self::Balanced => f.write_str("balanced"),
            Self::Listed(weights) => {
                let weights: Vec<String> = weights.iter().map(f32::to_string).collect();
                f.write_str(&weights.join(","))
            }
        }
    }
}

impl FromStr for ClassWeights {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let weight = |text: &str| {
            text.parse().ok().filter(|weight: &f32| weight.is_finite() && *weight >= 0.0).ok_or(())
        };
        match text {
            "equal" => Ok(Self::Equal),
            "balanced" => Ok(Self::Balanced),
            list => list.split(',').map(weight).collect::<Result<_, _>>().map(Self::Listed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Rows;

    #[test]
    fn balanced_classes_weigh_the_same_in_sum() {
        let labels = [0, 2, 2, 0, 0, 0, 2, 0];
        let samples = Samples::new(Rows::contiguous(&labels, 1), Rows::contiguous(&labels, 1));
        let weights = ClassWeights::Balanced.of(&samples, 3);
        assert_eq!(weights, [8.0 / 15.0, 0.0, 8.0 / 9.0]);
    }
}
