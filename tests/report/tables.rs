//! Tables are aligned, and Table 1 stands next to the lab report's own.

use onelayer::engine::Counts;
use onelayer::report::{Confusion, Table, per_class, table_1};

use crate::runs::Runs;

#[test]
fn table_1_says_how_far_it_is_from_the_reports() {
    let mut runs = Runs::lab();
    runs.records[1].test.accuracy = 0.4;
    runs.records[1].test.cost = 1.7;
    runs.records[3].config.epochs = 10;
    let table = table_1(&runs.records.iter().collect::<Vec<_>>());
    assert_eq!(table.rows[1][..6], ["test2", "0", "0.001", "0.4000", "0.3975", "+0.0025"]);
    assert_eq!(table.rows[1][7..], ["1.7000", "1.7548", "−0.0548"]);
    assert_eq!(table.rows[0][4], "0.3029");
    assert_eq!(table.rows[2][8], "1.8668");
    assert_eq!(table.rows[3][4..6], ["–", "–"], "the report has no run of 10 epochs");
}

#[test]
fn the_reports_figures_stand_beside_cifar_10_only() {
    let mut runs = Runs::lab();
    runs.records.iter_mut().for_each(|run| run.dataset.name = "CIFAR-100".into());
    let table = table_1(&runs.records.iter().collect::<Vec<_>>());
    assert!(table.rows.iter().all(|row| row[4..6] == ["–", "–"] && row[8..] == ["–", "–"]));
}

#[test]
fn text_and_markdown_are_aligned() {
    let mut table = Table::new(["class", "n"]);
    table.rows.push(vec!["a|b".into(), "12".into()]);
    table.rows.push(vec!["longest".into(), "−1".into()]);
    assert_eq!(table.text(), "class     n\n───────────\na|b      12\nlongest  −1\n");
    assert_eq!(table.markdown(), "| class   |  n |\n|:--------|---:|\n| a\\|b    | 12 |\n| longest | −1 |\n");
}

#[test]
fn precision_and_recall_are_what_they_are_called() {
    let classes = ["cat".to_string(), "a,\"b\"".to_string()];
    // 10 cats, 4 of them found; 5 others, 3 of them found.
    let [counts, never] = [[4, 6, 2, 3], [4, 0, 0, 0]].map(|counts| Counts::of_matrix(counts.to_vec()));
    let confusion = Confusion::new(&classes, &counts);
    assert_eq!((confusion.recall(0), confusion.precision(0)), (0.4, 4.0 / 6.0));
    assert_eq!((confusion.recall(1), confusion.precision(1)), (0.6, 3.0 / 9.0));
    let empty = Confusion::new(&classes, &never);
    assert!(empty.recall(1).is_nan());
}

#[test]
fn of_many_classes_those_with_the_lowest_recall_are_listed() {
    let classes: Vec<String> = (0..1000).map(|class| format!("class {class}")).collect();
    let mut counts = Counts::none(1000);
    for class in 0..1000 {
        (0..10).for_each(|image| {
            counts.count(class, if image < class % 11 { class } else { (class + 1) % 1000 })
        });
    }
    let confusion = Confusion::new(&classes, &counts);
    assert!(confusion.heat_map().is_none() && confusion.rows().is_none());
    let rows = per_class(&[("test", confusion)]).rows;
    assert_eq!(rows.len(), 21);
    assert_eq!(rows[1][..3], ["class 11", "10", "0.0"]);
    assert_eq!(rows[20][0], "and 980 with a higher recall");
}
