//! `onelayer info` and `onelayer synth`: what is said of a data folder, a model, a run and this machine, and
//! that synthetic files overwrite nothing and leave nothing behind.

use std::fs;

use onelayer::data::layout::RECORD;
use onelayer::data::synthetic;
use onelayer::model::Model;
use serde_json::Value;
use tempfile::TempDir;

use super::Desk;
use super::support::data_sets::write_pair;
use super::support::names;

#[test]
fn info_of_this_machine_names_the_synthetic_set_and_leaves_nothing_behind() {
    let desk = Desk::bare();
    let (json, people) = desk.run("info --json");
    let info: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&info["kind"], &info["dataset"]["name"]), (&"machine".into(), &"synthetic".into()));
    assert_eq!(info["dataset"]["path"], Value::Null);
    assert_eq!(info["dataset"]["train"]["images"], synthetic::RECORDS);
    assert!(info["cores"].as_u64().unwrap() >= 1);
    assert!(info["isa"].as_array().unwrap().contains(&"portable".into()));
    assert!(people.contains("This is not CIFAR") && people.contains("onelayer fetch"), "{people}");
    assert_eq!(desk.files(), ["data/", "tmp/"]);
}

#[test]
fn info_of_a_data_folder_counts_its_images() {
    let desk = Desk::new();
    let info = desk.json("info data");
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

    let words = desk.run("info data").0;
    for fact in ["CIFAR-10 (data): 300 training, 200 validation, 100 test", "3,072 features", "automobile"] {
        assert!(words.contains(fact), "{fact:?} in {words}");
    }
    let same = desk.run("info --data data").0;
    assert!(same.contains("CIFAR-10 (data)"), "{same}");
}

#[test]
fn info_of_a_run_and_its_model() {
    let desk = Desk::new();
    desk.run("train --data data --epochs 2 --out run --no-report --quiet");
    let info = desk.json("info run");
    assert_eq!((&info["kind"], info["runs"].as_array().unwrap().len()), (&"run".into(), 1));
    let record = desk.read_json("run/run.json");
    assert_eq!(info["runs"][0], record);
    let words = desk.run("info run/run.json").0;
    for fact in [
        "batch 100, epochs 2, shuffle false, seed 0",
        record["weights_sha256"].as_str().unwrap(),
        "test accuracy",
    ] {
        assert!(words.contains(fact), "{fact:?} in {words}");
    }

    let info = desk.json("info run/model.safetensors");
    let model = Model::load(&desk.path("run/model.safetensors")).unwrap();
    assert_eq!((&info["kind"], &info["features"]), (&"model".into(), &3072.into()));
    assert_eq!(info["classes"], Value::from(model.classes));
    assert_eq!(info["weights_sha256"], record["weights_sha256"]);
    assert_eq!(info["metadata"]["epochs"], "2");
    let words = desk.run("info run/model.safetensors").0;
    assert!(words.contains("3,072 features, 10 classes: airplane, automobile"), "{words}");
}

#[test]
fn info_of_what_is_none_of_these() {
    let desk = Desk::bare();
    fs::write(desk.path("junk"), "junk").unwrap();
    fs::write(desk.path("run.json"), "{\"runs\": 3}").unwrap();
    fs::create_dir(desk.path("empty")).unwrap();
    for (path, facts) in [
        ("missing", "missing: cannot open"),
        ("junk", "junk: expected a model file in safetensors format"),
        ("run.json", "run.json: expected the record of a run, JSON"),
        ("empty", "empty: expected a folder with data_batch_1.bin"),
    ] {
        let message = desk.failure(&format!("info {path}"), 1);
        assert!(message.starts_with(facts), "{message}");
    }
}

#[test]
fn synth_writes_the_set_of_its_seed_and_overwrites_nothing() {
    let desk = Desk::bare();
    let written = desk.json("synth --out new/set --seed 3");
    assert_eq!(
        (&written["name"], &written["seed"], &written["out"]),
        (&"synthetic".into(), &3.into(), &"new/set".into())
    );
    let set = desk.path("new/set");
    let written: Vec<&str> =
        written["files"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(written, ["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin", "batches.meta.txt"]);
    assert_eq!(names(&set).len(), written.len());
    let expected = TempDir::new().unwrap();
    synthetic::write(expected.path(), 3).unwrap();
    for name in written {
        assert!(fs::read(set.join(name)).unwrap() == fs::read(expected.path().join(name)).unwrap(), "{name}");
    }

    fs::write(set.join("test_batch.bin"), "precious").unwrap();
    let message = desk.failure("synth --out new/set", 1);
    assert!(message.starts_with("new/set: expected a folder without a data set"), "{message}");
    fs::remove_file(set.join("data_batch_1.bin")).unwrap();
    desk.failure("synth --out new/set", 1);
    assert_eq!(desk.read("new/set/test_batch.bin"), "precious");
    assert_eq!(names(&set).len(), 3);
}

#[test]
fn synth_needs_a_place_that_takes_files() {
    let desk = Desk::bare();
    fs::write(desk.path("file"), "").unwrap();
    let message = desk.failure("synth --out file", 1);
    assert!(message.starts_with("file: "), "{message}");
    let message = desk.failure("synth", 2);
    assert!(message.contains("--out"), "{message}");
    assert_eq!(desk.files(), ["data/", "file", "tmp/"]);
}

#[test]
fn the_deviation_of_pixels_is_that_of_the_pixels_that_vary() {
    let desk = Desk::bare();
    for split in ["train", "validation", "test"] {
        // The first pixel is the same in every image; the second one is black or white.
        let pixels = [100, 0, 100, 255, 100, 0, 100, 255];
        write_pair(&desk.path("data"), split, &[4, 2], &pixels, &[0, 1, 0, 1]);
    }
    let pixels = &desk.json("info data")["pixels"];
    let (mean, std) = (pixels["mean"].as_f64().unwrap(), pixels["std"].as_f64().unwrap());
    assert!((mean - (100.0 / 255.0 + 0.5) / 2.0).abs() < 1e-6 && (std - 0.5).abs() < 1e-6, "{pixels}");
}
