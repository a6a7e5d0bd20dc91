//! `onelayer bench`: its record holds what it measured, and compares with an earlier one.

use std::fs;

use onelayer::engine::Isa;
use serde_json::Value;

use super::Desk;
use super::markup::check_figure;
use super::support::real_images_folder;

const QUICK: &str = "bench --data data --quick --threads 1";

const TASKS: [&str; 7] = ["forward", "softmax", "backward", "evaluation", "gradient", "epoch", "run"];

#[test]
fn the_record_holds_the_machine_and_every_task() {
    let desk = Desk::new();
    let record = desk.json(&format!("{QUICK} --engine simd --out first"));
    let measurements = record["measurements"].as_array().unwrap();
    let isas = record["roofline"]["peaks"].as_array().unwrap();
    assert!(record["roofline"]["bandwidths"].as_array().unwrap().len() == 4 && !isas.is_empty());
    for isa in isas {
        let isa = &isa["isa"];
        let tasks: Vec<&Value> =
            measurements.iter().filter(|one| one["engine"]["isa"] == *isa).map(|one| &one["task"]).collect();
        assert_eq!(tasks, TASKS, "{isa}");
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
    assert_eq!(run["images"], 40 * 300);
    let figure = desk.read("first/roofline.svg");
    check_figure(&figure);
    assert!(figure.contains("simd backward"));

    let (text, progress) =
        desk.run(&format!("{QUICK} --engine simd --isa portable --out second --compare first/bench.json"));
    let measuring = |task| format!("measuring {task} on simd (portable), threads: 1\n");
    let expected: String = TASKS[..6].iter().map(measuring).collect();
    assert_eq!(progress, format!("measuring this machine\n{expected}"));
    assert_eq!(desk.run(&format!("{QUICK} --quiet --engine gemm --out third")).1, "");
    assert!(text.contains("against first/bench.json"), "{text}");
}

#[test]
fn whole_trainings_are_timed_where_they_reach_what_they_are_to_reach() {
    let (desk, isa) = (Desk::new(), Isa::fastest());
    let trainings = |options: &str| -> Vec<String> {
        let record = desk.json(&format!("bench --threads 1 --isa {} {options}", isa.name()));
        let rows = record["measurements"].as_array().unwrap().iter();
        let ends_by_itself = |row: &&Value| TASKS.iter().all(|task| row["task"] != *task);
        let mut found: Vec<String> = rows
            .filter(ends_by_itself)
            .map(|row| {
                assert!(row["seconds"]["median"].as_f64().unwrap() > 0.0 && row.get("gflops").is_none());
                row["task"].as_str().unwrap().into()
            })
            .collect();
        found.dedup();
        found
    };
    let found = trainings("--data data --engine simd --out noise");
    assert!(!found.contains(&"accuracy".into()), "three epochs reach nothing on noise");
    assert!(!desk.path("noise/model.safetensors").exists());
    let table = desk.read("noise/bench.csv");
    let header =
        "task,engine,isa,threads,images,median_seconds,lower_quartile,upper_quartile,fastest,repetitions,";
    assert!(table.starts_with(header) && table.contains("\nrun,simd,"), "{table}");
    assert!(table.lines().all(|line| line.split(',').count() == 16), "{table}");

    let Some(folder) = real_images_folder().filter(|_| isa.is_vectorized()) else { return };
    let found = trainings(&format!("--data {folder} --engine fixed --out real"));
    assert_eq!(found, ["optimum", "accuracy"]);
    assert!(desk.path("real/model.safetensors").exists());
}

#[test]
fn each_engine_is_held_to_the_peak_of_what_it_multiplies() {
    let desk = Desk::new();
    for (engine, numbers) in [("gemm", "f32"), ("fixed", "fixed")] {
        let record = desk.json(&format!("{QUICK} --engine {engine} --out {engine}"));
        let measurements = record["measurements"].as_array().unwrap();
        assert!(!measurements.is_empty() && measurements.iter().all(|one| one["engine"]["name"] == engine));
        let peaks = record["roofline"]["peaks"].as_array().unwrap();
        for one in measurements.iter().filter(|one| one["bound"] == "compute" && one["task"] != "softmax") {
            let of_it = |peak: &&Value| peak["numbers"] == numbers && peak["isa"] == one["engine"]["isa"];
            let peak = peaks.iter().find(of_it).unwrap()["gflops"].as_f64().unwrap();
            let [rate, used] = ["gflops", "of_bound"].map(|key| one[key].as_f64().unwrap());
            assert!((rate / peak - used).abs() < 1e-9, "{one}");
        }
    }
}

#[test]
fn what_cannot_be_measured_is_refused_before_anything_is() {
    let desk = Desk::new();
    fs::write(desk.path("other.json"), "{}").unwrap();
    for (arguments, code, fact) in [
        ("--engine gemm --isa avx2", 2, "--isa: expected"),
        ("--batch 0", 2, "--batch: expected 1 to 300"),
        ("--compare other.json", 1, "other.json: expected a record of onelayer bench"),
        ("--compare nowhere.json", 1, "nowhere.json: cannot open"),
    ] {
        let message = desk.failure(&format!("bench --data data {arguments} --out refused"), code);
        assert!(message.contains(fact) && !desk.path("refused").exists(), "{message}");
    }
}

#[test]
fn random_data_of_any_shape_need_no_files() {
    let desk = Desk::bare();
    let shape = "bench --quick --threads 1 --shape 300x70x20";
    for (element, objective, engines) in
        [("f32", "hinge", &["simd"][..]), ("u8", "sigmoid", &["simd", "fixed"])]
    {
        let record =
            desk.json(&format!("{shape} --element {element} --objective {objective} --out {element}"));
        assert_eq!(
            (&record["dataset"]["name"], &record["dataset"]["train"]),
            (&"random".into(), &300.into())
        );
        assert_eq!(record["dataset"]["classes"].as_array().unwrap().len(), 20);
        let measured = record["measurements"].as_array().unwrap();
        for engine in engines {
            let epoch = |one: &&Value| one["task"] == "epoch" && one["engine"]["name"] == *engine;
            let epoch = measured.iter().find(epoch).unwrap();
            // Forward and backward; every byte is read once.
            let flops = 4.0 * (300 * 70 * 20) as f64;
            let bytes = (300 * 70 * if element == "f32" { 4 } else { 1 }) as f64;
            assert_eq!(epoch["intensity"], flops / bytes);
        }
    }
    for (options, message) in [
        ("--shape 300x70", "--shape: expected SAMPLESxFEATURESxCLASSES, as in 50000x768x100, found 300x70"),
        (
            "--shape 300x70x1",
            "--shape: expected SAMPLESxFEATURESxCLASSES, as in 50000x768x100, found 300x70x1",
        ),
        ("--shape 300x70x5 --data .", "--shape: cannot be combined with --data"),
        ("--element f32", "expected --shape <NxDxK>, found nothing"),
        ("--shape 300x70x5 --element f64", "--element: expected u8 or f32, found f64"),
        (
            "--shape 300x70x5 --batch 301",
            "--batch: expected 1 to 300, the images of the training split, found 301",
        ),
    ] {
        let found = desk.failure(&format!("bench {options}"), 2);
        assert!(found.contains(message), "{options}: {found}");
    }
}
