//! `onelayer bench`: its record holds what it measured, and compares with an earlier one.

use std::fs;
use std::process::{Command, Output};

use onelayer::data::layout::RECORD;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;
use tempfile::TempDir;

/// A folder with `data/` of three files of 200 records of noise.
fn desk() -> TempDir {
    let desk = TempDir::new().unwrap();
    let data = desk.path().join("data");
    fs::create_dir(&data).unwrap();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(0);
    for name in ["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"] {
        let mut bytes = vec![0; 200 * RECORD];
        random.fill_bytes(&mut bytes);
        bytes.iter_mut().step_by(RECORD).for_each(|label| *label %= 10);
        fs::write(data.join(name), bytes).unwrap();
    }
    desk
}

fn bench(desk: &TempDir, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onelayer"));
    command.args(["bench", "--data", "data"]).args(arguments.split_whitespace());
    command.current_dir(desk.path()).env_remove("ONELAYER_DATA").output().unwrap()
}

#[test]
fn the_record_holds_the_machine_and_every_task() {
    let desk = desk();
    let done = bench(&desk, "--quick --engine simd --threads 1 --json --out first");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let record: Value = serde_json::from_slice(&done.stdout).unwrap();
    let measurements = record["measurements"].as_array().unwrap();
    let isas = record["roofline"]["peaks"].as_array().unwrap();
    assert!(record["roofline"]["bandwidths"].as_array().unwrap().len() == 4 && !isas.is_empty());
    for isa in isas {
        let isa = &isa["isa"];
        let tasks: Vec<&Value> =
            measurements.iter().filter(|one| one["engine"]["isa"] == *isa).map(|one| &one["task"]).collect();
        assert_eq!(tasks, ["forward", "softmax", "backward", "evaluation", "epoch", "run"], "{isa}");
    }
    for one in measurements {
        let seconds = one["seconds"]["median"].as_f64().unwrap();
        let images = one["images"].as_f64().unwrap();
        let rate = one["images_per_second"].as_f64().unwrap();
        assert!((rate * seconds - images).abs() < 1e-6 * images, "{one}");
        let used = one["of_bound"].as_f64().unwrap();
        assert!(used > 0.0 && used < 1.5, "more than the machine can do: {one}");
    }
    let run = measurements.iter().find(|one| one["task"] == "run").unwrap();
    assert_eq!(run["images"], 40 * 200);
    assert!(fs::read_to_string(desk.path().join("first/roofline.svg")).unwrap().contains("simd backward"));

    let done = bench(&desk, "--quick --engine simd --threads 1 --out second --compare first/bench.json");
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success() && text.contains("against first/bench.json"), "{text}");
}

/// The measured peak is that of f32 products, which fixed does not make: nothing says what bounds it.
#[test]
fn only_engines_in_f32_are_held_to_the_f32_peak() {
    let desk = desk();
    for (engine, bounded) in [("gemm", true), ("fixed", false)] {
        let done = bench(&desk, &format!("--quick --engine {engine} --threads 1 --json --out {engine}"));
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let record: Value = serde_json::from_slice(&done.stdout).unwrap();
        let measurements = record["measurements"].as_array().unwrap();
        assert!(!measurements.is_empty() && measurements.iter().all(|one| one["engine"]["name"] == engine));
        assert!(measurements.iter().all(|one| one["of_bound"].is_null() != bounded), "{engine}");
    }
}

#[test]
fn what_cannot_be_measured_is_refused_before_anything_is() {
    let desk = desk();
    fs::write(desk.path().join("other.json"), "{}").unwrap();
    for (arguments, code, fact) in [
        ("--engine gemm --isa avx2", 2, "--isa: expected"),
        ("--batch 0", 2, "--batch: expected 1 to 200"),
        ("--compare other.json", 1, "other.json: expected a record of onelayer bench"),
        ("--compare nowhere.json", 1, "nowhere.json: cannot open"),
    ] {
        let done = bench(&desk, &format!("{arguments} --out refused"));
        let message = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(code), "{message}");
        assert!(message.contains(fact) && message.lines().count() == 1, "{message}");
        assert!(!desk.path().join("refused").exists(), "{arguments}");
    }
}
