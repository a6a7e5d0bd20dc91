//! A run that is stopped, by whatever means, loses nothing: what it wrote is whole, and where it saved checkpoints it
//! can be taken up and ends as if it had never stopped.

use std::cell::Cell;
use std::fs;
use std::time::Instant;

use onelayer::model::Model;
use proptest::prelude::*;
use serde_json::Value;

use super::Desk;
use super::support::names;

/// A run of a few hundred milliseconds at least, in slices that are much shorter.
pub const TRAIN: &str =
    "train --data data --engine gemm --threads 1 --epochs 60 --batch 30 --shuffle --no-report --quiet";
pub const RESUME: &str = "train --data data --resume run --no-report --quiet";

/// The weights and the history, without its seconds.
pub fn result(desk: &Desk, folder: &str) -> (Value, Vec<Value>) {
    let mut run = desk.read_json(&format!("{folder}/run.json"));
    let history = run["history"].as_array_mut().unwrap();
    for record in history.iter_mut() {
        record["seconds"] = Value::Null;
    }
    (run["weights_sha256"].clone(), run["history"].as_array().unwrap().clone())
}

/// `PROPTEST_CASES` says how many runs are killed; 10 without it.
#[test]
fn a_run_killed_at_any_moment_is_resumed_to_the_same_bits() {
    let desk = Desk::new();
    let train = format!("{TRAIN} --checkpoint-every 1");
    let begun = Instant::now();
    desk.run(&format!("{train} --out whole"));
    let takes = begun.elapsed();
    let whole = result(&desk, "whole");
    let checkpoint = desk.path("run/checkpoint.bin");
    // Where there is no checkpoint it begins again. Where there is one it must be whole.
    let go_on = || if checkpoint.exists() { RESUME.into() } else { format!("{train} --out run --overwrite") };
    let (saved, writing) = (Cell::new(0), Cell::new(0));
    let config = ProptestConfig {
        cases: super::support::cases(10),
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    };
    let moments = [0.0..1.0, 0.0..1.0];
    let ran = proptest::test_runner::TestRunner::new(config.clone()).run(&moments, |moments| {
        // Killed, killed again while it goes on, then left alone.
        for moment in moments {
            let mut child = desk.spawn(&go_on());
            std::thread::sleep(takes.mul_f64(moment));
            child.kill().unwrap();
            child.wait().unwrap();
            saved.set(saved.get() + u32::from(checkpoint.exists()));
            writing.set(writing.get() + u32::from(desk.temporary_files() > 0));
        }
        desk.run(&go_on());
        prop_assert!(result(&desk, "run") == whole);
        fs::remove_dir_all(desk.path("run")).unwrap();
        Ok(())
    });
    let kills = 2 * config.cases;
    let (saved, writing) = (saved.get(), writing.get());
    println!("{kills} kills: {saved} left a checkpoint, {writing} a file that was being written");
    ran.unwrap();
}

#[test]
fn what_a_killed_run_left_unfinished_is_removed_by_the_next() {
    let desk = Desk::new();
    desk.run("train --data data --epochs 1 --no-report --out run --checkpoint-every 1");
    for next in ["--out run --overwrite", "--resume run"] {
        fs::write(desk.path("run/.onelayer-a1B2c3"), "half").unwrap();
        fs::write(desk.path("run/.mine"), "whole").unwrap();
        desk.run(&format!("train --data data --no-report --epochs 1 --checkpoint-every 1 {next}"));
        assert_eq!(desk.temporary_files(), 0, "{next}");
        assert!(desk.path("run/.mine").exists());
    }
}

#[test]
fn other_settings_and_other_data_are_named() {
    let desk = Desk::new();
    let train = "train --data data --epochs 2 --no-report --out run --checkpoint-every 1 --engine simd";
    desk.run(train);
    let resume = "train --data data --no-report --resume run";
    desk.run(resume);
    for (options, line) in [
        ("--lambda 0.1", "--lambda: expected 0, as in the run that is resumed, found 0.1"),
        ("--epochs 1", "--epochs: expected 2, or more than the 2 that are finished, found 1"),
        ("--shuffle", "--shuffle: expected false, as in the run that is resumed, found true"),
        ("--engine gemm", "--engine: expected simd, as in the run that is resumed, found gemm"),
        ("--out there", "--resume: cannot be combined with --out"),
        ("--from run", "--resume: cannot be combined with --from"),
    ] {
        let message = desk.failure(&format!("{resume} {options}"), 2);
        assert_eq!(message, line);
    }
    let message = desk.failure("train --data data --checkpoint-every 0", 2);
    assert_eq!(message, "--checkpoint-every: expected at least 1, found 0");
    let message = desk.failure("train --data data --resume nowhere", 1);
    assert!(message.starts_with("nowhere/checkpoint.bin: cannot open"), "{message}");

    for (name, split) in [("data_batch_2", "validation"), ("data_batch_1", "training")] {
        let path = desk.path("data").join(name).with_extension("bin");
        let mut bytes = fs::read(&path).unwrap();
        bytes[5000] ^= 1;
        fs::write(&path, bytes).unwrap();
        let message = desk.failure(resume, 1);
        assert!(
            message.contains(&format!("expected {split} images as in the run that is resumed")),
            "{message}"
        );
    }
}

#[test]
fn divergence_keeps_the_last_finite_model() {
    let desk = Desk::new();
    let train = "train --data data --eta 1e17 --lambda 1 --batch 300 --epochs 9 --no-report --quiet";
    let message = desk.failure(&format!("{train} --out run"), 3);
    assert!(message.contains("2 eta lambda must stay below 2: try a smaller --lambda"), "{message}");
    assert_eq!(names(&desk.path("run")), ["history.csv", "model.safetensors", "run.json"]);
    let model = Model::load(&desk.path("run/model.safetensors")).unwrap();
    let epochs: usize = model.metadata["epoch"].parse().unwrap();
    assert!(message.contains(&format!("diverged in epoch {}", epochs + 1)), "{message}");
    assert!(epochs > 0 && model.parameters.is_finite());
    assert_eq!(desk.read("run/history.csv").lines().count(), epochs + 2);
    // Before there is a model to keep, there are its history and its record.
    desk.failure("train --data data --eta 1e38 --epochs 5 --out first --quiet", 3);
    assert_eq!(names(&desk.path("first")), ["history.csv", "run.json"]);
    assert_eq!(desk.read_json("first/run.json")["status"], "diverged");
    assert_eq!(desk.read("first/history.csv").lines().count(), 2);
}
