//! What was measured, as people read it.

use super::super::text;
use crate::bench::roofline::{Bandwidth, Peak, Roofline, Timing};
use crate::bench::{self, BenchRecord, Comparison, Measurement, Rates, Verdict};
use crate::report::{Table, count};

/// The machine's peaks and bandwidths.
pub(super) fn machine(roofline: &Roofline) -> String {
    let mut peaks = Table::new(["peak", "", "threads", "GFLOP/s", "instructions a cycle", "spread"]);
    peaks.rows.extend(roofline.peaks.iter().map(|peak| {
        let Peak { numbers, isa, threads, gflops, spread, per_cycle } = peak;
        let per_cycle = per_cycle.map_or("–".into(), |count| format!("{count:.2}"));
        let (numbers, gflops) = (numbers.name().into(), format!("{gflops:.1}"));
        vec![numbers, isa.clone(), threads.to_string(), gflops, per_cycle, percent(*spread)]
    }));
    let mut reads = Table::new(["reads from", "threads", "KiB", "GB/s", "spread"]);
    reads.rows.extend(roofline.bandwidths.iter().map(
        |Bandwidth { level, threads, bytes, gigabytes, spread }| {
            let (level, kibibytes) = (level.name().into(), count(bytes >> 10));
            vec![level, threads.to_string(), kibibytes, format!("{gigabytes:.1}"), percent(*spread)]
        },
    ));
    let clock = roofline.clock.map_or(String::new(), |clock| format!("clock     {clock:.2} GHz\n\n"));
    format!("{clock}{}\n{}", text::table(&peaks), text::table(&reads))
}

/// What the engines do.
pub(super) fn table(measurements: &[Measurement]) -> Table {
    let header = ["task", "engine", "threads", "ms", "spread", "images/s", "GFLOP/s", "GB/s", "of bound", ""];
    let mut table = Table::new(header);
    for one in measurements {
        let rate = |of: fn(&Rates) -> String| one.rates.as_ref().map_or("–".into(), of);
        table.rows.push(vec![
            one.task.clone(),
            engine(one),
            one.engine.threads.to_string(),
            format!("{:.3}", 1e3 * one.seconds.median),
            percent(one.seconds.spread()),
            rate(|rates| count(rates.images_per_second as usize)),
            rate(|rates| format!("{:.1}", rates.gflops)),
            rate(|rates| format!("{:.1}", rates.gigabytes_per_second)),
            one.of_bound.map_or("–".into(), |part| format!("{:.0} %", 100.0 * part)),
            one.bound.map_or(String::new(), |limit| limit.name()),
        ]);
    }
    table
}

/// The same for spreadsheets: whole numbers, seconds, and nothing where there is nothing.
pub(super) fn csv(measurements: &[Measurement]) -> String {
    let mut table = Table::new([
        "task",
        "engine",
        "isa",
        "threads",
        "images",
        "median_seconds",
        "lower_quartile",
        "upper_quartile",
        "fastest",
        "repetitions",
        "images_per_second",
        "gflops",
        "gigabytes_per_second",
        "intensity",
        "bound",
        "of_bound",
    ]);
    table.rows.extend(measurements.iter().map(
        |Measurement { task, engine, images, seconds, rates, bound, of_bound }| {
            let Timing { median, lower, upper, least, repetitions } = seconds;
            let known = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
            let rate = |of: fn(&Rates) -> f64| known(rates.as_ref().map(of));
            let mut row = vec![task.clone(), engine.name.clone(), engine.isa.clone()];
            row.extend([engine.threads, *images].map(|number| number.to_string()));
            row.extend([median, lower, upper, least].map(f64::to_string));
            row.push(repetitions.to_string());
            row.extend([rate(|rates| rates.images_per_second), rate(|rates| rates.gflops)]);
            row.extend([rate(|rates| rates.gigabytes_per_second), rate(|rates| rates.intensity)]);
            row.extend([bound.map_or(String::new(), |limit| limit.name()), known(*of_bound)]);
            row
        },
    ));
    table.csv()
}

/// What is faster or slower than it was.
pub(super) fn compared(comparison: &[Comparison]) -> Table {
    let mut table = Table::new(["task", "engine", "threads", "before ms", "now ms", "speedup", ""]);
    for one in comparison {
        table.rows.push(vec![
            one.now.task.clone(),
            engine(&one.now),
            one.now.engine.threads.to_string(),
            format!("{:.3}", 1e3 * one.before.median),
            format!("{:.3}", 1e3 * one.now.seconds.median),
            format!("{:.2}", one.speedup),
            match one.verdict {
                Verdict::Faster => "faster",
                Verdict::Slower => "SLOWER",
                Verdict::Same => "within the noise",
            }
            .into(),
        ]);
    }
    table
}

/// A warning, where repetitions differ so much that their median says little.
pub(super) fn noise(record: &BenchRecord) -> String {
    let noisy = record.measurements.iter().filter(|one| one.is_noisy()).count();
    if noisy == 0 {
        return String::new();
    }
    format!(
        "\nwarning   this machine is too noisy to say: in {noisy} of {} rows the middle half of the repetitions \
         spreads over more than {:.0} %\n",
        record.measurements.len(),
        100.0 * bench::NOISY
    )
}

fn engine(measurement: &Measurement) -> String {
    format!("{} {}", measurement.engine.name, measurement.engine.isa)
}

fn percent(fraction: f64) -> String {
    format!("{:.1} %", 100.0 * fraction)
}
