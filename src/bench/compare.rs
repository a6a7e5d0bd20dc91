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
    /// What of that is more than noise.
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

/// Faster where half of the repetitions now take less than any did before, and by more than a little; slower the
/// other way round. What disturbs a machine only ever adds time, so the least of one is held to the median of the
/// other.
fn verdict(now: &Timing, before: &Timing) -> Verdict {
    if now.median < (1.0 - SAME) * before.least {
        Verdict::Faster
    } else if before.median < (1.0 - SAME) * now.least {
        Verdict::Slower
    } else {
        Verdict::Same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_needs_a_median_that_is_out_of_the_others_reach() {
        let timing = |least, median| Timing { least, lower: least, median, upper: median, repetitions: 9 };
        let before = timing(0.95, 1.0);
        for (now, expected) in [
            (timing(0.9, 0.92), Verdict::Faster),
            (timing(0.9, 0.94), Verdict::Same),
            (timing(0.7, 0.96), Verdict::Same),
            (timing(1.05, 1.1), Verdict::Slower),
            (timing(1.01, 1.3), Verdict::Same),
            (timing(0.99, 2.0), Verdict::Same),
        ] {
            assert_eq!(verdict(&now, &before), expected, "{now:?}");
        }
    }
}
