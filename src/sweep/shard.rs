//! A part of a sweep, for one of several machines.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Shard `index` of `count`. Which runs are in it depends on nothing but their settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Shard {
    index: u64,
    count: u64,
}

impl Shard {
    /// What [`Shard::from_str`] expects.
    pub const EXPECTED: &'static str = "I/N, shard I of N, counted from 1";

    /// Its number, counted from 1.
    pub fn index(self) -> u64 {
        self.index
    }

    /// How many there are.
    pub fn count(self) -> u64 {
        self.count
    }

    /// Every shard of that many.
    pub fn all(self) -> impl Iterator<Item = Self> {
        (1..=self.count).map(move |index| Self { index, ..self })
    }

    /// Whether the run `id` is in it.
    pub fn contains(self, id: &str) -> bool {
        let number = u64::from_str_radix(id, 16).expect("an id of sixteen hexadecimal digits");
        number % self.count == self.index - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((index, count)) if (1..=count).contains(&index) => Ok(Self { index, count }),
            _ => Err(Self::EXPECTED.into()),
        }
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl TryFrom<String> for Shard {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Settings;

    #[test]
    fn every_run_is_in_one_shard_and_no_shard_is_much_larger_than_another() {
        let ids: Vec<String> =
            (0..700).map(|seed| super::super::id(&Settings { seed, ..Settings::default() })).collect();
        for count in [1, 2, 3, 7] {
            let first: Shard = format!("1/{count}").parse().unwrap();
            let sizes: Vec<usize> =
                first.all().map(|shard| ids.iter().filter(|id| shard.contains(id)).count()).collect();
            assert_eq!(sizes.iter().sum::<usize>(), ids.len());
            let even = ids.len() / count;
            assert!(sizes.iter().all(|size| size.abs_diff(even) <= even / 3), "{sizes:?}");
        }
    }

    #[test]
    fn shards_are_counted_from_one() {
        assert_eq!("3/7".parse::<Shard>().unwrap().to_string(), "3/7");
        for text in ["0/3", "4/3", "1", "1/0", "a/2", "1/2/3", "-1/2", ""] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
