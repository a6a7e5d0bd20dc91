//! Ctrl-C and SIGTERM end a run soon, whatever it is at, and what it reached is there.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use onelayer::model::Model;

use super::Desk;
use super::survival::{RESUME, TRAIN, await_file, result, spawn, temporary_files};

#[test]
fn a_signal_ends_training_with_everything_written() {
    let desk = Desk::new();
    desk.run(&format!("{TRAIN} --out whole"));
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let train = TRAIN.replace("--epochs 60", "--epochs 100000");
        let mut child = spawn(&desk, &format!("{train} --checkpoint-every 3 --out run"));
        await_file(&desk, "checkpoint.bin");
        let message = stop(&mut child, name, code);
        assert!(message.contains("run: stopped by signal") && message.contains("--resume"), "{message}");
        let model = Model::load(&desk.path("run/model.safetensors")).unwrap();
        let epochs: usize = model.metadata["epochs"].parse().unwrap();
        let history = fs::read_to_string(desk.path("run/history.csv")).unwrap();
        assert_eq!(history.lines().count(), 1 + epochs);
        assert!(epochs >= 3 && !desk.path("run/run.json").exists());
        assert_eq!(temporary_files(&desk), 0);
        fs::remove_dir_all(desk.path("run")).unwrap();

        // Without checkpoints the same, but for the way back.
        let mut child = spawn(&desk, &format!("{train} --out run"));
        await_folder(&desk);
        let message = stop(&mut child, name, code);
        assert!(message.contains("stopped by signal") && !message.contains("--resume"), "{message}");
        assert!(!desk.path("run/checkpoint.bin").exists());
        Model::load(&desk.path("run/model.safetensors")).unwrap();
        fs::remove_dir_all(desk.path("run")).unwrap();
    }
}

/// A data set of NumPy arrays in the folder `name`: images of `features` zeros, and labels that go around. So many
/// images of it test that nobody can wait for them; they are holes in a file.
fn arrays(desk: &Desk, name: &str, features: usize, classes: usize, test: u64) {
    let folder = desk.path(name);
    fs::create_dir(&folder).unwrap();
    for (split, images) in [("train", 300), ("validation", 300), ("test", test)] {
        for (what, shape, width) in [
            ("images", format!("{images}, {features}"), features as u64),
            ("labels", format!("{images},"), 1),
        ] {
            let dictionary = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}");
            let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
            bytes.extend(format!("{dictionary:<117}\n").into_bytes());
            let length = bytes.len() as u64 + images * width;
            if what == "labels" {
                bytes.extend((0..images.min(300)).map(|image| (image % classes as u64) as u8));
            }
            let path = folder.join(format!("{split}_{what}.npy"));
            fs::write(&path, bytes).unwrap();
            fs::File::options().write(true).open(&path).unwrap().set_len(length).unwrap();
        }
    }
}

/// It takes many seconds to test on 40 million images.
#[test]
fn a_signal_while_the_model_is_tested_ends_the_run_with_everything_written() {
    let desk = Desk::new();
    arrays(&desk, "many", 16, 2, 40_000_000);
    let train = "train --data many --engine gemm --threads 1 --epochs 2 --out run --quiet";
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut child = spawn(&desk, &format!("{train} --checkpoint-every 9"));
        // It is saved after the last epoch.
        await_file(&desk, "checkpoint.bin");
        let message = stop(&mut child, name, code);
        assert!(message.contains("after 2 whole epochs") && message.contains("--resume"), "{message}");
        let model = Model::load(&desk.path("run/model.safetensors")).unwrap();
        assert!(model.metadata["epochs"] == "2" && !model.metadata.contains_key("test_loss"));
        assert_eq!(fs::read_to_string(desk.path("run/history.csv")).unwrap().lines().count(), 3);
        assert!(!desk.path("run/run.json").exists());
        assert_eq!(temporary_files(&desk), 0);

        let mut child = spawn(&desk, "train --data many --resume run --quiet");
        await_folder(&desk);
        stop(&mut child, name, code);
        assert!(Model::load(&desk.path("run/model.safetensors")).unwrap().parameters == model.parameters);
        fs::remove_dir_all(desk.path("run")).unwrap();
    }
}

/// The report on 256 classes of 3,072 features takes seconds; what it is about is there before.
#[test]
fn a_signal_while_the_report_is_made_ends_the_run_at_once() {
    let desk = Desk::new();
    arrays(&desk, "wide", 3072, 256, 300);
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut child = spawn(&desk, "train --data wide --epochs 2 --out run --quiet");
        await_file(&desk, "history.csv");
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(stop(&mut child, name, code), "");
        let model = Model::load(&desk.path("run/model.safetensors")).unwrap();
        assert!(model.metadata.contains_key("test_loss"));
        assert_eq!(fs::read_to_string(desk.path("run/history.csv")).unwrap().lines().count(), 3);
        assert!(!desk.path("run/report.html").exists() && !desk.path("run/run.json").exists());
        fs::remove_dir_all(desk.path("run")).unwrap();
    }
}

#[test]
fn a_run_stopped_by_a_signal_is_resumed_to_the_same_bits() {
    let desk = Desk::new();
    let train = TRAIN.replace("--epochs 60", "--epochs 600");
    desk.run(&format!("{train} --out whole"));
    let mut child = spawn(&desk, &format!("{train} --checkpoint-every 7 --out run"));
    await_file(&desk, "checkpoint.bin");
    stop(&mut child, "INT", 130);
    desk.run(RESUME);
    assert!(result(&desk, "run") == result(&desk, "whole"));
}

/// A step of the reference over 10,000 images takes seconds: the first signal has to wait for its end, the second
/// one does not.
#[test]
fn a_second_signal_ends_the_run_at_once() {
    let desk = Desk::new();
    let mut child = spawn(&desk, "train --engine reference --batch 10000 --out run --quiet");
    await_folder(&desk);
    let id = child.id().to_string();
    let kill = || std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(kill().success());
    std::thread::sleep(Duration::from_millis(50));
    assert!(child.try_wait().unwrap().is_none(), "it waits for the end of the step");
    assert_eq!(stop(&mut child, "TERM", 143), "");
    assert!(!desk.path("run/model.safetensors").exists());
}

/// Waits until the run folder is there, and training with it.
fn await_folder(desk: &Desk) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !desk.path("run").exists() {
        assert!(Instant::now() < patience, "no folder");
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(100));
}

/// Sends the signal; the process must end with `code` before long. Returns its one line.
fn stop(child: &mut Child, signal: &str, code: i32) -> String {
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
    let mut child = spawn(&desk, "train --threads 2 --out run --quiet");
    let threads = format!("/proc/{}/task", child.id());
    let patience = Instant::now() + Duration::from_secs(20);
    while fs::read_dir(&threads).unwrap().count() < 2 {
        assert!(Instant::now() < patience, "no threads");
    }
    assert_eq!(stop(&mut child, "TERM", 143), "");
    assert!(!desk.path("run").exists());
}
