//! `history.csv` holds the history, digit for digit.

use onelayer::report::history_csv;

use crate::runs::Runs;

#[test]
fn each_line_is_a_record() {
    let mut history = Runs::lab().records[2].history.clone();
    history[1].train.loss = f64::NAN;
    history[1].validation.cost = f64::INFINITY;
    let text = history_csv(&history);
    let mut lines = text.lines();
    assert_eq!(
        lines.next().unwrap(),
        "epoch,train_loss,train_cost,train_accuracy,validation_loss,validation_cost,validation_accuracy,\
         seconds_train,seconds_evaluate"
    );
    for record in &history {
        let fields: Vec<Option<f64>> =
            lines.next().unwrap().split(',').map(|field| field.parse().ok()).collect();
        let (train, validation) = (record.train, record.validation);
        let numbers = [
            record.epoch as f64,
            train.loss,
            train.cost,
            train.accuracy,
            validation.loss,
            validation.cost,
            validation.accuracy,
            record.seconds.train,
            record.seconds.evaluate,
        ];
        assert_eq!(fields, numbers.map(|number| number.is_finite().then_some(number)));
    }
    assert_eq!(lines.next(), None);
}
