//! Repetitions, their median, and how far they spread.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::Result;

/// How long to measure each thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// The time that all repetitions together may take. The least number of them is done even if that takes longer.
    pub each: Duration,
    /// The least and the largest number of repetitions.
    pub repetitions: (usize, usize),
}

/// The seconds that repetitions of one thing took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Half of the repetitions took less.
    pub median: f64,
    /// A quarter took less.
    pub lower: f64,
    /// A quarter took more.
    pub upper: f64,
    /// The fastest.
    pub least: f64,
    /// How many there were.
    pub repetitions: usize,
}

impl Timing {
    /// Sums up `seconds`.
    ///
    /// # Panics
    /// If there are none.
    pub fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        let quantile = |fraction: f64| {
            let position = fraction * (seconds.len() - 1) as f64;
            let (below, above) = (seconds[position.floor() as usize], seconds[position.ceil() as usize]);
            below + (above - below) * position.fract()
        };
        let (lower, median, upper) = (quantile(0.25), quantile(0.5), quantile(0.75));
        Self { median, lower, upper, least: seconds[0], repetitions: seconds.len() }
    }

    /// The distance of the quartiles, as a fraction of the median.
    pub fn spread(&self) -> f64 {
        (self.upper - self.lower) / self.median
    }

    /// The same for a part of what was timed.
    pub fn divided(self, parts: f64) -> Self {
        let Self { median, lower, upper, least, repetitions } = self;
        Self {
            median: median / parts,
            lower: lower / parts,
            upper: upper / parts,
            least: least / parts,
            repetitions,
        }
    }
}

impl Budget {
    /// Times repetitions of `work`. The first one warms up and does not count, unless it alone takes the whole budget.
    /// Fails with what `work` fails with.
    pub fn time(&self, mut work: impl FnMut() -> Result<()>) -> Result<Timing> {
        let begin = Instant::now();
        work()?;
        let first = begin.elapsed();
        let seconds = if first >= self.each { vec![first.as_secs_f64()] } else { Vec::new() };
        self.repeat(begin, seconds, || {
            let start = Instant::now();
            work()?;
            Ok(start.elapsed().as_secs_f64())
        })
    }

    /// Adds repetitions to `seconds`, each of which tells its own, until the time since `begin` is over.
    pub(super) fn repeat(
        &self,
        begin: Instant,
        mut seconds: Vec<f64>,
        mut repetition: impl FnMut() -> Result<f64>,
    ) -> Result<Timing> {
        let (least, most) = self.repetitions;
        while seconds.len() < least || (seconds.len() < most && begin.elapsed() < self.each) {
            seconds.push(repetition()?);
        }
        Ok(Timing::of(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_where_they_should() {
        let timing = Timing::of(vec![5.0, 1.0, 3.0, 2.0, 4.0]);
        assert_eq!((timing.least, timing.lower, timing.median, timing.upper), (1.0, 2.0, 3.0, 4.0));
        assert_eq!(timing.spread(), 2.0 / 3.0);
        assert_eq!(Timing::of(vec![1.0, 2.0]).median, 1.5);
        assert_eq!(timing.divided(2.0).median, 1.5);
    }

    #[test]
    fn the_least_number_is_done_whatever_it_takes_and_the_largest_is_never_passed() {
        let mut calls = 0;
        let budget = Budget { each: Duration::ZERO, repetitions: (3, 9) };
        let work = || {
            calls += 1;
            Ok(())
        };
        assert_eq!(budget.time(work).unwrap().repetitions, 3);
        assert_eq!(calls, 3, "the first takes the whole budget, so it counts");
        let budget = Budget { each: Duration::from_secs(600), ..budget };
        assert_eq!(budget.time(|| Ok(())).unwrap().repetitions, 9);
    }
}
