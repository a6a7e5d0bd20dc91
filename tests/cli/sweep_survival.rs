//! A sweep that is interrupted, by whatever means, keeps what it reached and goes on to the same end.

use std::cell::Cell;
use std::fs;
use std::time::Instant;

use proptest::prelude::*;
use serde_json::Value;

use super::Desk;
use super::signals::stop;
use super::sweep::rows;

/// Nine runs in two groups, which take a few hundred milliseconds.
const SWEEP: &str = "sweep --data data --engine gemm --threads 2 --eta 0.001..0.1:3 --lambda 0,0.1,0.5 --epochs 24 \
     --batch 30 --shuffle --halving 2 --quiet";

/// What the runs reached, the best one's bits and its test.
pub fn result(desk: &Desk, folder: &str) -> (Vec<Value>, [Value; 2]) {
    let record = desk.read_json(&format!("{folder}/sweep.json"));
    let best = &record["best"];
    (rows(&record).to_vec(), [best["weights_sha256"].clone(), best["test"].clone()])
}

/// `PROPTEST_CASES` says how many sweeps are killed; 10 without it.
#[test]
fn a_sweep_killed_at_any_moment_loses_no_run_that_ended_and_goes_on_to_the_same_end() {
    let desk = Desk::new();
    let begun = Instant::now();
    desk.run(&format!("{SWEEP} --out whole"));
    let takes = begun.elapsed();
    let whole = result(&desk, "whole");
    // Whatever the folder holds, or where there is none.
    let go_on = format!("{SWEEP} --out run --resume");
    let ended =
        || fs::read_to_string(desk.path("run/runs.jsonl")).map_or(0, |text| text.matches('\n').count());
    let (with_runs, with_states, writing) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let config = ProptestConfig {
        cases: super::support::cases(10),
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    };
    let ran = proptest::test_runner::TestRunner::new(config.clone()).run(&[0.0..1.0, 0.0..1.0], |moments| {
        let mut before = 0;
        for moment in moments {
            let mut child = desk.spawn(&go_on);
            std::thread::sleep(takes.mul_f64(moment));
            child.kill().unwrap();
            child.wait().unwrap();
            prop_assert!(ended() >= before, "a run that ended is lost");
            before = ended();
            with_runs.set(with_runs.get() + u32::from(before > 1));
            with_states.set(with_states.get() + u32::from(desk.path("run/states").exists()));
            writing.set(writing.get() + u32::from(desk.temporary_files() > 0));
        }
        desk.run(&go_on);
        prop_assert!(result(&desk, "run") == whole);
        prop_assert!(!desk.path("run/states").exists() && desk.temporary_files() == 0);
        fs::remove_dir_all(desk.path("run")).unwrap();
        Ok(())
    });
    let [runs, states, writing] = [with_runs, with_states, writing].map(|count| count.get());
    println!(
        "{} kills: {runs} left runs that ended, {states} states, {writing} a file that was being written",
        2 * config.cases
    );
    ran.unwrap();
}

#[test]
fn a_signal_ends_a_sweep_and_it_goes_on_from_there() {
    let desk = Desk::new();
    let sweep = SWEEP.replace("--epochs 24", "--epochs 240");
    desk.run(&format!("{sweep} --out whole"));
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut child = desk.spawn(&format!("{sweep} --out run"));
        desk.wait_for("run/states");
        let message = stop(&mut child, name, code);
        assert!(message.contains("run: stopped by signal") && message.contains("--resume"), "{message}");
        assert!(desk.path("run/runs.jsonl").exists() && !desk.path("run/sweep.json").exists());
        desk.run(&format!("{sweep} --out run --resume"));
        assert!(result(&desk, "run") == result(&desk, "whole"));
        fs::remove_dir_all(desk.path("run")).unwrap();
    }
}

