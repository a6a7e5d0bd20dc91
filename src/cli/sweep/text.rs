//! What people read of a sweep.

use std::fmt::Write;
use std::path::Path;

use super::super::settings;
use super::super::text::{line_of_engine, line_of_settings, table};
use crate::engine::{EngineInfo, Machine};
use crate::error::one_line;
use crate::report::{Table, count, list};
use crate::sweep::record::{self, Row, varied};
use crate::sweep::{Rung, Sweep, SweepRecord};
use crate::train::RunRecord;

/// The rows of the table on the screen.
const ROWS: usize = 10;

/// What is about to be tried, and by what.
pub(super) fn heading(sweep: &Sweep, machine: &Machine) -> String {
    let header = sweep.header();
    let lists = record::lists(header);
    let lists: Vec<String> =
        lists.iter().map(|(name, list)| format!("{} {list}", name.replace('_', " "))).collect();
    let how = match header.random {
        Some(_) => "drawn from",
        None => "all of",
    };
    let (runs, all) = (count(sweep.runs().len()), count(header.runs));
    let lists = lists.join(", ");
    let mut text = match header.shard {
        None => format!("sweep     {all} settings, {how} {lists}\n"),
        Some(shard) => format!("sweep     shard {shard}: {runs} of {all} settings, {how} {lists}\n"),
    };
    if !sweep.rungs().is_empty() {
        let rung = |rung: &Rung| format!("the best {} after epoch {}", count(rung.keep), rung.epoch);
        let _ = writeln!(text, "halving   {} go on", list(sweep.rungs().iter().map(rung), "and"));
    }
    if header.path {
        text += "path      from the largest lambda down, each run from where the one before it ended\n";
    }
    let varied = varied(sweep.runs().iter().map(|run| &run.settings));
    if let Some(run) = sweep.runs().first() {
        let common = settings::told(&run.settings).filter(|row| !varied.contains(&row.name));
        text += &line_of_settings(&run.settings, common);
    }
    let engine = EngineInfo { threads: machine.team.threads(), ..sweep.engine().clone() };
    text + &line_of_engine(&engine) + "\n"
}

/// Where a sweep goes on.
pub(super) fn resumed(sweep: &Sweep) -> String {
    let (ended, runs) = (sweep.outcomes().count(), sweep.runs().len());
    format!("resumed   with {} of {} runs at their ends\n\n", count(ended), count(runs))
}

/// That a shard has come to a rung.
pub(super) fn waiting(sweep: &Sweep, rung: Rung, out: &Path) -> String {
    let shard = sweep.header().shard.map_or(String::new(), |shard| shard.to_string());
    format!(
        "waiting   {}: shard {shard} has come to epoch {}; once all shards have, sweep merge decides which runs go on,\n          \
         and the same command with --resume goes on with them\n",
        one_line(out.display()),
        rung.epoch
    )
}

/// That it was decided for all shards which runs go on.
pub(super) fn decided(rung: Rung, on: usize, runs: usize) -> String {
    format!(
        "decided   after epoch {} {} of {} runs go on: run each shard again with --resume\n",
        rung.epoch,
        count(on),
        count(runs)
    )
}

/// The best runs, the winner and its test, where the time went and where it all is.
pub(super) fn summary(record: &SweepRecord) -> String {
    let shown = &record.runs[..record.runs.len().min(ROWS)];
    let mut text = format!("\n{}", table(&rows(shown, &record.runs)));
    if shown.len() < record.runs.len() {
        let _ = writeln!(text, "and {} more: sweep.csv has all", count(record.runs.len() - shown.len()));
    }
    text += "\n";
    match &record.best {
        Some(best) => text += &winner(best, record),
        None => text += "no run ended with a model\n",
    }
    let _ = writeln!(
        text,
        "seconds   {:.3}: load {:.3}, train {:.3}",
        record.seconds.total, record.seconds.load, record.seconds.train
    );
    let _ = writeln!(text, "written   {}", one_line(record.out.display()));
    text
}

/// A table of `shown`, with the settings in which `all` runs differ.
fn rows(shown: &[Row], all: &[Row]) -> Table {
    let names = varied(all.iter().map(|row| &row.config));
    let header = ["run"].into_iter().chain(names.iter().copied()).map(|name| name.replace('_', " "));
    let columns = ["status", "epoch", "validation loss", "accuracy"].map(String::from);
    let mut table = Table::new(header.chain(columns));
    table.rows.extend(shown.iter().map(|row| {
        let number = |value: f64, text: String| if value.is_nan() { "–".into() } else { text };
        let settings = names.iter().map(|name| row.config.get(name));
        let reached = [
            row.status.name().to_string(),
            row.epoch.to_string(),
            number(row.validation.loss, format!("{:.4}", row.validation.loss)),
            number(row.validation.accuracy, format!("{:.2} %", 100.0 * row.validation.accuracy)),
        ];
        [row.id.clone()].into_iter().chain(settings).chain(reached).collect()
    }));
    table
}

/// The winner, with its validation figure beside its test.
fn winner(best: &RunRecord, SweepRecord { runs, refit, .. }: &SweepRecord) -> String {
    let validation = runs.first().map_or(f64::NAN, |row| 100.0 * row.validation.accuracy);
    let mut text = format!("best      {}\n", one_line(best.name.as_deref().unwrap_or_default()));
    if best.test.accuracy.is_nan() {
        let _ = writeln!(
            text,
            "          validation accuracy {validation:.2} %; not tested: a shard's best may not be the sweep's"
        );
        return text;
    }
    let again = match refit {
        true => "\n          trained again on the training and the validation images",
        false => "",
    };
    let _ = writeln!(
        text,
        "          validation accuracy {validation:.2} %, the highest of {} tried: choosing it makes it too high{again}\n          \
         test accuracy {:.2} %, loss {:.4}: of this run alone, once",
        count(runs.len()),
        100.0 * best.test.accuracy,
        best.test.loss
    );
    text
}
