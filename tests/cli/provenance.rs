//! A model knows the files that it was trained on, and is not taken at its word about them.

use onelayer::model::Model;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Desk;

/// The warnings of `evaluate run` with these options.
fn warnings(desk: &Desk, options: &str) -> Vec<String> {
    let (text, _) = desk.run(&format!("evaluate run --data data {options}"));
    text.lines().filter_map(|line| line.strip_prefix("warning   ").map(String::from)).collect()
}

fn seen(images: usize, of: usize, file: &str) -> String {
    format!("the model was trained on {images} of the {of} images in {file}: what was seen is no test")
}

#[test]
fn a_model_names_its_files_with_their_sums() {
    let desk = Desk::new();
    desk.run("train --data data --epochs 1 --no-report --out run");
    let metadata = Model::load(&desk.path("run/model.safetensors")).unwrap().metadata;
    for (key, name, images) in
        [("train_files", "data_batch_1.bin", 300), ("validation_files", "data_batch_2.bin", 200)]
    {
        let files: Value = serde_json::from_str(&metadata[key]).unwrap();
        let bytes = std::fs::read(desk.path("data").join(name)).unwrap();
        let sum: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = serde_json::json!([{"name": name, "sha256": sum, "images": images, "of": images}]);
        assert_eq!(files, expected);
    }
    assert!(!metadata.contains_key("validation_sha256") && !metadata.contains_key("split_files"));
    assert!(desk.read_json("run/run.json")["dataset"].get("files").is_none());
}

#[test]
fn what_the_model_was_trained_on_is_no_test() {
    let desk = Desk::new();
    desk.run("train --data data --epochs 1 --no-report --out run");
    assert_eq!(warnings(&desk, ""), [""; 0]);
    assert_eq!(warnings(&desk, "--split validation"), [""; 0]);
    assert_eq!(warnings(&desk, "--split train"), [""; 0]);
    let all = seen(300, 300, "data_batch_1.bin");
    assert_eq!(
        warnings(&desk, "--split validation --validation-files data_batch_1.bin"),
        std::slice::from_ref(&all)
    );
    // Under another name.
    std::fs::copy(desk.path("data/data_batch_1.bin"), desk.path("data/data_batch_9.bin")).unwrap();
    let other = seen(300, 300, "data_batch_9.bin");
    assert_eq!(warnings(&desk, "--test-files data_batch_9.bin,test_batch.bin"), [other]);
    // The fifth that was not held out.
    let options = "--split validation --train-files data_batch_1.bin --validation-images 60";
    assert_eq!(warnings(&desk, options), std::slice::from_ref(&all));
}

#[test]
fn images_that_were_held_out_are_a_test() {
    let desk = Desk::new();
    let files = "--train-files data_batch_1.bin,data_batch_2.bin";
    for held_out in ["--validation-images 100", "--validation-split 0.2 --split-seed 5 --stratify"] {
        let options = format!("{files} {held_out}");
        let text = desk.run(&format!("train --data data --epochs 1 --overwrite --out run {options}")).0;
        assert!(text.contains("400 training, 100 validation, 100 test"), "{text}");
        assert_eq!(warnings(&desk, &format!("--split validation {options}")), [""; 0]);
        // Others of the same files.
        let others = warnings(&desk, &format!("--split validation {files} --validation-split 0.2"));
        assert_eq!(others.len(), 2, "{others:?}");
        assert!(
            others[0].contains("images in data_batch_1.bin") && others[1].contains("in data_batch_2.bin")
        );
        // The command in the report makes it again, and the run is resumed on the same images.
        let page = desk.read("run/report.md");
        let command = page.lines().find_map(|line| line.strip_prefix("    onelayer ")).unwrap();
        let weights = |folder: &str| desk.read_json(&format!("{folder}/run.json"))["weights_sha256"].clone();
        desk.run(&format!("{command} --no-report --overwrite --out again --checkpoint-every 1"));
        assert_eq!(weights("again"), weights("run"), "{command}");
        desk.run("train --resume again --epochs 2 --no-report");
        desk.run(&format!("train --data data --epochs 2 --no-report --overwrite --out longer {options}"));
        assert_eq!(weights("again"), weights("longer"));
        let chosen = &desk.read_json("run/run.json")["dataset"]["files"];
        assert_eq!(chosen["train"], serde_json::json!(["data_batch_1.bin", "data_batch_2.bin"]));
    }
    let chosen = &desk.read_json("run/run.json")["dataset"]["files"]["validation"];
    assert_eq!(*chosen, serde_json::json!({"drawn": {"share": 0.2, "seed": 5, "stratify": true}}));
    let record = desk.json(&format!(
        "reproduce --data data --epochs 1 --no-report --out four {files} --validation-split 0.5"
    ));
    assert_eq!(record["runs"][3]["dataset"]["validation"], 250);
    desk.run(&format!("bench --quick --engine gemm --data data --out timed {files} --validation-split 0.5"));
    for (options, message) in [
        ("--stratify", "expected --validation-split <SHARE>, found nothing"),
        (
            "--validation-split 0.2 --validation-images 3",
            "--validation-split: cannot be combined with --validation-images",
        ),
        ("--validation-split 2", "--validation-split: expected a share above 0 and below 1, found 2"),
        ("--validation-split x", "--validation-split: expected a number, found x"),
    ] {
        assert_eq!(desk.failure(&format!("train --data data {options}"), 2), message);
    }
}
