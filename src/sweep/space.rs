//! The settings that a sweep tries: every combination of lists, or points drawn at random from them.

use std::collections::{BTreeMap, HashSet};

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::list::{self, Item};
use crate::error::{Error, Result};
use crate::train::{Setting, Settings};

/// More settings than these are a mistake.
const MOST: usize = 100_000;

/// What tells the points drawn from a seed from the weights and orders drawn from it.
const DRAWS: u64 = 0x5357_4545_5053;

/// Lists of values as people type them, by the name of the setting.
pub type Lists = BTreeMap<String, Vec<String>>;

/// A list of values for every setting.
#[derive(Clone, Debug)]
pub struct Space {
    /// In the order of the table of settings.
    axes: Vec<Axis>,
    /// The points to be drawn; none for every combination.
    random: Option<usize>,
}

/// The values of a setting.
#[derive(Clone, Debug)]
struct Axis {
    row: &'static Setting,
    items: Vec<Item>,
    /// The lists, as they were typed.
    lists: Vec<String>,
}

impl Space {
    /// The space of `base`, with the settings that `lists` names taking the values of their lists: `a,b,c`, or `lo..hi:n`, n
    /// points evenly in their logarithms. Where `random` points are drawn, also `lo..hi`: any value between.
    ///
    /// # Errors
    /// A list that is none, a range that is not drawn from, or too many combinations.
    ///
    /// # Panics
    /// If there is no setting of a name.
    pub fn new(base: &Settings, lists: &[(&str, String)], random: Option<usize>) -> Result<Self> {
        let axis = |row: &'static Setting| {
            let given = lists.iter().filter(|(name, _)| *name == row.name).map(|(_, text)| text.clone());
            let mut lists: Vec<String> = given.collect();
            if lists.is_empty() {
                lists.push(base.get(row.name));
            }
            let items = lists.iter().map(|list| list::parse(row, list)).collect::<Result<Vec<_>>>()?.concat();
            Ok(Axis { row, items, lists })
        };
        let unknown = lists.iter().find(|(name, _)| Settings::TABLE.iter().all(|row| row.name != *name));
        assert!(unknown.is_none(), "no setting {unknown:?}");
        let space = Self { axes: Settings::TABLE.iter().map(axis).collect::<Result<_>>()?, random };
        space.check()?;
        Ok(space)
    }

    fn check(&self) -> Result<()> {
        let mut combinations = 1_usize;
        for Axis { row, items, lists } in &self.axes {
            if self.random.is_none() && items.iter().any(|item| matches!(item, Item::Range(..))) {
                let expected = "LO..HI:N, as every combination is tried: N points evenly in their logarithms";
                return Err(Error::setting(row.name, expected, lists.join(",")));
            }
            combinations = combinations.saturating_mul(items.len());
            if self.random.is_none() && combinations > MOST {
                let expected = format!("lists with at most {MOST} combinations");
                return Err(Error::setting(row.name, expected, format_args!("the list {}", lists.join(","))));
            }
        }
        match self.random {
            Some(points) if !(1..=MOST).contains(&points) => {
                Err(Error::setting("random", format!("1 to {MOST} points"), points))
            }
            _ => Ok(()),
        }
    }

    /// The lists that were given, or the value of `base`, by the name of the setting.
    pub fn lists(&self) -> Lists {
        self.axes.iter().map(|axis| (axis.row.name.to_string(), axis.lists.clone())).collect()
    }

    /// The space that has these lists, with `random` points drawn from it.
    ///
    /// # Errors
    /// As [`Space::new`].
    pub fn of(lists: &Lists, random: Option<usize>) -> Result<Self> {
        let named = |row: &'static Setting| {
            let lists = lists.get(row.name).map_or(&[][..], Vec::as_slice);
            lists.iter().map(|list| (row.name, list.clone())).collect::<Vec<_>>()
        };
        let lists: Vec<(&str, String)> = Settings::TABLE.iter().flat_map(named).collect();
        Self::new(&Settings::default(), &lists, random)
    }

    /// The number of points to be drawn; none where every combination is tried.
    pub fn random(&self) -> Option<usize> {
        self.random
    }

    /// The settings, each once: the combinations with the last setting of the table changing first, or the points in the
    /// order in which they are drawn from the seed. The first points are the same however many are drawn.
    pub fn settings(&self) -> Vec<Settings> {
        let mut seen = HashSet::new();
        let points = match self.random {
            Some(points) => self.drawn(points),
            None => self.combinations(),
        };
        let new = |settings: &Settings| seen.insert(super::id(settings));
        points.into_iter().filter(new).collect()
    }

    fn combinations(&self) -> Vec<Settings> {
        let mut all = vec![Settings::default()];
        for Axis { row, items, .. } in &self.axes {
            let with = |settings: &Settings, item: &Item| {
                let Item::Value(value) = item else { unreachable!("a range, refused by check") };
                set(settings.clone(), row, value)
            };
            all = all.iter().flat_map(|settings| items.iter().map(|item| with(settings, item))).collect();
        }
        all
    }

    fn drawn(&self, points: usize) -> Vec<Settings> {
        let seed =
            self.axes.iter().find(|axis| axis.row.name == "seed").and_then(|axis| match &axis.items[0] {
                Item::Value(value) => value.parse::<u64>().ok(),
                Item::Range(..) => None,
            });
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed.unwrap_or(0) ^ DRAWS);
        // In the unit interval, with all 53 bits of a double.
        let mut share = move || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let mut point = || {
            self.axes.iter().fold(Settings::default(), |settings, Axis { row, items, .. }| {
                let item = match items.len() {
                    1 => &items[0],
                    count => &items[(share() * count as f64) as usize],
                };
                match item {
                    Item::Value(value) => set(settings, row, value),
                    Item::Range(low, high) => {
                        let value = list::between(row, *low, *high, share());
                        set(settings, row, &value.expect("a value between two"))
                    }
                }
            })
        };
        (0..points).map(|_| point()).collect()
    }
}

