//! The whole assignment: objectives, seeds, the optional part; and features of one's own.

use std::fs;

use serde_json::Value;

use super::Desk;

/// What `evaluate` finds of a model on the test split, as records have it.
fn tested(desk: &Desk, model: &str, data: &str) -> Value {
    let found = desk.json(&format!("evaluate {model} --data {data}"));
    serde_json::json!({"loss": found["loss"], "cost": found["cost"], "accuracy": found["accuracy"]})
}

#[test]
fn a_hinge_model_is_evaluated_and_predicts_scores() {
    let desk = Desk::new();
    desk.run("train --data data --objective hinge --eta 0.0002 --epochs 2 --out hinge");
    assert!(!desk.path("hinge/probabilities.svg").exists(), "scores are no probabilities");
    let page = desk.read("hinge/report.md");
    assert!(page.contains("the mean hinge loss"), "{page}");
    let record = desk.read_json("hinge/run.json");
    assert_eq!(tested(&desk, "hinge", "data"), record["test"], "the model says what its loss is");
    let (text, _) = desk.run("predict hinge data/test_batch.bin:0 --top 2");
    assert!(text.contains("scores    of a hinge model") && !text.contains('%'), "{text}");
    let (line, _) = desk.run("predict hinge data/test_batch.bin:0 --json");
    let line: Value = serde_json::from_str(&line).unwrap();
    assert!(line["top"][0]["score"].is_f64() && line["top"][0]["probability"].is_null(), "{line}");
    let refused = desk.failure("predict hinge data/test_batch.bin:0 --probabilities p.npy", 2);
    assert!(refused.contains("--probabilities: expected a model with probabilities"), "{refused}");
}

#[test]
fn several_seeds_make_a_model_each_and_their_mean() {
    let desk = Desk::new();
    let record = desk.json("train --data data --epochs 2 --seeds 3 --seed 5 --out seeds");
    let runs = record["runs"].as_array().unwrap();
    for (number, (run, seed)) in (1..).zip(runs.iter().zip(5..)) {
        assert_eq!(run["config"]["seed"], seed);
        let alone = desk.json(&format!("train --data data --epochs 2 --seed {seed} --out alone{number}"));
        assert_eq!(run["weights_sha256"], alone["weights_sha256"], "the bits of that seed alone");
        assert_eq!(run["test"], alone["test"]);
        assert_eq!(tested(&desk, &format!("seeds/seed{number}"), "data"), run["test"]);
    }
    assert_eq!(tested(&desk, "seeds", "data"), record["mean"]["test"]);
    for wrong in ["1", "33", "3,3", "x", "1,,2"] {
        let message = desk.failure(&format!("train --data data --seeds {wrong} --out wrong"), 2);
        assert!(message.contains("--seeds: expected how many, 2 to 32"), "{message}");
    }
}

#[test]
fn the_optional_part_is_one_table_and_one_page() {
    let desk = Desk::bare();
    let record = desk.json("reproduce --bonus --epochs 1 --out bonus");
    let rows = record["rows"].as_array().unwrap();
    assert_eq!((rows.len(), record["seeds"].as_u64()), (14, Some(3)));
    for row in rows {
        let name = row["name"].as_str().unwrap();
        assert!(row["accuracy"][0].as_f64().unwrap() > 0.2, "{name} learns");
        let page = desk.read("bonus/report.html");
        assert!(page.contains(name) && desk.read("bonus/bonus.csv").contains(name), "{name}");
    }
    let page = desk.read("bonus/report.html");
    assert!(page.contains("which say nothing about CIFAR") && page.contains("K sigmoids"));
    assert!(desk.path("bonus/model.safetensors").exists());
}

/// A file of float32 `[N, D]`, as `numpy.save` writes it.
fn floats(rows: usize, values: &[f32]) -> Vec<u8> {
    onelayer::data::npy::of_floats([rows, values.len() / rows], values)
}

#[test]
fn features_of_ones_own_are_trained_evaluated_and_predicted() {
    let desk = Desk::bare();
    fs::create_dir(desk.path("mine")).unwrap();
    // Two clouds around -1 and 1, in units that are nothing like a pixel's.
    let sample = |n: usize, d: usize| {
        let noise = ((n * 7919 + d * 104_729).wrapping_mul(2_654_435_761) >> 16 & 0xFFFF) as f32 / 65536.0;
        1000.0 * (noise - 0.5) + if n.is_multiple_of(2) { 300.0 } else { -300.0 }
    };
    for (split, count) in [("train", 200), ("test", 50)] {
        let values: Vec<f32> = (0..count).flat_map(|n| (0..7).map(move |d| sample(n, d))).collect();
        let labels: Vec<u8> = (0..count).map(|n| (n % 2) as u8).collect();
        fs::write(desk.path(&format!("mine/{split}_images.npy")), floats(count, &values)).unwrap();
        let labels = super::support::data_sets::array(&[count], &labels);
        fs::write(desk.path(&format!("mine/{split}_labels.npy")), labels).unwrap();
    }
    let train = "train --data mine --eta 0.1 --epochs 5";
    let record = desk.json(&format!("{train} --out floats"));
    assert!(record["test"]["accuracy"].as_f64().unwrap() > 0.9, "{record}");
    let portable = desk.json(&format!("{train} --isa portable --threads 1 --out portable"));
    assert_eq!(portable["weights_sha256"], record["weights_sha256"], "the same bits");
    assert_eq!(tested(&desk, "floats", "mine"), record["test"]);
    let (csv, _) = desk.run("predict floats mine/test_images.npy --csv");
    assert_eq!(csv.lines().count(), 51, "{csv}");
    desk.run("gradcheck --data mine");
    desk.run("gradcheck --data mine --engine fixed");
    // With its report, which has the check of the gradient.
    let fixed = desk.json(&format!("{train} --engine fixed --out fixed"));
    let [found, expected] = [&fixed, &record].map(|run| run["test"]["loss"].as_f64().unwrap());
    assert!((found - expected).abs() < 1e-3, "{found}, in f32 {expected}");
    let message = desk.failure("train --data mine --mirror --out mirror", 2);
    assert!(message.contains("--mirror: expected pictures"), "{message}");
}

#[test]
fn gradcheck_holds_every_objective_to_central_differences() {
    let desk = Desk::bare();
    for options in
        ["--objective hinge", "--objective sigmoid", "--label-smoothing 0.2 --class-weights balanced"]
    {
        let record = desk.json(&format!("gradcheck --images 5 --engine simd {options}"));
        assert_eq!(record["passed"], true, "{options}");
        let absolute = record["criteria"][0]["max_error"].as_f64().unwrap();
        assert!(absolute < 1e-6, "{options}: {absolute:e}");
    }
}
