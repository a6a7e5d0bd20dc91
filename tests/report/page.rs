//! The page is balanced, needs nothing else, shows every figure, and says what the records say.

use std::fs;

use onelayer::files::{Existing, RunFolder};
use onelayer::report::{self, Verdict, findings};

use crate::markup::{between, check_balanced, check_figure, table};
use crate::runs::Runs;
use crate::support::files;

/// Writes the report of `runs`, and returns its folder and the page.
fn write(runs: &Runs) -> (tempfile::TempDir, String) {
    let scratch = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(scratch.path(), Existing::Refuse).unwrap();
    runs.contents(|contents| report::write(&folder, contents)).unwrap();
    let page = fs::read_to_string(scratch.path().join("report.html")).unwrap();
    (scratch, page)
}

#[test]
fn the_page_is_balanced_and_needs_nothing_else() {
    for runs in [Runs::lab(), Runs::one()] {
        let (_scratch, page) = write(&runs);
        check_balanced(&page);
        assert!(page.starts_with("<!DOCTYPE html>"));
        for outside in ["<script", "<link", "src=", "url(", "@import", "javascript:"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(between(&page, "href=\"", "\"").iter().all(|target| target.starts_with("data:")));
        let addresses = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert!(!addresses.contains("http"));
        assert!(page.contains("--data &#39;A &#38; B&#39; --seed 0"), "the command, escaped");
    }
}

#[test]
fn figures_follow_a_dark_screen_and_the_page_keeps_together_what_belongs_so() {
    let (scratch, page) = write(&Runs::lab());
    for name in files(scratch.path()).iter().filter(|name| name.ends_with(".svg")) {
        check_figure(&fs::read_to_string(scratch.path().join(name)).unwrap());
    }
    // The page has the same ground for them, and keeps what belongs together on one sheet.
    assert!(page.contains(".card { background: var(--card);"));
    let (_, print) = page.split_once("@media print {").unwrap();
    assert!(print.contains("h2, h3, h2 + p, thead") && print.contains(".scroll { break-before: avoid; }"));
}

#[test]
fn every_figure_is_on_the_page_and_beside_it() {
    let runs = Runs::lab();
    let (scratch, page) = write(&runs);
    let mut expected = ["curves.svg", "report.html", "report.md"].map(String::from).to_vec();
    let together = fs::read_to_string(scratch.path().join("curves.svg")).unwrap();
    assert!(page.contains(together.trim_end()) && together.matches("<path").count() > 4, "all runs together");
    for folder in &runs.folders {
        for name in ["accuracy", "confusion", "loss", "probabilities", "templates"] {
            let svg = fs::read_to_string(scratch.path().join(format!("{folder}{name}.svg"))).unwrap();
            assert!(page.contains(svg.trim_end()), "{folder}{name}.svg");
            expected.push(format!("{folder}{name}.svg"));
        }
        expected.push(format!("{folder}templates.png"));
    }
    expected.sort();
    assert_eq!(files(scratch.path()), expected);
    let markdown = fs::read_to_string(scratch.path().join("report.md")).unwrap();
    let pictures = between(&markdown, "](", ")");
    assert_eq!(pictures.len(), 21);
    assert!(pictures.iter().all(|picture| expected.contains(&picture.to_string())), "{pictures:?}");
}

#[test]
fn the_pages_figures_are_the_records() {
    let runs = Runs::lab();
    let (_scratch, page) = write(&runs);
    let json = |run: usize| serde_json::to_value(&runs.records[run]).unwrap();
    let rows = table(&page, "table1");
    assert_eq!(rows.len(), 4);
    for (run, row) in rows.iter().enumerate() {
        let record = json(run);
        assert_eq!(row[0], record["name"]);
        let number = |column: usize| -> f64 { row[column].parse().unwrap() };
        let exact =
            [&record["config"]["lambda"], &record["config"]["eta"]].map(|value| value.as_f64().unwrap());
        assert_eq!([number(1), number(2)], exact);
        for (column, key) in [(3, "accuracy"), (6, "loss"), (7, "cost")] {
            let recorded = record["test"][key].as_f64().unwrap();
            assert!((number(column) - recorded).abs() <= 0.5e-4 + 1e-12, "{key} of run {run}");
        }
        assert_eq!(table(&page, "weights")[run][3], record["weights_sha256"]);
    }
    let record = json(0);
    let seconds =
        |row: usize| -> f64 { table(&page, "time")[row][1].trim_end_matches(" s").parse().unwrap() };
    for (row, key) in ["load", "train", "evaluate"].into_iter().enumerate() {
        assert!((seconds(row) - record["seconds"][key].as_f64().unwrap()).abs() <= 0.5e-3 + 1e-12);
    }
    for (class, row) in table(&page, "perclass").iter().enumerate() {
        let right = runs.counts[0].of(class).right;
        assert_eq!(
            row[..3],
            [runs.records[0].dataset.classes[class].clone(), "100".into(), format!("{right}.0")]
        );
    }
}

#[test]
fn synthetic_data_is_named_in_the_first_line() {
    let mut runs = Runs::one();
    runs.records[0].dataset.name = onelayer::data::synthetic::NAME.into();
    runs.records[0].dataset.path = None;
    let (scratch, page) = write(&runs);
    let lead = between(&page, "<p class=\"lead", "</p>")[0];
    assert!(lead.contains("synthetic") && lead.contains("not CIFAR"), "{lead}");
    let markdown = fs::read_to_string(scratch.path().join("report.md")).unwrap();
    assert!(markdown.lines().nth(2).unwrap().contains("not CIFAR"));
    assert!(!write(&Runs::one()).1.contains("synthetic"));
}

#[test]
fn the_headline_is_of_the_run_that_validation_chooses() {
    let mut runs = Runs::lab();
    for (record, [validation, test]) in
        runs.records.iter_mut().zip([[0.30, 0.35], [0.41, 0.38], [0.40, 0.44], [0.41, 0.39]])
    {
        record.history.last_mut().unwrap().validation.accuracy = validation;
        record.test.accuracy = test;
    }
    let page = write(&runs).1;
    let tile =
        "<b>38.00 %</b> <span>test accuracy, test2, the run with the highest validation accuracy</span>";
    assert!(page.contains(tile), "{}", between(&page, "<ul class=\"tiles\">", "</ul>")[0]);
    let row = &table(&page, "splits")[1];
    assert_eq!([&row[0], &row[4], &row[6]], ["test2", "0.4100", "0.3800"]);
}

#[test]
fn a_check_of_some_parameters_says_of_how_many() {
    let mut runs = Runs::lab();
    assert!(write(&runs).1.contains("checked in every parameter on"));
    runs.gradients.iter_mut().for_each(|criterion| criterion.checked = 3200);
    let scope = "checked in 3,200 of the 30,730 parameters, drawn at random, on";
    assert!(write(&runs).1.contains(scope));
}

#[test]
fn a_gradient_check_that_failed_is_not_hidden() {
    let mut runs = Runs::lab();
    assert!(write(&runs).1.contains("<p>The analytic gradient agrees"));
    runs.gradients[1].failed = 1;
    let page = write(&runs).1;
    assert!(page.contains("does <strong>not</strong> agree"));
    assert_eq!(table(&page, "gradientcheck")[1][4], "FAILED");
    assert!(!write(&Runs::one()).1.contains("radient check"), "nothing is said of a check that was not made");
}

#[test]
fn weights_that_are_no_image_leave_the_templates_out() {
    let mut runs = Runs::lab();
    runs.parameters = vec![onelayer::model::Parameters::random(10, 20, 0); 4];
    let (scratch, page) = write(&runs);
    check_balanced(&page);
    assert!(!page.contains("data:image") && !page.contains("templates"));
    assert!(files(scratch.path()).iter().all(|file| !file.contains("templates")));
    assert!(!fs::read_to_string(scratch.path().join("report.md")).unwrap().contains("templates.svg"));
}

#[test]
fn the_names_of_classes_cannot_break_the_page() {
    let mut runs = Runs::one();
    runs.records[0].dataset.classes[3] = "<b>\"cat\" & dog".into();
    let (_scratch, page) = write(&runs);
    check_balanced(&page);
    assert!(!page.contains("<b>\"cat"));
}

/// The verdicts in the order of the page: winner, eta, epochs, smoothness, overfitting.
fn verdicts(runs: &Runs) -> Vec<Verdict> {
    runs.contents(|contents| findings(contents.runs)).iter().filter_map(|finding| finding.verdict).collect()
}

#[test]
fn verdicts_follow_the_numbers() {
    use Verdict::{Fails, Holds, Undecided};
    let mut runs = Runs::lab();
    for (run, accuracy) in [0.30, 0.40, 0.395, 0.37].into_iter().enumerate() {
        runs.records[run].test.accuracy = accuracy;
    }
    assert_eq!(verdicts(&runs)[..2], [Undecided, Holds], "0.5 points are too few with 1,000 images");
    runs.records[1].test.accuracy = 0.5;
    assert_eq!(verdicts(&runs)[0], Holds);
    runs.records[3].test.accuracy = 0.6;
    assert_eq!(verdicts(&runs)[0], Fails);

    runs.records[0].history = runs.records[1].history.clone();
    assert_eq!(verdicts(&runs)[1], Fails, "both curves are equally smooth");

    // Noise is equally rough whatever lambda; scaled copies of a slope and noise are not.
    assert_eq!(verdicts(&runs)[3], Fails);
    for (run, noise) in [(1, 1.0), (2, 0.5), (3, 0.1)] {
        let parameters = &mut runs.parameters[run];
        let slope = |index: usize| 0.01 * (index % 32) as f32;
        parameters
            .weight
            .iter_mut()
            .enumerate()
            .for_each(|(index, weight)| *weight = noise * *weight + slope(index));
    }
    assert_eq!(verdicts(&runs)[3], Holds);

    assert_eq!(verdicts(&runs)[4], Fails, "the gaps are all alike");
    for (run, gap) in [(1, 0.3), (2, 0.2), (3, 0.1)] {
        let last = runs.records[run].history.last_mut().unwrap();
        last.validation.loss = last.train.loss + gap;
    }
    assert_eq!(verdicts(&runs)[4], Holds);
}
