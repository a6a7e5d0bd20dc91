//! `train` and `reproduce` write the report of what they did, unless told not to.

use std::fs;
use std::path::Path;
use std::process::Command;

use onelayer::data::layout::RECORD;
use serde_json::Value;

use crate::page::files;

/// Runs the command in `folder`, on 300 images of noise.
fn onelayer(folder: &Path, arguments: &[&str]) -> String {
    let data = folder.join("some data");
    fs::create_dir_all(&data).unwrap();
    for name in ["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"] {
        let record =
            |n: usize| (0..RECORD).map(move |i| if i == 0 { n % 10 } else { (i * n * 37) >> 3 } as u8);
        fs::write(data.join(name), (0..100).flat_map(record).collect::<Vec<u8>>()).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_onelayer"));
    command.args(arguments).args(["--data", "some data", "--out", "out", "--epochs", "3", "--batch", "10"]);
    let output = command.current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const FIGURES: [&str; 6] =
    ["accuracy.svg", "confusion.svg", "loss.svg", "probabilities.svg", "templates.png", "templates.svg"];
const RESULTS: [&str; 3] = ["history.csv", "model.safetensors", "run.json"];

#[test]
fn reproduce_writes_one_page_about_four_runs() {
    let scratch = tempfile::tempdir().unwrap();
    onelayer(scratch.path(), &["reproduce", "--quiet"]);
    let out = scratch.path().join("out");
    let runs = ["test1", "test2", "test3", "test4"];
    let mut expected: Vec<String> = ["report.html", "report.md", "run.json"].map(String::from).to_vec();
    for run in runs {
        expected.extend(FIGURES.iter().chain(&RESULTS).map(|name| format!("{run}/{name}")));
    }
    expected.sort();
    assert_eq!(files(&out), expected);

    let page = read(&out.join("report.html"));
    check_balanced(&page);
    let record: Value = serde_json::from_str(&read(&out.join("run.json"))).unwrap();
    for (run, row) in table(&page, "table1").iter().enumerate() {
        let record = &record["runs"][run];
        assert_eq!(
            record,
            &serde_json::from_str::<Value>(&read(&out.join(runs[run]).join("run.json"))).unwrap()
        );
        for (column, key) in [(3, "accuracy"), (6, "loss"), (7, "cost")] {
            let (shown, reached): (f64, f64) =
                (row[column].parse().unwrap(), record["test"][key].as_f64().unwrap());
            assert!((shown - reached).abs() <= 0.5e-4 + 1e-12, "{key} of {}", runs[run]);
        }
        let svg = read(&out.join(runs[run]).join("loss.svg"));
        assert!(page.contains(svg.trim_end()));
    }
    let criteria = table(&page, "gradientcheck");
    assert!(criteria.len() > 2 && criteria.iter().all(|row| row[4] == "passed"), "{criteria:?}");
    assert!(page.contains("onelayer reproduce --batch 10 --epochs 3 --seed 0 --data &#39;some data&#39;"));
}

#[test]
fn train_writes_the_same_page_about_its_run() {
    let scratch = tempfile::tempdir().unwrap();
    let record: Value =
        serde_json::from_str(&onelayer(scratch.path(), &["train", "--json", "--lambda", "0.5", "--shuffle"]))
            .unwrap();
    let out = scratch.path().join("out");
    let mut expected = [&FIGURES[..], &RESULTS, &["report.html", "report.md"]].concat();
    expected.sort();
    assert_eq!(files(&out), expected);
    let page = read(&out.join("report.html"));
    let accuracy: f64 = table(&page, "table1")[0][3].parse().unwrap();
    assert!((accuracy - record["test"]["accuracy"].as_f64().unwrap()).abs() <= 0.5e-4 + 1e-12);
    assert!(page.contains("onelayer train --eta 0.001 --lambda 0.5 --batch 10"));
    assert!(page.contains(" --shuffle</code>"));
}

#[test]
fn without_a_report_there_are_only_results() {
    let scratch = tempfile::tempdir().unwrap();
    onelayer(scratch.path(), &["train", "--no-report"]);
    assert_eq!(files(&scratch.path().join("out")), RESULTS);
}

#[test]
fn the_command_on_the_page_makes_the_same_weights() {
    let scratch = tempfile::tempdir().unwrap();
    onelayer(
        scratch.path(),
        &["train", "--eta", "0.01", "--seed", "5", "--shuffle", "--evaluate-every", "2"],
    );
    let out = scratch.path().join("out");
    let again = read(&out.join("report.md"));
    let again = again.lines().find(|line| line.starts_with("    onelayer")).unwrap().trim();
    // The path of the data is the only word in quotes.
    let words = again.replace("'some data'", "some\u{a0}data");
    let words: Vec<String> = words.split(' ').skip(1).map(|word| word.replace('\u{a0}', " ")).collect();
    let status = Command::new(env!("CARGO_BIN_EXE_onelayer"))
        .args(&words)
        .args(["--out", "again", "--quiet"])
        .current_dir(scratch.path())
        .output()
        .unwrap()
        .status;
    assert!(status.success(), "{again}");
    let weights = |folder: &str| fs::read(scratch.path().join(folder).join("model.safetensors")).unwrap();
    assert_eq!(weights("out"), weights("again"));
}
