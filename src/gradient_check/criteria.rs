//! The lab report's two criteria, entry by entry.

use std::fmt;

/// How a gradient is checked. The defaults are reasoned in [the module's page](super).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// h, by which a parameter is moved up and down.
    pub step: f64,
    /// eps of Eq. 1: below this, `|g_a| + |g_n|` is too small for a relative error.
    pub epsilon: f64,
    /// What absolute and relative error may be at most.
    pub threshold: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { step: 3e-5, epsilon: 1e-3, threshold: 1e-6 }
    }
}

/// An entry of the gradient, by both accounts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// Which parameter.
    pub index: usize,
    /// g_a, the gradient under test.
    pub analytic: f64,
    /// g_n, what it is compared with.
    pub numerical: f64,
    /// The error, as the criterion measures it; infinite where a value is not a number.
    pub error: f64,
}

/// One criterion, applied to every entry that it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Criterion {
    /// What it measures.
    pub name: String,
    /// What the error may be at most.
    pub threshold: f64,
    /// The entries that it was applied to.
    pub checked: usize,
    /// Those whose error is above the threshold.
    pub failed: usize,
    /// The one with the largest error, the first of several; none where none was checked.
    pub worst: Option<Entry>,
}

impl Criterion {
    /// A criterion that has not been applied to anything.
    pub(super) fn new(name: impl Into<String>, threshold: f64) -> Self {
        Self { name: name.into(), threshold, checked: 0, failed: 0, worst: None }
    }

    /// Applies it to an entry.
    pub(super) fn count(&mut self, entry: Entry) {
        let error = if entry.error.is_nan() { f64::INFINITY } else { entry.error };
        self.checked += 1;
        self.failed += usize::from(error > self.threshold);
        if self.worst.is_none_or(|worst| error > worst.error) {
            self.worst = Some(Entry { error, ..entry });
        }
    }

    /// The largest error; 0 where nothing was checked.
    pub fn max_error(&self) -> f64 {
        self.worst.map_or(0.0, |worst| worst.error)
    }

    /// Whether no entry failed.
    pub fn passed(&self) -> bool {
        self.failed == 0
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// `|g_a - g_n|`, every entry.
    pub absolute: Criterion,
    /// Eq. 1: `|g_a - g_n| / max(eps, |g_a| + |g_n|)`, every entry.
    pub relative: Criterion,
    /// `|g_a - g_n|` of the entries with `|g_a| + |g_n| < eps`, for which Eq. 1 is an absolute error in disguise:
    /// they are held to `threshold * eps`.
    pub below_epsilon: Criterion,
}

impl Report {
    /// Whether every criterion holds.
    pub fn passed(&self) -> bool {
        self.criteria().iter().all(|criterion| criterion.passed())
    }

    /// The criteria.
    pub fn criteria(&self) -> [&Criterion; 3] {
        [&self.absolute, &self.relative, &self.below_epsilon]
    }
}

impl fmt::Display for Report {
    /// A line for each criterion.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { absolute, relative, below_epsilon } = self;
        write!(f, "{absolute}\n{relative}\n{below_epsilon}")
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { name, threshold, checked, failed, .. } = self;
        let verdict = if self.passed() { "passed" } else { "FAILED" };
        write!(f, "{verdict}  {name}: {failed} of {checked} entries above {threshold:.0e}")?;
        match self.worst {
            Some(Entry { index, analytic, numerical, error }) => {
                write!(f, "; largest {error:.1e}, parameter {index}: {analytic} against {numerical}")
            }
            None => Ok(()),
        }
    }
}

/// Applies the criteria to a gradient and the numbers that it is compared with.
///
/// # Panics
/// If the two differ in length.
pub fn compare(analytic: &[f64], numerical: &[f64], options: &Options) -> Report {
    assert_eq!(analytic.len(), numerical.len(), "entries of the two gradients");
    let entries = analytic.iter().zip(numerical).enumerate();
    compare_entries(entries.map(|(index, (&analytic, &numerical))| (index, analytic, numerical)), options)
}

/// Applies the criteria to some entries of a gradient: their indices, analytic and numerical values.
pub(super) fn compare_entries(entries: impl Iterator<Item = (usize, f64, f64)>, options: &Options) -> Report {
    let Options { epsilon, threshold, .. } = *options;
    let mut absolute = Criterion::new("absolute error", threshold);
    let mut relative = Criterion::new("relative error (Eq. 1)", threshold);
    let mut below_epsilon = Criterion::new("absolute error of entries below eps", threshold * epsilon);
    for (index, analytic, numerical) in entries {
        let difference = (analytic - numerical).abs();
        let size = analytic.abs() + numerical.abs();
        let entry = |error| Entry { index, analytic, numerical, error };
        absolute.count(entry(difference));
        relative.count(entry(difference / size.max(epsilon)));
        if size < epsilon {
            below_epsilon.count(entry(difference));
        }
    }
    Report { absolute, relative, below_epsilon }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_criterion_rejects_what_it_is_for() {
        let passed = |analytic: f64, numerical: f64| {
            compare(&[1.0, analytic], &[1.0, numerical], &Options::default()).criteria().map(|c| c.passed())
        };
        assert_eq!(passed(0.5, 0.5), [true, true, true]);
        assert_eq!(passed(100.0, 100.0 + 1e-5), [false, true, true], "relatively close");
        assert_eq!(passed(0.1, 0.1 + 5e-7), [true, false, true], "absolutely close");
        assert_eq!(passed(1e-9, 5e-9), [true, false, false], "too far apart for entries below eps");
        assert_eq!(passed(1e-10, 5e-10), [true, true, true], "close enough for them");
        assert_eq!(passed(1.0, -1.0), [false, false, true]);
    }

    #[test]
    fn what_is_not_a_number_fails() {
        for value in [f64::NAN, f64::INFINITY] {
            for (analytic, numerical) in [(value, 0.0), (0.0, value), (value, value)] {
                let report = compare(&[0.0, analytic], &[0.0, numerical], &Options::default());
                assert!(!report.absolute.passed() && !report.relative.passed());
                assert_eq!(report.absolute.worst.map(|worst| worst.index), Some(1));
            }
        }
    }
}
