//! `history.csv`: what a run reached, epoch by epoch, one line each.

use super::Table;
use super::number::exact;
use crate::train::EpochRecord;

const HEADER: &str = "epoch,train_loss,train_cost,train_accuracy,\
validation_loss,validation_cost,validation_accuracy,seconds_train,seconds_evaluate";

/// The file's text. Numbers have all digits that tell them apart; one that is not finite is an empty field.
pub fn history_csv(history: &[EpochRecord]) -> String {
    let row = |EpochRecord { epoch, train, validation, seconds }: &EpochRecord| {
        let metrics = [train, validation].map(|split| [split.loss, split.cost, split.accuracy]);
        let values = metrics.into_iter().flatten().chain([seconds.train, seconds.evaluate]);
        [epoch.to_string()].into_iter().chain(values.map(exact)).collect()
    };
    Table { rows: history.iter().map(row).collect(), ..Table::new(HEADER.split(',')) }.csv()
}
