//! A run that is stopped, by whatever means, loses nothing: what it wrote is whole, and where it saved checkpoints it
//! can be taken up and ends as if it had never stopped.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use onelayer::model::Model;
use serde_json::Value;

use super::Desk;

/// A run of a few hundred milliseconds at least, in slices that are much shorter.
const TRAIN: &str =
    "train --data data --engine gemm --threads 1 --epochs 60 --batch 30 --shuffle --no-report --quiet";
const RESUME: &str = "train --data data --resume run --no-report --quiet";

fn spawn(desk: &Desk, arguments: &str) -> Child {
    let mut command = desk.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the run folder has a file of this name.
fn await_file(desk: &Desk, name: &str) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !desk.path("run").join(name).exists() {
        assert!(Instant::now() < patience, "no {name}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The weights and the history, without its seconds.
fn result(desk: &Desk, folder: &str) -> (Value, Vec<Value>) {
    let text = fs::read_to_string(desk.path(folder).join("run.json")).unwrap();
    let mut run: Value = serde_json::from_str(&text).unwrap();
    let history = run["history"].as_array_mut().unwrap();
    for record in history.iter_mut() {
        record["seconds"] = Value::Null;
    }
    (run["weights_sha256"].clone(), run["history"].as_array().unwrap().clone())
}

pub fn temporary_files(desk: &Desk) -> usize {
    desk.contents().iter().filter(|path| path.to_string_lossy().contains(".onelayer-")).count()
}

#[test]
fn a_run_killed_at_any_moment_is_resumed_to_the_same_bits() {
    let desk = Desk::new();
    desk.run(&format!("{TRAIN} --out whole"));
    let whole = result(&desk, "whole");
    let train = format!("{TRAIN} --checkpoint-every 1 --out run --overwrite");
    for kill in 0..10 {
        let mut child = spawn(&desk, &train);
        await_file(&desk, "checkpoint.bin");
        std::thread::sleep(Duration::from_millis(7 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
        // Killed again while it resumes, then left alone.
        let mut child = spawn(&desk, RESUME);
        std::thread::sleep(Duration::from_millis(20 + 5 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
        desk.run(RESUME);
        assert!(result(&desk, "run") == whole, "kill {kill}");
        fs::remove_dir_all(desk.path("run")).unwrap();
    }
}

#[cfg(unix)]
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

#[cfg(unix)]
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
#[cfg(unix)]
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
#[cfg(unix)]
fn await_folder(desk: &Desk) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !desk.path("run").exists() {
        assert!(Instant::now() < patience, "no folder");
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(100));
}

/// Sends the signal; the process must end with `code` before long. Returns its one line.
#[cfg(unix)]
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

#[test]
fn what_a_killed_run_left_unfinished_is_removed_by_the_next() {
    let desk = Desk::new();
    desk.run("train --data data --epochs 1 --no-report --out run --checkpoint-every 1");
    for next in ["--out run --overwrite", "--resume run"] {
        fs::write(desk.path("run/.onelayer-a1B2c3"), "half").unwrap();
        fs::write(desk.path("run/.mine"), "whole").unwrap();
        desk.run(&format!("train --data data --no-report --epochs 1 --checkpoint-every 1 {next}"));
        assert_eq!(temporary_files(&desk), 0, "{next}");
        assert!(desk.path("run/.mine").exists());
    }
}

#[test]
fn what_a_killed_run_left_of_the_built_in_data_is_removed_by_the_next() {
    let desk = Desk::new();
    let folder = |name: &str| {
        let path = desk.path("tmp").join(name);
        fs::create_dir(&path).unwrap();
        path
    };
    let (left, young, owned, mine) = (
        folder("onelayer-synthetic-a"),
        folder("onelayer-synthetic-b"),
        folder("onelayer-synthetic-c"),
        folder("mine"),
    );
    fs::write(left.join("lock"), "").unwrap();
    let lock = fs::File::create(owned.join("lock")).unwrap();
    lock.lock().unwrap();
    for path in [&left, &owned, &mine] {
        let then = std::time::SystemTime::now() - Duration::from_secs(3600);
        fs::File::open(path).unwrap().set_modified(then).unwrap();
    }
    desk.run("train --epochs 1 --no-report --out run");
    assert_eq!([left, young, owned, mine].map(|path| path.exists()), [false, true, true, true]);
    assert_eq!(fs::read_dir(desk.path("tmp")).unwrap().count(), 3);
}

/// The built-in data takes a while to draw, and there is nothing to lose yet.
#[cfg(unix)]
#[test]
fn a_signal_before_training_ends_the_run_at_once() {
    let desk = Desk::new();
    let mut child = spawn(&desk, "train --out run --quiet");
    let patience = Instant::now() + Duration::from_secs(20);
    while fs::read_dir(desk.path("tmp")).unwrap().next().is_none() {
        assert!(Instant::now() < patience, "no data");
    }
    assert_eq!(stop(&mut child, "TERM", 143), "");
    assert!(!desk.path("run").exists());
}

#[test]
fn other_settings_and_other_data_are_named() {
    let desk = Desk::new();
    let train = "train --data data --epochs 2 --no-report --out run --checkpoint-every 1 --engine simd";
    desk.run(train);
    let resume = "train --data data --no-report --resume run";
    desk.run(resume);
    for (options, line) in [
        ("--eta 0.1", "--eta: expected 0.001, as in the run that is resumed, found 0.1"),
        ("--epochs 3", "--epochs: expected 2, as in the run that is resumed, found 3"),
        ("--shuffle", "--shuffle: expected false, as in the run that is resumed, found true"),
        ("--engine gemm", "--engine: expected simd, as in the run that is resumed, found gemm"),
        ("--out there", "--resume: expected without --out, found with it"),
    ] {
        let message = desk.failure(&format!("{resume} {options}"), 2);
        assert_eq!(message, line);
    }
    let message = desk.failure("train --data data --checkpoint-every 0", 2);
    assert_eq!(message, "--checkpoint-every: expected at least 1, found 0");
    let message = desk.failure("train --data data --resume nowhere", 1);
    assert!(message.starts_with("nowhere/checkpoint.bin: cannot open"), "{message}");

    for (name, split) in
        [("test_batch", "test"), ("data_batch_2", "validation"), ("data_batch_1", "training")]
    {
        let path = desk.path("data").join(name).with_extension("bin");
        let mut bytes = fs::read(&path).unwrap();
        bytes[5000] ^= 1;
        fs::write(&path, bytes).unwrap();
        let message = desk.failure(resume, 1);
        assert!(message.starts_with(&format!("data: expected the {split} images")), "{message}");
    }
}

#[test]
fn divergence_keeps_the_last_finite_model() {
    let desk = Desk::new();
    let train = "train --data data --eta 1e17 --lambda 1 --batch 300 --epochs 9 --no-report --quiet";
    let message = desk.failure(&format!("{train} --out run"), 3);
    let model = Model::load(&desk.path("run/model.safetensors")).unwrap();
    let epochs: usize = model.metadata["epochs"].parse().unwrap();
    assert!(message.contains(&format!("diverged in epoch {}", epochs + 1)), "{message}");
    let shorter = train.replace("--epochs 9", &format!("--epochs {epochs}"));
    desk.run(&format!("{shorter} --out shorter"));
    let expected = Model::load(&desk.path("shorter/model.safetensors")).unwrap();
    assert!(model.parameters == expected.parameters);
    assert_eq!(fs::read_to_string(desk.path("run/history.csv")).unwrap().lines().count(), epochs + 2);
}
