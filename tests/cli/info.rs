//! `onelayer info` and `onelayer synth`: what is said of a data folder, a model, a run and this machine, and
//! that synthetic files overwrite nothing and leave nothing behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use onelayer::data::layout::RECORD;
use onelayer::data::synthetic;
use onelayer::model::Model;
use serde_json::Value;
use tempfile::TempDir;

/// Runs the command in `folder`, without the data that the environment may name.
fn onelayer(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onelayer"));
    command.args(arguments).current_dir(folder).env_remove("ONELAYER_DATA").output().unwrap()
}

#[track_caller]
fn text(folder: &Path, arguments: &[&str]) -> String {
    let output = onelayer(folder, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&text(folder, &[arguments, &["--json"]].concat())).unwrap()
}

/// The one line on stderr of a command that fails with exit code `code`.
#[track_caller]
fn failure(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = onelayer(folder, arguments);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert!(output.stdout.is_empty());
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

/// A folder with `data/`, of 300, 200 and 100 records of noise.
fn small_data() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    for (name, records) in [("data_batch_1.bin", 300), ("data_batch_2.bin", 200), ("test_batch.bin", 100)] {
        let record =
            |n: usize| (0..RECORD).map(move |i| if i == 0 { n % 10 } else { (i * n * 37) >> 3 } as u8);
        let bytes: Vec<u8> = (0..records).flat_map(record).collect();
        fs::write(folder.path().join("data").join(name), bytes).unwrap();
    }
    folder
}

fn file_count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn info_of_this_machine_names_the_synthetic_set_and_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_onelayer"));
    command.args(["info", "--json"]).current_dir(folder.path()).env_remove("ONELAYER_DATA");
    let output = command.env("TMPDIR", folder.path()).output().unwrap();
    let (json, people) = (output.stdout, String::from_utf8(output.stderr).unwrap());
    let info: Value = serde_json::from_slice(&json).expect(&people);
    assert_eq!((&info["kind"], &info["dataset"]["name"]), (&"machine".into(), &"synthetic".into()));
    assert_eq!(info["dataset"]["path"], Value::Null);
    assert_eq!(info["dataset"]["train"]["images"], synthetic::RECORDS);
    assert!(info["cores"].as_u64().unwrap() >= 1);
    assert!(info["isa"].as_array().unwrap().contains(&"portable".into()));
    assert!(people.contains("This is not CIFAR") && people.contains("onelayer fetch"), "{people}");
    assert_eq!(file_count(folder.path()), 0);
}

#[test]
fn info_of_a_data_folder_counts_its_images() {
    let folder = small_data();
    let info = json(folder.path(), &["info", "data"]);
    assert_eq!(
        (&info["kind"], &info["name"], &info["path"]),
        (&"dataset".into(), &"CIFAR-10".into(), &"data".into())
    );
    for (split, images) in [("train", 300), ("validation", 200), ("test", 100)] {
        assert_eq!(info[split]["images"], images);
        assert_eq!(info[split]["per_class"], Value::from(vec![images / 10; 10]));
    }
    let file = &info["train"]["files"][0];
    assert_eq!((&file["name"], &file["bytes"]), (&"data_batch_1.bin".into(), &(300 * RECORD).into()));
    assert_eq!(
        (&file["official"], &info["validation"]["files"][0]["official"]),
        (&false.into(), &Value::Null)
    );
    assert_eq!(file["sha256"].as_str().unwrap().len(), 64);

    let words = text(folder.path(), &["info", "data"]);
    for fact in ["CIFAR-10 (data): 300 training, 200 validation, 100 test", "3,072 features", "automobile"] {
        assert!(words.contains(fact), "{fact:?} in {words}");
    }
    let same = text(folder.path(), &["info", "--data", "data"]);
    assert!(same.contains("CIFAR-10 (data)"), "{same}");
}

#[test]
fn info_of_a_run_and_its_model() {
    let folder = small_data();
    text(
        folder.path(),
        &["train", "--data", "data", "--epochs", "2", "--out", "run", "--no-report", "--quiet"],
    );
    let info = json(folder.path(), &["info", "run"]);
    assert_eq!((&info["kind"], info["runs"].as_array().unwrap().len()), (&"run".into(), 1));
    let record: Value =
        serde_json::from_slice(&fs::read(folder.path().join("run/run.json")).unwrap()).unwrap();
    assert_eq!(info["runs"][0], record);
    let words = text(folder.path(), &["info", "run/run.json"]);
    for fact in ["batches of 100, 2 epochs", record["weights_sha256"].as_str().unwrap(), "test accuracy"] {
        assert!(words.contains(fact), "{fact:?} in {words}");
    }

    let info = json(folder.path(), &["info", "run/model.safetensors"]);
    let model = Model::load(&folder.path().join("run/model.safetensors")).unwrap();
    assert_eq!((&info["kind"], &info["features"]), (&"model".into(), &3072.into()));
    assert_eq!(info["classes"], Value::from(model.classes));
    assert_eq!(info["weights_sha256"], record["weights_sha256"]);
    assert_eq!(info["metadata"]["epochs"], "2");
    let words = text(folder.path(), &["info", "run/model.safetensors"]);
    assert!(words.contains("3,072 features, 10 classes: airplane, automobile"), "{words}");
}

#[test]
fn info_of_what_is_none_of_these() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("junk"), "junk").unwrap();
    fs::write(folder.path().join("run.json"), "{\"runs\": 3}").unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    for (path, facts) in [
        ("missing", "missing: cannot open"),
        ("junk", "junk: expected a model file in safetensors format"),
        ("run.json", "run.json: expected the record of a run, JSON"),
        ("empty", "empty: expected a folder with data_batch_1.bin"),
    ] {
        let message = failure(folder.path(), &["info", path], 1);
        assert!(message.starts_with(&format!("onelayer: {facts}")), "{message}");
    }
}

#[test]
fn synth_writes_the_set_of_its_seed_and_overwrites_nothing() {
    let folder = TempDir::new().unwrap();
    let written = json(folder.path(), &["synth", "--out", "new/set", "--seed", "3"]);
    assert_eq!(
        (&written["name"], &written["seed"], &written["out"]),
        (&"synthetic".into(), &3.into(), &"new/set".into())
    );
    let set = folder.path().join("new/set");
    let names: Vec<&str> =
        written["files"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(names, ["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin", "batches.meta.txt"]);
    assert_eq!(file_count(&set), names.len());
    let expected = TempDir::new().unwrap();
    synthetic::write(expected.path(), 3).unwrap();
    for name in names {
        assert!(fs::read(set.join(name)).unwrap() == fs::read(expected.path().join(name)).unwrap(), "{name}");
    }

    fs::write(set.join("test_batch.bin"), "precious").unwrap();
    let message = failure(folder.path(), &["synth", "--out", "new/set"], 1);
    assert!(message.starts_with("onelayer: new/set: expected a folder without a data set"), "{message}");
    fs::remove_file(set.join("data_batch_1.bin")).unwrap();
    failure(folder.path(), &["synth", "--out", "new/set"], 1);
    assert_eq!(fs::read_to_string(set.join("test_batch.bin")).unwrap(), "precious");
    assert_eq!(file_count(&set), 3);
}

#[test]
fn synth_needs_a_place_that_takes_files() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let message = failure(folder.path(), &["synth", "--out", "file"], 1);
    assert!(message.starts_with("onelayer: file: "), "{message}");
    let message = failure(folder.path(), &["synth"], 2);
    assert!(message.contains("--out"), "{message}");
    assert_eq!(file_count(folder.path()), 1);
}
