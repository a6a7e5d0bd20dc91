//! Which runs are trained side by side, and by whom: groups of runs, shared out to teams that never wait for each other.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::settings::{Run, Settings};
use crate::engine::{Crew, Team};
use crate::error::Result;
use crate::machine::Caches;

/// More columns than these make no pass faster: from 40 on, training and evaluation are within 3 % of their best, whatever
/// the features, the classes and the batch (one core, Zen 4, both fused engines).
const COLUMNS: usize = 100;

/// How many runs of K `classes` and D `features` a thread trains side by side: as many as have their weights in the second
/// cache of its core, up to the columns that pay. At three times that cache, training is a tenth slower.
pub fn side_by_side(features: usize, classes: usize, caches: &Caches) -> usize {
    let run = size_of::<f32>() * features * classes;
    (caches.l2 / run).min(COLUMNS / classes).max(1)
}

/// Puts `runs` into groups for `threads` threads: runs that have all common settings, at most `most(settings)` in a group.
/// Where there are runs enough, the groups are a multiple of the threads, and those of the same settings differ in size by
/// at most one run. The largest come first. Each is a list of places in `runs`, in order.
pub fn groups(runs: &[Run], most: impl Fn(&Settings) -> usize, threads: usize) -> Vec<Vec<usize>> {
    let mut alike: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
    for (index, run) in runs.iter().enumerate() {
        alike.entry(run.settings.common()).or_default().push(index);
    }
    let class = |alike: Vec<usize>| Class {
        parts: alike.len().div_ceil(most(&runs[alike[0]].settings)),
        runs: alike,
    };
    let mut classes: Vec<Class> = alike.into_values().map(class).collect();
    let count: usize = classes.iter().map(|class| class.parts).sum();
    for _ in count..count.next_multiple_of(threads).min(runs.len()) {
        // The first of those with the largest groups.
        let largest = classes.iter_mut().rev().max_by_key(|class| class.runs.len().div_ceil(class.parts));
        largest.expect("a run is in a class").parts += 1;
    }
    let mut groups: Vec<Vec<usize>> = classes.iter().flat_map(Class::groups).collect();
    groups.sort_by_key(|group| Reverse(group.len() * runs[group[0]].settings.length()));
    groups
}

/// Runs that have all common settings, and the number of groups that they are put into.
struct Class {
    runs: Vec<usize>,
    parts: usize,
}

impl Class {
    fn groups(&self) -> impl Iterator<Item = Vec<usize>> {
        let bound = |part: usize| self.runs.len() * part / self.parts;
        (0..self.parts).map(move |part| self.runs[bound(part)..bound(part + 1)].to_vec())
    }
}

/// Calls `work` for each of `groups`, in order, with whichever team has nothing to do; with all teams at the same time.
/// The results are in the order of the groups.
///
/// # Errors
/// The first error of `work`; groups that were not begun by then are not begun any more.
pub fn share_out<G: Send, R: Send>(
    crew: &Crew,
    groups: Vec<G>,
    work: impl Fn(G, &Team) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let queue = Mutex::new(groups.into_iter().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let rest = || while next().is_some() {};
    let team = |_, team: &Team| {
        let mut found = Vec::new();
        while let Some((place, group)) = next() {
            found.push((place, work(group, team).inspect_err(|_| rest())?));
        }
        Ok(found)
    };
    let found: Vec<Vec<(usize, R)>> = crew.work(team)?.into_iter().collect::<Result<_>>()?;
    let found: BTreeMap<usize, R> = found.into_iter().flatten().collect();
    Ok(found.into_values().collect())
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn runs(batches: &[usize]) -> Vec<Run> {
        let run = |&batch: &usize| Run::single(Settings { batch, ..Settings::default() }).remove(0);
        batches.iter().map(run).collect()
    }

    fn sizes(runs: &[Run], most: usize, threads: usize) -> Vec<usize> {
        groups(runs, |_| most, threads).iter().map(Vec::len).collect()
    }

    #[test]
    fn columns_are_what_the_second_cache_holds_and_no_more_than_pay() {
        let caches = Caches { l1: 32 << 10, l2: 1 << 20, l3: 32 << 20 };
        let found = [(3072, 10), (384, 10), (3072, 100), (3072, 256), (16, 2)]
            .map(|(d, k)| side_by_side(d, k, &caches));
        assert_eq!(found, [8, 10, 1, 1, 50]);
    }

    #[test]
    fn groups_are_even_and_a_multiple_of_the_threads() {
        let same = runs(&[100; 100]);
        assert_eq!(sizes(&same, 8, 1), [[8; 9].as_slice(), &[7; 4]].concat());
        assert_eq!(sizes(&same, 8, 2), [[8; 2].as_slice(), &[7; 12]].concat());
        assert_eq!(sizes(&same[..4], 8, 2), [2, 2], "the lab's runs on two threads");
        assert_eq!(sizes(&same[..3], 8, 16), [1; 3], "fewer runs than threads");
        assert_eq!(sizes(&[], 8, 2), [0; 0]);
    }

    #[test]
    fn only_runs_with_all_common_settings_are_side_by_side() {
        let mixed = runs(&[50, 100, 50, 100, 50]);
        assert_eq!(groups(&mixed, |_| 8, 1), [vec![0, 2, 4], vec![1, 3]]);
        assert_eq!(groups(&mixed, |_| 8, 3), [vec![1, 3], vec![2, 4], vec![0]]);
        assert_eq!(groups(&mixed, |_| 1, 2).len(), 5);
    }

    #[test]
    fn every_group_is_worked_on_once_and_an_error_ends_the_rest() {
        let crew = Crew::new(NonZeroUsize::new(2).unwrap(), NonZeroUsize::new(2).unwrap()).unwrap();
        let twice = share_out(&crew, (0..50).collect(), |group: usize, _| Ok(2 * group)).unwrap();
        assert!(twice.into_iter().eq((0..50).map(|group| 2 * group)));
        let begun = Mutex::new(Vec::new());
        let fails = |group: usize, _: &Team| {
            begun.lock().unwrap().push(group);
            if group == 3 { Err(crate::Error::setting("eta", "a group that works", group)) } else { Ok(()) }
        };
        assert!(share_out(&crew, (0..1000).collect(), fails).unwrap_err().to_string().contains("found 3"));
        assert!(begun.lock().unwrap().len() < 1000);
    }
}
