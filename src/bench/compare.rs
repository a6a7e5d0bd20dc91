//! Two records compared: a measurement is faster or slower only where the difference is more than noise.

use serde::Serialize;

use super::record::{BenchRecord, Measurement};
use super::roofline::{Numbers, Timing};
use crate::engine::EngineInfo;

/// Times that differ by less than this fraction count as equal: two benchmarks of one program, a minute apart, differ by
/// that much.
const SAME: f64 = 0.05;
/// Seconds by which times differ because threads wake sooner or later: half of the time that it takes to wake a team. It
/// matters for a softmax of 50 microseconds.
const WAKING: f64 = 10e-6;

/// What can be said of two measurements of the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Faster,
    Slower,
    /// The difference may be noise.
    Same,
}

/// One thing, measured twice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    pub now: Measurement,
    /// The seconds of the earlier one.
    pub before: Timing,
    /// The earlier median over the new one: above 1 is faster.
    pub speedup: f64,
    pub verdict: Verdict,
}

/// Compares what `now` and `before` have in common, in the order of `now`.
pub fn compare(now: &BenchRecord, before: &BenchRecord) -> Vec<Comparison> {
    // The machine itself may be faster or slower than it was. Its peak tells by how much.
    let drift = |engine: &EngineInfo| {
        let peaks =
            [now, before].map(|record| record.roofline.peak(Numbers::F32, &engine.isa, engine.threads));
        if let [Some(now), Some(before)] = peaks { (now / before - 1.0).abs() } else { 0.0 }
    };
    let compared = |now: &Measurement| {
        let before = before.measurements.iter().find(|before| now.is_like(before))?.seconds;
        let speedup = before.median / now.seconds.median;
        let slack = SAME + drift(&now.engine) + WAKING / now.seconds.median;
        Some(Comparison { now: now.clone(), before, speedup, verdict: verdict(&now.seconds, &before, slack) })
    };
    now.measurements.iter().filter_map(compared).collect()
}

/// Faster where half of the new repetitions take less time than any earlier one, by more than `slack`; slower the other
/// way round. Disturbances only ever add time, so the median of one is compared with the minimum of the other.
fn verdict(now: &Timing, before: &Timing, slack: f64) -> Verdict {
    if now.median < (1.0 - slack) * before.least {
        Verdict::Faster
    } else if before.median < (1.0 - slack) * now.least {
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
            (timing(0.85, 0.9), Verdict::Faster),
            (timing(0.85, 0.91), Verdict::Same),
            (timing(0.7, 0.96), Verdict::Same),
            (timing(1.06, 1.1), Verdict::Slower),
            (timing(1.04, 1.1), Verdict::Same),
            (timing(1.01, 1.3), Verdict::Same),
            (timing(0.99, 2.0), Verdict::Same),
        ] {
            assert_eq!(verdict(&now, &before, SAME), expected, "{now:?}");
        }
    }

    #[test]
    fn a_machine_that_has_become_slower_is_no_verdict_on_the_program() {
        let record: BenchRecord =
            serde_json::from_str(include_str!("../../benches/record/2026-11-25-bench.json"))
                .expect("a record of this program");
        let slowed = |time: f64, peak: f64| {
            let mut slowed = record.clone();
            slowed.roofline.peaks.iter_mut().for_each(|one| one.gflops /= peak);
            let measurements = slowed.measurements.iter_mut();
            measurements.for_each(|one| one.seconds = one.seconds.divided(1.0 / time));
            slowed
        };
        let slower = |now: &BenchRecord| {
            compare(now, &record).iter().filter(|one| one.verdict == Verdict::Slower).count()
        };
        assert_eq!(slower(&slowed(1.3, 1.3)), 0, "the peak fell with it");
        assert!(slower(&slowed(1.3, 1.0)) > record.measurements.len() / 2, "the peak is what it was");
    }
}