fn set(mut settings: Settings, row: &Setting, value: &str) -> Settings {
    settings.set(row.name, value).expect("a value that was read before");
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(lists: &[(&str, &str)], random: Option<usize>) -> Result<Space> {
        let lists: Vec<(&str, String)> = lists.iter().map(|(name, text)| (*name, text.to_string())).collect();
        Space::new(&Settings::default(), &lists, random)
    }

    fn values(lists: &[(&str, &str)], random: Option<usize>) -> Vec<(f64, f64)> {
        let settings = space(lists, random).unwrap().settings();
        settings.iter().map(|settings| (settings.eta, settings.lambda)).collect()
    }

    #[test]
    fn every_combination_is_tried_once() {
        let found = values(&[("lambda", "0,1"), ("eta", "0.5,0.25,0.5")], None);
        assert_eq!(found, [(0.5, 0.0), (0.5, 1.0), (0.25, 0.0), (0.25, 1.0)]);
        assert_eq!(space(&[], None).unwrap().settings(), [Settings::default()]);
    }

    #[test]
    fn points_are_drawn_from_lists_and_ranges_and_the_first_ones_stay() {
        let lists = [("eta", "1e-4..1e-1"), ("lambda", "0,0.1,1")];
        let many = values(&lists, Some(200));
        assert_eq!(many[..20], values(&lists, Some(20)));
        assert!(many.iter().all(|(eta, _)| (1e-4..=1e-1).contains(eta)));
        // Evenly in the logarithm: a third of them below each inner decade.
        for bound in [1e-3, 1e-2] {
            let below = many.iter().filter(|(eta, _)| *eta < bound).count() as f64 / many.len() as f64;
            assert!((below - (bound.log10() + 4.0) / 3.0).abs() < 0.1, "{below} below {bound}");
        }
        for value in [0.0, 0.1, 1.0] {
            assert!(many.iter().filter(|(_, lambda)| *lambda == value).count() > 40);
        }
        let others = values(&[lists[0], lists[1], ("seed", "1")], Some(200));
        assert_ne!(many, others);
        assert_eq!(values(&[("lambda", "0,1")], Some(50)).len(), 2, "no point twice");
    }

    #[test]
    fn what_cannot_be_tried_is_told() {
        let message = |lists: &[(&str, &str)], random| space(lists, random).unwrap_err().to_string();
        assert!(message(&[("eta", "0.1..1")], None).contains("eta: expected LO..HI:N"));
        let lists = [("eta", "1..9:1000"), ("lambda", "1..9:1000")];
        assert!(message(&lists, None).contains("lambda: expected lists with at most 100000 combinations"));
        assert!(message(&[], Some(0)).starts_with("random: expected 1 to 100000 points, found 0"));
    }
}
