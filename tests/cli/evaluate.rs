//! `onelayer evaluate`: the confusion matrix, as people and as programs read it.

use std::fs;

use serde_json::Value;

use super::Desk;
use super::support::data_sets::write_pair;

#[test]
fn the_confusion_matrix_is_the_same_in_text_csv_and_json() {
    let desk = Desk::new();
    desk.run("train --data data --epochs 1 --no-report --out run");
    let evaluate = "evaluate run --data data";
    let json = desk.json(evaluate);
    let counts: Vec<Vec<Value>> = serde_json::from_value(json["confusion"].clone()).unwrap();
    let (csv, text) = desk.run(&format!("{evaluate} --csv"));
    assert!(csv.starts_with("true class,airplane,automobile,bird,"), "{csv}");
    for (line, row) in csv.lines().skip(1).zip(&counts) {
        let cells: Vec<String> = row.iter().map(Value::to_string).collect();
        assert_eq!(line.split_once(',').unwrap().1, cells.join(","));
    }
    assert_eq!(csv.lines().count(), 11);
    let (_, matrix) =
        text.split_once("confusion: images of each true class by the class predicted\n").unwrap();
    assert!(matrix.starts_with("true        airp  auto  bird"), "{matrix}");
    for (line, row) in matrix.lines().skip(2).zip(&counts) {
        let cells: Vec<String> = row.iter().map(Value::to_string).collect();
        assert_eq!(line.split_whitespace().skip(1).collect::<Vec<_>>(), cells);
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_matrix_too_wide_for_a_terminal_is_left_to_csv() {
    let desk = Desk::bare();
    let labels: Vec<u8> = (0..40).map(|n| n % 20).collect();
    for split in ["train", "test"] {
        write_pair(&desk.path("data"), split, &[40, 2], &(0..80).collect::<Vec<u8>>(), &labels);
    }
    let names: Vec<String> = (0..20).map(|class| format!("=class \"{class}\"")).collect();
    fs::write(desk.path("data/classes.txt"), names.join("\n")).unwrap();
    desk.run("train --data data --batch 1 --epochs 1 --no-report --out run");
    let (csv, text) = desk.run("evaluate run --data data --csv");
    assert!(text.contains("is wider than 80 columns: --csv or --json prints it.\n"), "{text}");
    // A spreadsheet takes no name for a formula.
    assert!(csv.starts_with("true class,\"'=class \"\"0\"\"\","), "{csv}");
}
