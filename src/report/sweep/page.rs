//! What the page of a sweep says, in words and tables.

use super::contents::{Figures, SweepContents, axes};
use crate::data::synthetic;
use crate::report::number::{count, fixed, list, percent};
use crate::report::table::{Table, pairs};
use crate::sweep::record::Row;
use crate::sweep::{Ending, SweepRecord};
use crate::train::{RunRecord, Settings};

/// The rows of the table on the page.
const ROWS: usize = 200;

/// The content of a report, ready to be laid out.
pub(super) struct Page<'a> {
    pub(super) title: String,
    pub(super) lead: String,
    pub(super) synthetic: bool,
    pub(super) tiles: Vec<(String, String)>,
    /// What choosing the best run does to its validation figure.
    pub(super) choice: Vec<String>,
    /// The winner's settings; none where every run diverged.
    pub(super) winner: Option<Table>,
    pub(super) figures: &'a Figures,
    pub(super) map_note: String,
    pub(super) curves_note: String,
    pub(super) runs: Table,
    pub(super) runs_note: String,
    pub(super) settings: Table,
    pub(super) time: Table,
    pub(super) command: &'a str,
    pub(super) version: &'static str,
}

impl<'a> Page<'a> {
    /// The page about `contents`, whose runs differ in the settings `varied`, with these `figures`.
    pub(super) fn new(contents: &SweepContents<'a>, varied: &[&'static str], figures: &'a Figures) -> Self {
        let SweepContents { record, command, .. } = *contents;
        let rows = &record.runs;
        let shown = rows.len().min(ROWS);
        Self {
            title: title(record),
            lead: lead(record),
            synthetic: record.dataset.name == synthetic::NAME,
            tiles: tiles(record),
            choice: choice(record),
            winner: record.best.as_ref().map(|best| winner(best, varied)),
            figures,
            map_note: map_note(rows, varied),
            curves_note: curves_note(record),
            runs: runs_table(&rows[..shown], varied),
            runs_note: match rows.len() - shown {
                0 => "sweep.csv has all of these, with every setting.".into(),
                more => format!("And {} more: sweep.csv has all.", count(more)),
            },
            settings: settings(record, varied),
            time: time(record),
            command,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

fn title(record: &SweepRecord) -> String {
    match record.shard {
        None => format!("A sweep of {} settings", count(record.runs.len())),
        Some(shard) => format!("Shard {shard} of a sweep: {} settings", count(record.runs.len())),
    }
}

fn lead(record: &SweepRecord) -> String {
    let dataset = &record.dataset;
    let [train, validation, test] = [dataset.train, dataset.validation, dataset.test].map(count);
    let place = dataset.path.as_ref().map(|path| format!(" ({})", path.display())).unwrap_or_default();
    let data = match dataset.name.as_str() {
        synthetic::NAME => {
            "built-in synthetic images. This is not CIFAR, and the figures say nothing about it".into()
        }
        name => format!("{name} images{place}"),
    };
    let test = match record.shard {
        None => format!("{test} test images were used once, for the winner alone"),
        Some(_) => format!(
            "the {test} test images were not used: the best run of a shard may not be that of the sweep"
        ),
    };
    format!(
        "A one-layer network on {data}. {train} images train, {validation} choose among the runs; {test}."
    )
}

fn tiles(record: &SweepRecord) -> Vec<(String, String)> {
    let ended = |status| record.runs.iter().filter(|row| row.status == status).count();
    let others =
        [(Ending::Dropped, "dropped"), (Ending::Diverged, "diverged"), (Ending::Stopped, "stopped early")];
    let others = others.into_iter().map(|(status, name)| (ended(status), name)).filter(|(runs, _)| *runs > 0);
    let others: Vec<String> = others.map(|(runs, name)| format!("{} {name}", count(runs))).collect();
    let others = if others.is_empty() { String::new() } else { format!(": {}", list(others, "and")) };
    let mut tiles = Vec::new();
    if let (Some(best), Some(first)) = (&record.best, record.runs.first()) {
        if record.shard.is_none() {
            tiles.push((percent(best.test.accuracy, 2), "test accuracy of the winner".to_string()));
        }
        tiles.push((
            percent(first.validation.accuracy, 2),
            "its validation accuracy, the highest".to_string(),
        ));
    }
    tiles.push((count(record.runs.len()), format!("settings tried{others}")));
    tiles.push((
        format!("{} s", fixed(record.seconds.train, 1)),
        "training and evaluating all of them".to_string(),
    ));
    tiles
}

/// What choosing does, in figures.
fn choice(record: &SweepRecord) -> Vec<String> {
    let with_model: Vec<&Row> =
        record.runs.iter().filter(|row| matches!(row.status, Ending::Done | Ending::Stopped)).collect();
    let (Some(best), Some(first)) = (&record.best, with_model.first()) else {
        return vec!["Every run diverged: there is no model. Smaller learning rates may not.".into()];
    };
    let accuracy = first.validation.accuracy;
    let images = record.dataset.validation as f64;
    let error = (accuracy * (1.0 - accuracy) / images).sqrt();
    let near = with_model.iter().filter(|row| row.validation.accuracy >= accuracy - error).count();
    let mut said = vec![format!(
        "The winner is the run with the highest validation accuracy of {} tried. The highest of many is in part the \
         luckiest, so its {} is more than it can be expected to reach on other images. On {} images an accuracy has a \
         standard error of {} points; {} of the runs that were trained to their end are within that of the winner, and \
         these images do not tell which of them is best.",
        count(record.runs.len()),
        percent(accuracy, 2),
        count(record.dataset.validation),
        fixed(100.0 * error, 2),
        count(near),
    )];
    if record.shard.is_none() {
        said.push(format!(
            "The test images had no part in the choice: {} is what the winner reaches there. No other run was tested.",
            percent(best.test.accuracy, 2)
        ));
    }
    if record.refit {
        said.push(
            "After it was chosen, it was trained again, with the same settings, on the training and the validation images \
             together. The test is of that model; nothing was seen of the test images before."
                .into(),
        );
    }
    said
}

fn winner(best: &RunRecord, varied: &[&'static str]) -> Table {
    let id = ("run".to_string(), best.name.clone().unwrap_or_default());
    let values = varied.iter().map(|name| (name.replace('_', " "), best.config.get(name)));
    let tested = [
        ("test loss", fixed(best.test.loss, 4)),
        ("test accuracy", percent(best.test.accuracy, 2)),
        ("SHA-256 of the weights", best.weights_sha256.clone()),
    ]
    .map(|(name, value)| (name.to_string(), value));
    pairs(["the winner", ""], [id].into_iter().chain(values).chain(tested))
}

fn map_note(rows: &[Row], varied: &[&'static str]) -> String {
    let axes = axes(varied);
    let others: Vec<String> =
        varied.iter().filter(|name| !axes.contains(name)).map(|name| name.replace('_', " ")).collect();
    let mut note = "The darker, the better; white is the worse half. The winner has a frame.".to_string();
    if !others.is_empty() {
        note += &format!(" Of runs that differ in {} alone, the best is shown.", list(others, "and"));
    }
    if rows.iter().any(|row| row.status == Ending::Dropped) {
        note += " Where an epoch is named, the run was dropped after it, and this is what it had reached.";
    }
    note
}

fn curves_note(record: &SweepRecord) -> String {
    let mut note =
        "The best runs in colours, the others in grey, where they are within the picture.".to_string();
    if !record.rungs.is_empty() {
        let rungs = record
            .rungs
            .iter()
            .map(|rung| format!("the best {} went on after epoch {}", count(rung.keep), rung.epoch));
        note += &format!(" Dotted lines are the rungs: {}.", list(rungs, "and"));
    }
    note
}

fn runs_table(rows: &[Row], varied: &[&'static str]) -> Table {
    let names = varied.iter().map(|name| name.replace('_', " "));
    let header = ["run".to_string()].into_iter().chain(names);
    let columns = ["status", "epoch", "validation loss", "validation accuracy"].map(String::from);
    let mut table = Table::new(header.chain(columns));
    table.rows.extend(rows.iter().map(|row| {
        let settings = varied.iter().map(|name| row.config.get(name));
        let number = |value: f64, text: String| if value.is_nan() { "–".into() } else { text };
        let reached = [
            row.status.name().to_string(),
            row.epoch.to_string(),
            number(row.validation.loss, fixed(row.validation.loss, 4)),
            number(row.validation.accuracy, percent(row.validation.accuracy, 2)),
        ];
        [row.id.clone()].into_iter().chain(settings).chain(reached).collect()
    }));
    table
}

/// What all runs have in common, and the lists of what they have not.
fn settings(record: &SweepRecord, varied: &[&'static str]) -> Table {
    let default = Settings::default();
    let first = record.runs.first().map(|row| &row.config);
    let value = |name: &'static str| {
        let lists = record.space.get(name).map_or(String::new(), |lists| lists.join(" "));
        let common = first.map_or_else(|| lists.clone(), |first| first.get(name));
        (name, if varied.contains(&name) { lists } else { common })
    };
    let told = |(name, value): &(&'static str, String)| {
        let always = ["batch", "epochs", "shuffle", "seed", "iterations", "tol"].contains(name);
        let used = first.is_none_or(|first| first.uses(name));
        (always && used) || *value != default.get(name)
    };
    let drawn = record.random.map(|points| ("random points", count(points)));
    let halving = record.halving.map(|factor| ("halving: one goes on in", count(factor)));
    let rows = Settings::TABLE.iter().map(|row| value(row.name)).filter(told);
    let path = record
        .path
        .then(|| ("path", "each run begins where that with the next larger lambda ended".to_string()));
    let named = rows.collect::<Vec<_>>().into_iter().chain(drawn).chain(halving).chain(path);
    pairs(["setting", "value"], named.map(|(name, value)| (name.replace('_', " "), value)))
}

fn time(record: &SweepRecord) -> Table {
    let seconds = |seconds: f64| format!("{} s", fixed(seconds, 3));
    let engine = &record.engine;
    let epochs: usize = record.runs.iter().map(|row| row.epoch).sum();
    pairs(
        ["where the time went", ""],
        [
            ("loading and standardizing", seconds(record.seconds.load)),
            ("training and evaluating", seconds(record.seconds.train)),
            ("in all", seconds(record.seconds.total)),
            ("epochs of all runs", count(epochs)),
            ("engine", format!("{} engine ({}), {} threads", engine.name, engine.isa, engine.threads)),
            ("machine", record.machine.clone()),
        ],
    )
}
