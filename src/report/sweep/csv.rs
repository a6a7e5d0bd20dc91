//! `sweep.csv`: a line for each run, with all of its settings and what its model reaches.

use crate::report::Table;
use crate::report::number::exact;
use crate::sweep::Outcome;
use crate::train::{Metrics, Settings};

/// The file's text, the best run first. Numbers have all digits that tell them apart; one that is not finite is an empty
/// field.
pub(super) fn csv(outcomes: &[&Outcome]) -> String {
    let settings = || Settings::TABLE.iter().map(|row| row.name);
    let figures = ["train", "validation"].into_iter();
    let figures =
        figures.flat_map(|split| ["loss", "cost", "accuracy"].map(|figure| format!("{split}_{figure}")));
    let header = ["run", "status", "epoch"].into_iter().chain(settings()).map(String::from).chain(figures);
    let mut table = Table::new(header.chain(["weights_sha256".to_string()]));
    table.rows.extend(outcomes.iter().map(|outcome| {
        let reached = outcome.kept().map_or([Metrics::NONE; 2], |record| [record.train, record.validation]);
        let reached =
            reached.into_iter().flat_map(|Metrics { loss, cost, accuracy, .. }| [loss, cost, accuracy]);
        let run = [outcome.id.clone(), outcome.status.name().into(), outcome.epoch.to_string()];
        let values = run.into_iter().chain(settings().map(|name| outcome.config.get(name)));
        values.chain(reached.map(exact)).chain([outcome.weights_sha256.clone()]).collect()
    }));
    table.csv()
}
