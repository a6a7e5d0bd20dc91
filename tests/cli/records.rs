//! The JSON that scripts read: exactly the keys that are promised, true values, and the same model whatever
//! the number of threads.

use std::collections::BTreeSet;

use onelayer::model::Model;
use onelayer::train::Settings;
use onelayer::train::record::weights_sha256;
use serde_json::Value;

use super::Desk;

#[track_caller]
pub fn assert_keys(value: &Value, keys: &str) {
    let found: BTreeSet<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(found, keys.split(' ').collect());
}

#[track_caller]
pub fn assert_run_keys(run: &Value, names: &str) {
    assert_keys(
        run,
        &format!(
            "{names}status version date machine config dataset engine history ended test seconds throughput weights_sha256 out"
        ),
    );
    let settings = Settings::TABLE.iter().map(|row| row.name).collect::<Vec<_>>().join(" ");
    assert_keys(&run["config"], &settings);
    let promised = ["eta", "lambda", "batch", "epochs", "shuffle", "seed", "evaluate_every", "objective"];
    assert!(promised.iter().all(|name| !run["config"][name].is_null()), "{settings}");
    assert_keys(&run["dataset"], "name path train validation test classes");
    // Where nobody chose the engine, there is a reason.
    let reason = if run["engine"]["reason"].is_null() { "" } else { " reason" };
    assert_keys(&run["engine"], &format!("name isa threads{reason}"));
    for epoch in run["history"].as_array().unwrap() {
        assert_keys(epoch, "epoch train validation seconds");
        assert_keys(&epoch["train"], "loss cost accuracy");
        assert_keys(&epoch["validation"], "loss cost accuracy");
        assert_keys(&epoch["seconds"], "train evaluate");
    }
    assert_keys(&run["ended"], "reason epoch");
    assert_keys(&run["test"], "loss cost accuracy");
    assert_keys(&run["seconds"], "load train evaluate write total");
    assert_keys(&run["throughput"], "images_per_second gflops");
}

#[test]
fn train_has_the_promised_keys_and_says_what_it_did() {
    let desk = Desk::new();
    let run = desk.json(
        "train --data data --epochs 3 --batch 70 --eta 0.01 --lambda 0.5 --shuffle --seed 9 \
                         --evaluate-every 2 --threads 2 --engine gemm --out run",
    );
    assert_run_keys(&run, "");
    let config = &run["config"];
    let settings =
        ["eta", "lambda", "batch", "epochs", "shuffle", "seed", "evaluate_every"].map(|key| &config[key]);
    assert_eq!(settings.map(Value::to_string), ["0.01", "0.5", "70", "3", "true", "9", "2"]);
    let dataset = &run["dataset"];
    assert_eq!((&dataset["name"], &dataset["path"]), (&"CIFAR-10".into(), &"data".into()));
    let counts = ["train", "validation", "test"].map(|split| dataset[split].as_u64().unwrap());
    assert_eq!((counts, dataset["classes"].as_array().unwrap().len()), ([300, 200, 100], 10));
    assert_eq!((&run["engine"]["name"], &run["engine"]["threads"]), (&"gemm".into(), &2.into()));
    let epochs: Vec<&Value> =
        run["history"].as_array().unwrap().iter().map(|record| &record["epoch"]).collect();
    assert_eq!(epochs, [2, 3]);

    let seconds = |key: &str| run["seconds"][key].as_f64().unwrap();
    let parts = ["load", "train", "evaluate", "write"].map(seconds);
    assert!(parts.iter().all(|&part| part > 0.0));
    assert!(parts.iter().sum::<f64>() <= seconds("total"), "{parts:?} within {}", seconds("total"));
    let images_per_second = run["throughput"]["images_per_second"].as_f64().unwrap();
    assert!((images_per_second * seconds("train") / 900.0 - 1.0).abs() < 1e-9);
    let gflops = run["throughput"]["gflops"].as_f64().unwrap();
    assert!((gflops * 1e9 / (images_per_second * 4.0 * 30_720.0) - 1.0).abs() < 1e-9);

    let parameters = Model::load(&desk.path("run/model.safetensors")).unwrap().parameters;
    assert_eq!((&run["weights_sha256"], &run["out"]), (&weights_sha256(&parameters).into(), &"run".into()));
    assert_eq!(desk.read_json("run/run.json"), run);
}

#[test]
fn reproduce_has_the_promised_keys_and_the_reports_four_runs() {
    let desk = Desk::new();
    let record = desk.json("reproduce --data data --epochs 2 --out run");
    assert_keys(&record, "runs seconds out");
    assert_keys(&record["seconds"], "total");
    assert_eq!(record["out"], "run");
    let runs = record["runs"].as_array().unwrap();
    let mut settings = Vec::new();
    for (number, run) in (1..).zip(runs) {
        assert_run_keys(run, "name ");
        assert_eq!(run["name"], format!("test{number}"));
        settings.push(["eta", "lambda", "batch"].map(|key| run["config"][key].as_f64().unwrap()));
        assert_eq!(desk.read_json(&format!("run/test{number}/run.json")), *run);
    }
    let lab = [[0.1, 0.0, 100.0], [0.001, 0.0, 100.0], [0.001, 0.1, 100.0], [0.001, 1.0, 100.0]];
    assert_eq!(settings, lab);
    assert_eq!(desk.read_json("run/run.json"), record);
}

#[test]
fn a_value_that_is_not_finite_is_null() {
    let desk = Desk::new();
    // Constant images have no variance to learn from: no image of class 0 is ever predicted right, or wrong.
    desk.run("train --data data --epochs 1 --no-report --out run");
    let mut model = Model::load(&desk.path("run/model.safetensors")).unwrap();
    model.parameters.weight.fill(0.0);
    model.parameters.bias = vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    model.save(&desk.path("always-0.safetensors")).unwrap();
    let classes = &desk.json("evaluate always-0.safetensors --data data")["classes"];
    assert_eq!((&classes[0]["precision"], &classes[0]["recall"]), (&0.1.into(), &1.0.into()));
    assert_eq!((&classes[1]["precision"], &classes[1]["recall"]), (&Value::Null, &0.0.into()));
}

#[test]
fn evaluate_gets_the_very_figures_of_the_run_that_wrote_the_model() {
    let desk = Desk::new();
    for engine in ["auto", "fixed", "gemm", "reference"] {
        let engine = format!("--data data --engine {engine}");
        let record = desk.json(&format!("reproduce {engine} --epochs 2 --no-report --overwrite --out run"));
        for run in record["runs"].as_array().unwrap() {
            let model = format!("run/{}/model.safetensors", run["name"].as_str().unwrap());
            let evaluation = desk.json(&format!("evaluate {model} {engine}"));
            for key in ["loss", "cost", "accuracy"] {
                assert_eq!(evaluation[key], run["test"][key], "{engine}, {model}, {key}");
            }
        }
    }
    let evaluation = desk.json("evaluate run/test3/model.safetensors --data data --split train");
    assert_keys(&evaluation, "model dataset split loss cost accuracy classes confusion");
    assert_eq!(
        (&evaluation["split"], &evaluation["model"]),
        (&"train".into(), &"run/test3/model.safetensors".into())
    );
    let confusion: u64 = evaluation["confusion"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(confusion, 300);
}
