//! `train` and `reproduce` write the report of what they did, unless told not to.

use std::fs;

use serde_json::Value;

use super::markup::{check_balanced, table};
use super::support::data_sets::write_noise;
use super::support::files;
use super::{Desk, Done};

/// Three epochs of a few images of noise, in a folder whose name takes quotes.
fn run(desk: &Desk, arguments: &str) -> String {
    fs::create_dir(desk.path("some data")).unwrap();
    write_noise(&desk.path("some data"), [100; 3]);
    let mut command = desk.command(&format!("{arguments} --out out --epochs 3 --batch 10"));
    let Done { code, stdout, stderr } = Done::of(command.args(["--data", "some data"]));
    assert_eq!(code, Some(0), "{stderr}");
    stdout
}

const FIGURES: [&str; 6] =
    ["accuracy.svg", "confusion.svg", "loss.svg", "probabilities.svg", "templates.png", "templates.svg"];
const RESULTS: [&str; 3] = ["history.csv", "model.safetensors", "run.json"];

#[test]
fn reproduce_writes_one_page_about_four_runs() {
    let desk = Desk::bare();
    run(&desk, "reproduce --quiet");
    let runs = ["test1", "test2", "test3", "test4"];
    let mut expected: Vec<String> =
        ["curves.svg", "report.html", "report.md", "run.json"].map(String::from).to_vec();
    for run in runs {
        expected.extend(FIGURES.iter().chain(&RESULTS).map(|name| format!("{run}/{name}")));
    }
    expected.sort();
    assert_eq!(files(&desk.path("out")), expected);

    let page = desk.read("out/report.html");
    check_balanced(&page);
    let record = desk.read_json("out/run.json");
    assert_eq!(table(&page, "table1").len(), 4);
    for (run, name) in runs.iter().enumerate() {
        let record = &record["runs"][run];
        assert_eq!(*record, desk.read_json(&format!("out/{}/run.json", name)));
        assert!(page.contains(desk.read(&format!("out/{}/loss.svg", name)).trim_end()));
    }
    let criteria = table(&page, "gradientcheck");
    assert!(criteria.len() > 2 && criteria.iter().all(|row| row[4] == "passed"), "{criteria:?}");
    assert!(page.contains("onelayer reproduce --batch 10 --epochs 3 --seed 0 --evaluate-every 1 --objective softmax --data &#39;some data&#39;"));
}

#[test]
fn train_writes_the_same_page_about_its_run() {
    let desk = Desk::bare();
    let record: Value = serde_json::from_str(&run(&desk, "train --json --lambda 0.5 --shuffle")).unwrap();
    let mut expected = [&FIGURES[..], &RESULTS, &["report.html", "report.md"]].concat();
    expected.sort();
    assert_eq!(files(&desk.path("out")), expected);
    let page = desk.read("out/report.html");
    let accuracy: f64 = table(&page, "table1")[0][3].parse().unwrap();
    assert!((accuracy - record["test"]["accuracy"].as_f64().unwrap()).abs() <= 0.5e-4 + 1e-12);
    assert!(
        page.contains("onelayer train --eta 0.001 --lambda 0.5 --batch 10 --epochs 3 --shuffle --seed 0")
    );
}

#[test]
fn the_command_on_the_page_makes_the_same_weights() {
    let desk = Desk::bare();
    run(&desk, "train --eta 0.01 --seed 5 --shuffle --evaluate-every 2");
    let page = desk.read("out/report.md");
    let again = page.lines().find(|line| line.starts_with("    onelayer")).unwrap();
    let script = format!("onelayer() {{ \"$0\" \"$@\"; }}; {again} --out again --quiet");
    let done = Done::of(&mut desk.command_under(&["sh", "-c", &script], ""));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let [first, second] = ["out", "again"].map(|folder| desk.read_json(&format!("{folder}/run.json")));
    assert_eq!(first["weights_sha256"], second["weights_sha256"]);
}
