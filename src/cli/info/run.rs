//! What a run folder holds, from its record.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::{settings, text};
use crate::error::{Error, Result, one_line};
use crate::files::regular;
use crate::report::{Table, count, fixed, sparkline};
use crate::train::record::{ReproductionRecord, RunRecord};

/// The record in a run folder.
pub(super) const RECORD_FILE: &str = "run.json";

/// No record is larger.
const LARGEST: u64 = 1 << 28;

/// One run, or several that were trained side by side.
#[derive(Serialize)]
pub(super) struct RunInfo {
    #[serde(serialize_with = "crate::files::path_text::path")]
    path: PathBuf,
    runs: Vec<RunRecord>,
}

impl RunInfo {
    /// Reads a record.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = regular::read(path, "the record of a run", LARGEST)?;
        let runs = parse(&bytes).map_err(|error| Error::format(path, "the record of a run, JSON", error))?;
        if runs.is_empty() {
            return Err(Error::format(path, "the record of a run, JSON", "a record of no runs"));
        }
        Ok(Self { path: path.to_path_buf(), runs })
    }

    pub(super) fn text(&self) -> String {
        let first = &self.runs[0];
        let data = &first.dataset;
        let place = data.path.as_ref().map_or_else(|| "built in".into(), |path| one_line(path.display()));
        let [train, validation, test] = [data.train, data.validation, data.test].map(count);
        let of_runs = |name: &str| matches!(name, "eta" | "lambda");
        let common = settings::told(&first.config).filter(|row| !of_runs(row.name));
        format!(
            "record    {}\n\
             trained   {} by onelayer {} on {}: {}\n\
             data      {} ({place}): {train} training, {validation} validation, {test} test images\n\
             {}{}engine    {} ({}), {} threads\n\
             {}{}\n{}\n{}",
            one_line(self.path.display()),
            one_line(&first.date),
            one_line(&first.version),
            one_line(&first.machine),
            first.status.name(),
            one_line(&data.name),
            text::before(first),
            text::line_of_settings(&first.config, common),
            one_line(&first.engine.name),
            one_line(&first.engine.isa),
            first.engine.threads,
            text::ended(first),
            text::timing(first),
            text::table(&self.results()),
            text::table(&self.weights())
        )
    }

    /// What each run reached. What is not finite is written as it is.
    fn results(&self) -> Table {
        let mut table = Table::new([
            "run",
            "eta",
            "lambda",
            "status",
            "training accuracy",
            "validation accuracy",
            "test accuracy",
            "test loss",
            "test cost",
            "validation cost by epoch",
        ]);
        for run in &self.runs {
            let costs: Vec<f64> = run.history.iter().map(|epoch| epoch.validation.cost).collect();
            let number = |value: f64, text: String| if value.is_nan() { "–".into() } else { text };
            let percent = |accuracy: f64| number(accuracy, format!("{:.2} %", 100.0 * accuracy));
            let [train, validation] = run.history.last().map_or_else(Default::default, |last| {
                [last.train, last.validation].map(|metrics| percent(metrics.accuracy))
            });
            table.rows.push(vec![
                name(run),
                run.config.get("eta"),
                run.config.get("lambda"),
                run.status.name().into(),
                train,
                validation,
                percent(run.test.accuracy),
                number(run.test.loss, fixed(run.test.loss, 4)),
                number(run.test.cost, fixed(run.test.cost, 4)),
                sparkline(&costs, 24),
            ]);
        }
        table
    }

    fn weights(&self) -> Table {
        let mut table = Table::new(["run", "SHA-256 of the weights"]);
        table.rows.extend(self.runs.iter().map(|run| vec![name(run), one_line(&run.weights_sha256)]));
        table
    }
}

fn name(run: &RunRecord) -> String {
    one_line(run.name.as_deref().unwrap_or("run"))
}

/// The runs of either kind of record: that of one run, or that of a reproduction.
fn parse(bytes: &[u8]) -> serde_json::Result<Vec<RunRecord>> {
    let value: serde_json::Value = serde_json::from_slice(bytes)?;
    if value.get("runs").is_some() {
        serde_json::from_value(value).map(|record: ReproductionRecord| record.runs)
    } else {
        serde_json::from_value(value).map(|record| vec![record])
    }
}