#[test]
fn two_processes_in_one_folder_are_one_too_many() {
    let desk = Desk::new();
    let sweep = SWEEP.replace("--epochs 24", "--epochs 240");
    let mut child = desk.spawn(&format!("{sweep} --out run"));
    desk.wait_for("run/states");
    for other in
        [format!("{sweep} --resume"), format!("{sweep} --overwrite"), "train --data data --overwrite".into()]
    {
        let message = desk.failure(&format!("{other} --out run"), 1);
        let expected = "expected a folder in which no other process is at work";
        assert_eq!(message, format!("run: {expected}, found one that another process is writing to"));
    }
    assert!(child.wait().unwrap().success(), "the first one is undisturbed");
    desk.run(&format!("{sweep} --out whole"));
    assert!(result(&desk, "run") == result(&desk, "whole"));
}

#[test]
fn another_sweep_is_not_gone_on_with() {
    let desk = Desk::new();
    desk.run(&format!("{SWEEP} --out run"));
    for (options, line) in [
        (
            "--eta 0.001..0.1:4",
            "--eta: expected 0.001..0.1:3, as in the sweep that is resumed, found 0.001..0.1:4",
        ),
        ("--seed 1", "--seed: expected 0, as in the sweep that is resumed, found 1"),
        ("--halving 3", "--halving: expected 2, as in the sweep that is resumed, found 3"),
        ("--random 5", "--random: expected none, as in the sweep that is resumed, found 5"),
        ("--engine simd", "--engine: expected gemm, as in the sweep that is resumed, found simd"),
    ] {
        let option = options.split(' ').next().unwrap();
        let mut words: Vec<&str> = SWEEP.split_whitespace().collect();
        if let Some(at) = words.iter().position(|word| *word == option) {
            words.drain(at..at + 2);
        }
        assert_eq!(desk.failure(&format!("{} {options} --out run --resume", words.join(" ")), 2), line);
    }
    assert_eq!(desk.failure(&format!("{SWEEP} --resume"), 2), "expected --out <DIR>, found nothing");
    let mut bytes = fs::read(desk.path("data/data_batch_2.bin")).unwrap();
    bytes[5000] ^= 1;
    fs::write(desk.path("data/data_batch_2.bin"), bytes).unwrap();
    let message = desk.failure(&format!("{SWEEP} --out run --resume"), 1);
    assert!(message.starts_with("run/runs.jsonl: expected the images training images "), "{message}");
}

#[test]
fn the_best_model_comes_back_if_somebody_removes_it() {
    let desk = Desk::new();
    desk.run(&format!("{SWEEP} --out run"));
    let whole = result(&desk, "run");
    let model = fs::read(desk.path("run/best/model.safetensors")).unwrap();
    fs::remove_file(desk.path("run/best/model.safetensors")).unwrap();
    desk.run(&format!("{SWEEP} --out run --resume"));
    assert!(result(&desk, "run") == whole);
    assert!(fs::read(desk.path("run/best/model.safetensors")).unwrap() == model);
}

/// `ulimit -f` counts blocks of 512 bytes: beyond it a write fails as on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_keeps_every_run_that_ended() {
    let desk = Desk::new();
    // A state has 120 kB for each run, a model 150; a line of the journal 300 bytes an epoch, and there are 36 lines.
    let many =
        SWEEP.replace(" --halving 2", "").replace("gemm", "simd").replace("--epochs 24", "--epochs 60");
    let many = many.replace("--batch 30", "--batch 50,60,75,100");
    for (sweep, blocks, file) in
        [(SWEEP, 20, "states/"), (&many, 100, "best/model"), (&many, 400, "runs.jsonl")]
    {
        desk.run(&format!("{sweep} --out whole --overwrite"));
        let script = format!("ulimit -f {blocks} && exec \"$0\" {sweep} --out run");
        let message = super::Done::of(&mut desk.command_under(&["sh", "-c", &script], "")).failure(1);
        assert!(message.contains(file) && message.contains("cannot write: File too large"), "{message}");
        assert_eq!(desk.temporary_files(), 0);
        let kept = desk.read("run/runs.jsonl");
        assert!(kept.ends_with('\n') && (file != "runs.jsonl" || kept.lines().count() > 1), "{kept}");
        desk.run(&format!("{sweep} --out run --resume"));
        assert!(desk.read("run/runs.jsonl").starts_with(&kept), "what was kept is not trained again");
        assert!(result(&desk, "run") == result(&desk, "whole"));
        fs::remove_dir_all(desk.path("run")).unwrap();
    }
}
