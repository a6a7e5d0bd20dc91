//! Two records, ratio by ratio: faster or slower only where it is outside the noise.

use serde::Serialize;

use super::record::{BenchRecord, Measurement};
use crate::roofline::Timing;

/// Medians that differ by less than this fraction are the same: two runs of one program differ so much.
const SAME: f64 = 0.02;

/// What can be said of two measurements of the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It now takes less time.
    Faster,
    /// It now takes more time.
    Slower,
    /// The difference may be noise.
    Same,
}

/// One thing, measured twice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The new measurement.
    pub now: Measurement,
    /// The seconds of the earlier one.
    pub before: Timing,
    /// The earlier median over the new one: above 1 is faster.
    pub speedup: f64,
    /// Which of it is more than noise.
    pub verdict: Verdict,
}

/// Compares what `now` and `before` have in common, in the order of `now`.
pub fn compare(now: &BenchRecord, before: &BenchRecord) -> Vec<Comparison> {
    let compared = |now: &Measurement| {
        let before = before.measurements.iter().find(|before| now.is_like(before))?.seconds;
        let speedup = before.median / now.seconds.median;
        Some(Comparison { now: now.clone(), before, speedup, verdict: verdict(&now.seconds, &before) })
    };
    now.measurements.iter().filter_map(compared).collect()
}

/// Faster or slower where the medians differ by more than a little, and the quartiles of the two lie apart.
fn verdict(now: &Timing, before: &Timing) -> Verdict {
    let ratio = now.median / before.median;
    if ratio < 1.0 - SAME && now.upper < before.lower {
        Verdict::Faster
    } else if ratio > 1.0 + SAME && now.lower > before.upper {
        Verdict::Slower
    } else {
        Verdict::Same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_needs_quartiles_that_lie_apart() {
        let timing = |lower, median, upper| Timing { median, lower, upper, least: lower, repetitions: 9 };
        let before = timing(0.98, 1.0, 1.03);
        for (now, expected) in [
            (timing(0.89, 0.9, 0.91), Verdict::Faster),
            (timing(0.85, 0.9, 0.99), Verdict::Same),
            (timing(1.08, 1.1, 1.12), Verdict::Slower),
            (timing(1.0, 1.1, 1.3), Verdict::Same),
            (timing(1.005, 1.01, 1.015), Verdict::Same),
        ] {
            assert_eq!(verdict(&now, &before), expected, "{now:?}");
        }
    }
}
