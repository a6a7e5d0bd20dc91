//! Ctrl-C and SIGTERM end a run soon, whatever it is at, and what it reached is there.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use onelayer::model::Model;

use super::Desk;
use super::support::data_sets::write_holes;
use super::survival::{RESUME, TRAIN, result};

#[test]
fn a_signal_ends_training_with_everything_written() {
    let desk = Desk::new();
    desk.run(&format!("{TRAIN} --out whole"));
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let train = TRAIN.replace("--epochs 60", "--epochs 100000");
        let mut child = desk.spawn(&format!("{train} --checkpoint-every 3 --out run"));
        desk.wait_for("run/checkpoint.bin");
        let message = stop(&mut child, name, code);
        assert!(message.contains("run: stopped by signal") && message.contains("--resume"), "{message}");
        let model = Model::load(&desk.path("run/model.safetensors")).unwrap();
        let epochs: usize = model.metadata["epoch"].parse().unwrap();
        let history = desk.read("run/history.csv");
        assert_eq!(history.lines().count(), 1 + epochs);
        let record = desk.read_json("run/run.json");
        assert!(epochs >= 3 && record["status"] == "stopped" && record["test"]["loss"].is_null());
        assert!(desk.run("info run").0.contains("stopped"), "an interrupted run has its record");
        assert_eq!(desk.temporary_files(), 0);
        fs::remove_dir_all(desk.path("run")).unwrap();

        // Without checkpoints the same, but for the way back.
        let mut child = desk.spawn(&format!("{train} --out run"));
        wait_for_training(&desk);
        let message = stop(&mut child, name, code);
        assert!(message.contains("stopped by signal") && !message.contains("--resume"), "{message}");
        assert!(!desk.path("run/checkpoint.bin").exists());
        Model::load(&desk.path("run/model.safetensors")).unwrap();
        fs::remove_dir_all(desk.path("run")).unwrap();
    }
}

/// A data set `arrays`, with so many images for the test.
fn arrays(desk: &Desk, features: usize, classes: u8, test: usize) {
    let folder = desk.path("arrays");
    fs::create_dir(&folder).unwrap();
    for (split, images) in [("train", 300), ("validation", 300), ("test", test)] {
        write_holes(&folder, split, [images, features], classes);
    }
}

/// It takes many seconds to test on 40 million images.
#[test]
fn a_signal_while_the_model_is_tested_ends_the_run_with_everything_written() {
    let desk = Desk::new();
    arrays(&desk, 16, 2, 40_000_000);
    let train = "train --data arrays --engine gemm --threads 1 --epochs 2 --out run --quiet";
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut child = desk.spawn(&format!("{train} --checkpoint-every 9"));
        // It is saved after the last epoch.
        desk.wait_for("run/checkpoint.bin");
        let message = stop(&mut child, name, code);
        assert!(message.contains("after 2 epochs") && message.contains("--resume"), "{message}");
        let model = Model::load(&desk.path("run/model.safetensors")).unwrap();
        assert!(model.metadata["epoch"] == "2" && !model.metadata.contains_key("test_loss"));
        assert_eq!(desk.read("run/history.csv").lines().count(), 3);
        assert_eq!(desk.read_json("run/run.json")["status"], "stopped");
        assert_eq!(desk.temporary_files(), 0);

        let mut child = desk.spawn("train --data arrays --resume run --quiet");
        wait_for_training(&desk);
        stop(&mut child, name, code);
        assert!(Model::load(&desk.path("run/model.safetensors")).unwrap().parameters == model.parameters);
        fs::remove_dir_all(desk.path("run")).unwrap();
    }
}

/// The report on 255 classes of 3,072 features takes seconds; what it is about is there before.
#[test]
fn a_signal_while_the_report_is_made_ends_the_run_at_once() {
    let desk = Desk::new();
    arrays(&desk, 3072, 255, 300);
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut child = desk.spawn("train --data arrays --epochs 2 --out run --quiet");
        desk.wait_for("run/run.json");
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(stop(&mut child, name, code), "");
        let model = Model::load(&desk.path("run/model.safetensors")).unwrap();
        assert!(model.metadata.contains_key("test_loss"));
        assert_eq!(desk.read("run/history.csv").lines().count(), 3);
        assert!(!desk.path("run/report.html").exists());
        assert_eq!(desk.read_json("run/run.json")["status"], "done");
        fs::remove_dir_all(desk.path("run")).unwrap();
    }
}

#[test]
fn a_run_stopped_by_a_signal_is_resumed_to_the_same_bits() {
    let desk = Desk::new();
    let train = TRAIN.replace("--epochs 60", "--epochs 600");
    desk.run(&format!("{train} --out whole"));
    let mut child = desk.spawn(&format!("{train} --checkpoint-every 7 --out run"));
    desk.wait_for("run/checkpoint.bin");
    stop(&mut child, "INT", 130);
    desk.run(RESUME);
    assert!(result(&desk, "run") == result(&desk, "whole"));
}

/// A step of the reference over 10,000 images takes seconds: the first signal has to wait for its end, the second
/// one does not.
#[test]
fn a_second_signal_ends_the_run_at_once() {
    let desk = Desk::new();
    let mut child = desk.spawn("train --engine reference --batch 10000 --out run --quiet");
    wait_for_training(&desk);
    let id = child.id().to_string();
    let kill = || std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(kill().success());
    std::thread::sleep(Duration::from_millis(50));
    assert!(child.try_wait().unwrap().is_none(), "it waits for the end of the step");
    assert_eq!(stop(&mut child, "TERM", 143), "");
    assert!(!desk.path("run/model.safetensors").exists());
}

/// Waits until the run folder is there, and training with it.
fn wait_for_training(desk: &Desk) {
    desk.wait_for("run");
    std::thread::sleep(Duration::from_millis(100));
}

/// Sends the signal; the process must end with `code` before long. Returns its one line.
pub fn stop(child: &mut Child, signal: &str, code: i32) -> String {
    let id = child.id().to_string();
    let sent = Instant::now();
    assert!(
        std::process::Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success()
    );
    let status = child.wait().unwrap();
    // Ten times what it takes on a quiet machine.
    assert!(sent.elapsed() < Duration::from_secs(1), "{:?}", sent.elapsed());
    assert_eq!(status.code(), Some(code));
    let message = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert!(message.lines().count() <= 1, "{message}");
    message
}

/// The built-in data takes a while to draw, and there is nothing to lose yet. Its threads start after the watch on
/// signals does.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_before_training_ends_the_run_at_once() {
    let desk = Desk::new();
    let mut child = desk.spawn("train --threads 2 --out run --quiet");
    let threads = format!("/proc/{}/task", child.id());
    let patience = Instant::now() + Duration::from_secs(20);
    while fs::read_dir(&threads).unwrap().count() < 2 {
        assert!(Instant::now() < patience, "no threads");
    }
    assert_eq!(stop(&mut child, "TERM", 143), "");
    assert!(!desk.path("run").exists());
}
