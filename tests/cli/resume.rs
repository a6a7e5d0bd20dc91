//! A run that is taken up again: it finds its data, may go on with other settings, and says so; and a run that begins
//! with a model.

use std::fs;

use onelayer::model::Model;
use serde_json::Value;

use super::survival::result;
use super::{Desk, Done};

/// Trains on the second file but for its last 20 images, and tests on the first.
const TRAIN: &str = "train --data data --train-files data_batch_2.bin --validation-images 20 \
                     --test-files data_batch_1.bin --engine simd --no-report --quiet";

#[test]
fn a_run_finds_its_data_and_files_again() {
    let desk = Desk::new();
    desk.run(&format!("{TRAIN} --epochs 3 --out whole"));
    desk.run(&format!("{TRAIN} --epochs 2 --checkpoint-every 1 --out run"));
    // From another folder, although there is other data by default.
    let mut command = desk.command("train --resume ../run --epochs 3 --no-report --json");
    let resumed = Done::of(command.current_dir(desk.path("tmp")).env("ONELAYER_DATA", "nowhere"));
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    let record: Value = serde_json::from_str(&resumed.stdout).unwrap();
    let dataset = &record["dataset"];
    assert_eq!(["train", "validation", "test"].map(|split| dataset[split].as_u64().unwrap()), [180, 20, 300]);
    assert_eq!(dataset["path"], desk.path("data").to_str().unwrap());
    assert!(result(&desk, "run") == result(&desk, "whole"));

    // The same bytes elsewhere are as good, and what is named wins.
    fs::rename(desk.path("data"), desk.path("moved")).unwrap();
    let message = desk.failure("train --resume run --epochs 4", 1);
    let expected =
        "expected the folder of the data that the run was trained on (--data says where it is now)";
    assert_eq!(message, format!("{}: {expected}, found no such folder", desk.path("data").display()));
    let record =
        desk.json("train --resume run --epochs 4 --data moved --test-files test_batch.bin --no-report");
    let dataset = &record["dataset"];
    assert_eq!((&dataset["validation"], &dataset["test"]), (&20.into(), &100.into()));
}

#[test]
fn other_settings_are_recorded_as_what_they_are() {
    let desk = Desk::new();
    desk.run("train --data data --epochs 2 --eta 0.01 --engine simd --checkpoint-every 1 --out run");
    desk.run("train --resume run --epochs 3 --no-report");
    let (text, _) = desk.run("train --resume run --epochs 5 --eta 0.001");
    let before = ["earlier   epochs 2 up to epoch 2", "earlier   eta 0.01, epochs 3 up to epoch 3"];
    let record = desk.read_json("run/run.json");
    assert_eq!((&record["config"]["eta"], &record["config"]["epochs"]), (&0.001.into(), &5.into()));
    let earlier: Vec<[&Value; 4]> = record["earlier"]
        .as_array()
        .unwrap()
        .iter()
        .map(|phase| [&phase["config"]["eta"], &phase["config"]["epochs"], &phase["epoch"], &phase["images"]])
        .collect();
    let words = |phase: [&Value; 4]| phase.map(Value::to_string).join(" ");
    assert_eq!(earlier.into_iter().map(words).collect::<Vec<_>>(), ["0.01 2 2 0", "0.01 3 3 0"]);
    assert_eq!(record["history"].as_array().unwrap().len(), 5);
    let metadata = Model::load(&desk.path("run/model.safetensors")).unwrap().metadata;
    assert_eq!(serde_json::from_str::<Value>(&metadata["earlier"]).unwrap(), record["earlier"]);

    let (info, page) = (desk.run("info run").0, desk.read("run/report.md"));
    for line in before {
        assert!(text.contains(line) && info.contains(line), "{line}: {text}{info}");
        assert!(page.contains(&line["earlier   ".len()..]), "{page}");
    }
    let command = page.lines().find_map(|line| line.strip_prefix("    onelayer train ")).unwrap();
    let [first, second, third] = command.split(" && ").collect::<Vec<_>>()[..] else { panic!("{command}") };
    assert!(first.starts_with("--eta 0.01 ") && first.contains(" --epochs 2 "), "{command}");
    assert!(first.ends_with(" --checkpoint-every 1 --out RUN"), "{command}");
    let resume = "onelayer train --resume RUN";
    assert_eq!([second, third], [format!("{resume} --epochs 3"), format!("{resume} --eta 0.001 --epochs 5")]);
    // The commands make it again.
    for command in command.replace("RUN", "again").split(" && ") {
        desk.run(&format!("train {}", command.trim_start_matches("onelayer train ")));
    }
    assert!(result(&desk, "again") == result(&desk, "run"));
}

#[test]
fn a_run_may_begin_with_a_model() {
    let desk = Desk::new();
    desk.run("train --data data --epochs 2 --engine gemm --no-report --out first");
    let first = Model::load(&desk.path("first/model.safetensors")).unwrap();
    let train = "train --data data --eta 0 --engine gemm --epochs 1 --checkpoint-every 1";
    let (text, _) = desk.run(&format!("{train} --from first --out second"));
    assert!(text.contains("from      first\n"), "{text}");
    let second = Model::load(&desk.path("second/model.safetensors")).unwrap();
    assert_eq!(second.parameters, first.parameters);
    let record = desk.read_json("second/run.json");
    let sum = &desk.read_json("first/run.json")["weights_sha256"];
    assert_eq!((&record["from"]["model"], &record["from"]["weights_sha256"]), (&"first".into(), sum));
    assert_eq!(
        (&second.metadata["from"], &second.metadata["from_weights_sha256"]),
        (&"first".to_string(), &sum.as_str().unwrap().to_string())
    );
    let page = desk.read("second/report.md");
    assert!(page.contains("--engine gemm --from first\n") && page.contains("began with the model"), "{page}");
    // It is known when the run is resumed, too.
    let resumed = desk.json("train --resume second --epochs 2 --no-report");
    assert_eq!(resumed["from"], record["from"]);

    let mut other = first.clone();
    other.classes[3] = "tiger".into();
    other.save(&desk.path("tiger.safetensors")).unwrap();
    let (text, _) = desk.run(&format!("{train} --from tiger.safetensors --out third --no-report"));
    assert!(text.contains("warning   class 3 is tiger to the model, and cat in the data\n"), "{text}");
    other.classes.pop();
    other.parameters.classes = 9;
    other.parameters.weight.truncate(9 * 3072);
    other.parameters.bias.truncate(9);
    other.save(&desk.path("nine.safetensors")).unwrap();
    let message = desk.failure(&format!("{train} --from nine.safetensors --out fourth"), 2);
    let expected =
        "--from: expected a model of 3072 features and 10 classes, as the data has, found a model of 3072";
    assert!(message.starts_with(expected), "{message}");
    assert!(!desk.path("fourth").exists());
}
