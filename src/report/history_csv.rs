//! `history.csv`: what a run reached, epoch by epoch, one line each.

use std::fmt::Write;

use crate::train::EpochRecord;

const HEADER: &str = "epoch,train_loss,train_cost,train_accuracy,\
validation_loss,validation_cost,validation_accuracy,seconds_train,seconds_evaluate\n";

/// The file's text. Numbers have all digits that tell them apart; one that is not finite is an empty field.
pub fn history_csv(history: &[EpochRecord]) -> String {
    let mut text = HEADER.to_string();
    for EpochRecord { epoch, train, validation, seconds } in history {
        write!(text, "{epoch}").expect("a String takes all");
        let metrics = [train, validation].map(|split| [split.loss, split.cost, split.accuracy]);
        for value in metrics.into_iter().flatten().chain([seconds.train, seconds.evaluate]) {
            text.push(',');
            if value.is_finite() {
                write!(text, "{value}").expect("a String takes all");
            }
        }
        text.push('\n');
    }
    text
}
