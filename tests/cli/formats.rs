//! Every format reaches every verb that reads data.

use std::fs;

use onelayer::data::pickle;
use onelayer::model::Model;
use serde_json::Value;

use super::support::data_sets::{copy, python, write_arrays, write_cifar_10, write_cifar_100, write_pair};
use super::{Desk, Done};

/// A folder with each of the small data sets: `binary`, `python` and `arrays` are one, `binary100` and
/// `python100` another; `own` has images of 7 features in 3 classes.
fn desk() -> Desk {
    let desk = Desk::bare();
    for name in ["binary", "python", "arrays", "binary100", "python100", "own"] {
        fs::create_dir(desk.path(name)).unwrap();
    }
    write_cifar_10(&desk.path("binary"));
    copy(&python("cifar-10-batches-py"), &desk.path("python"));
    write_arrays(&desk.path("arrays"));
    write_cifar_100(&desk.path("binary100"));
    copy(&python("cifar-100-python"), &desk.path("python100"));
    let pixels: Vec<u8> = (0..210).map(|i| (i * i % 251) as u8).collect();
    let labels: Vec<u8> = (0..30).map(|n| n % 3).collect();
    for split in ["train", "test"] {
        write_pair(&desk.path("own"), split, &[30, 7], &pixels, &labels);
    }
    desk
}

/// A run of two epochs.
fn train(desk: &Desk, data: &str, out: &str) -> Value {
    desk.json(&format!("train --data {data} --batch 2 --epochs 2 --seed 3 --out {out} --no-report"))
}

#[test]
fn the_same_images_train_the_same_weights() {
    let desk = desk();
    for (formats, classes) in [
        (&["binary", "python", "arrays"][..], 10),
        (&["binary100", "python100"], 100),
        (&["binary100 --labels coarse", "python100 --labels coarse"], 20),
    ] {
        let runs: Vec<Value> = formats
            .iter()
            .enumerate()
            .map(|(format, data)| train(&desk, data, &format!("run{classes}-{format}")))
            .collect();
        for run in &runs {
            for key in ["weights_sha256", "test"] {
                assert_eq!(run[key], runs[0][key], "{}", run["dataset"]["path"]);
            }
            assert_eq!(run["dataset"]["classes"], runs[0]["dataset"]["classes"]);
            assert_eq!(run["dataset"]["classes"].as_array().unwrap().len(), classes);
        }
    }
}

#[test]
fn a_model_keeps_its_classes_and_meets_the_data_of_any_format() {
    let desk = desk();
    train(&desk, "binary100", "run");
    let model = Model::load(&desk.path("run/model.safetensors")).unwrap();
    let meta = python("cifar-100-python/meta");
    let names = pickle::names(&meta, &fs::read(&meta).unwrap(), "fine_label_names").unwrap();
    assert_eq!(model.classes, names);

    let evaluated = |data: &str| desk.json(&format!("evaluate run/model.safetensors --data {data}"));
    let [binary, pickled] = ["binary100", "python100"].map(evaluated);
    assert_eq!((&binary["loss"], &binary["confusion"]), (&pickled["loss"], &pickled["confusion"]));
    assert_eq!(binary["classes"][99]["name"], "worm");

    let predicted = |file: &str| {
        let (out, _) = desk.run(&format!("predict run/model.safetensors {file}:0-2 --json"));
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let (binary, pickled) = (predicted("binary100/test.bin"), predicted("python100/test"));
    assert_eq!((binary.len(), &binary[0]["truth"]), (3, &names[3].clone().into()));
    for (one, other) in binary.iter().zip(&pickled) {
        assert_eq!((&one["truth"], &one["top"]), (&other["truth"], &other["top"]));
    }
}

#[test]
fn a_model_is_evaluated_where_only_the_images_that_it_is_evaluated_on_are() {
    let desk = desk();
    train(&desk, "binary", "run");
    fs::remove_file(desk.path("binary/data_batch_1.bin")).unwrap();
    fs::remove_file(desk.path("binary/data_batch_2.bin")).unwrap();
    let test = "evaluate run/model.safetensors --data binary --engine gemm";
    let dataset = &desk.json(test)["dataset"];
    assert_eq!(
        [&dataset["train"], &dataset["validation"], &dataset["test"]],
        [&Value::Null, &Value::Null, &3.into()]
    );
    let (text, _) = desk.run(test);
    assert!(text.starts_with("data      CIFAR-10 (binary): 3 test images\n"), "{text}");
    let message = desk.failure(&format!("{test} --split validation"), 1);
    assert!(
        message.contains("expected a folder with data_batch_2.bin (")
            && message.contains("found no data_batch_2.bin")
    );
}

#[test]
fn a_model_is_evaluated_on_test_arrays_alone() {
    let desk = desk();
    train(&desk, "own", "run");
    let evaluate = "evaluate run --data own";
    let before = desk.json(evaluate);
    for name in ["train_images.npy", "train_labels.npy"] {
        fs::remove_file(desk.path("own").join(name)).unwrap();
    }
    let alone = desk.json(evaluate);
    assert_eq!([&alone["loss"], &alone["confusion"]], [&before["loss"], &before["confusion"]]);
}

#[test]
fn data_is_found_where_torchvision_puts_it_and_an_empty_variable_names_none() {
    let desk = Desk::bare();
    fs::create_dir(desk.path("data/cifar-10-batches-py")).unwrap();
    copy(&python("cifar-10-batches-py"), &desk.path("data/cifar-10-batches-py"));
    let info = |folder: &str| {
        let done = Done::of(desk.command("info --json").env("ONELAYER_DATA", folder));
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        serde_json::from_str::<Value>(&done.stdout).unwrap()["dataset"]["path"].clone()
    };
    assert_eq!(info(""), "data/cifar-10-batches-py");
    fs::create_dir(desk.path("other")).unwrap();
    write_cifar_10(&desk.path("other"));
    assert_eq!(info("other"), "other");
    fs::remove_dir_all(desk.path("data/cifar-10-batches-py")).unwrap();
    assert!(info("").is_null());
}

#[test]
fn records_have_the_labels_that_the_model_has() {
    let desk = desk();
    train(&desk, "python100 --labels coarse", "coarse");
    train(&desk, "own", "own-run");
    for (model, file, truth) in [
        // Fine label 3 is in group 0.
        ("coarse", "binary100/test.bin", "aquatic_mammals"),
        ("coarse", "python100/test", "aquatic_mammals"),
        ("own-run", "own/test_images.npy", "0"),
    ] {
        let record = desk.json(&format!("predict {model}/model.safetensors {file}:0"));
        assert_eq!(record["truth"], truth, "{file}");
    }
}

#[test]
fn a_model_of_other_images_or_classes_is_refused() {
    let desk = desk();
    train(&desk, "python", "ten");
    train(&desk, "own", "own-run");
    let [ten, own] = ["ten/model.safetensors", "own-run/model.safetensors"];
    let [of_ten, of_own] = [(3072, 10), (7, 3)].map(|(features, classes)| {
        format!("as the data has, found {features} features and {classes} classes")
    });
    for (arguments, fact) in [
        (format!("evaluate {ten} --data python100"), format!("of 3072 features and 100 classes, {of_ten}")),
        (format!("evaluate {ten} --data own"), format!("of 7 features and 10 classes, {of_ten}")),
        (
            format!("evaluate {own} --data binary100 --labels coarse"),
            format!("expected a model of 3072 features and 20 classes, {of_own}"),
        ),
        (
            format!("predict {ten} python100/test:0"),
            "python100/test: expected images of 10 classes, as".into(),
        ),
        (format!("predict {ten} own/test_images.npy:0"), "expected a model of 7 features, as own".into()),
        (format!("predict {own} binary/test_batch.bin:0"), "expected labels from 0 to 2".into()),
    ] {
        let Done { code, stdout, stderr } = desk.done(&arguments);
        assert_eq!((code, stdout.as_str()), (Some(1), ""));
        assert!(stderr.contains(&fact), "{stderr}");
    }
}

#[test]
fn every_format_is_described_and_its_gradient_checked() {
    let desk = desk();
    for data in ["python", "arrays", "binary100", "python100 --labels coarse", "own"] {
        let info = desk.json(&format!("info --data {data}"));
        let (features, classes) = match data {
            "own" => (7, 3),
            "binary100" => (3072, 100),
            "python100 --labels coarse" => (3072, 20),
            _ => (3072, 10),
        };
        let info = &info["dataset"];
        assert_eq!(info["features"], features);
        assert_eq!(info["classes"].as_array().unwrap().len(), classes);
        // Of 100 classes its 307,300 parameters take seconds.
        if classes < 100 {
            let check = format!("gradcheck --data {data} --images 1 --lambda 0.1 --engine simd");
            let (report, parameters) = (desk.json(&check), (features + 1) * classes);
            assert_eq!((&report["passed"], &report["parameters"]), (&true.into(), &parameters.into()));
        }
    }
}

#[test]
fn bench_measures_images_of_any_size() {
    let desk = desk();
    let record = desk.json("bench --data own --quick --batch 5 --out bench");
    assert_eq!((&record["dataset"]["train"], &record["dataset"]["name"]), (&24.into(), &"custom".into()));
}

#[test]
fn a_run_says_how_it_chose_its_data() {
    let desk = desk();
    desk.json("train --data python100 --labels coarse --validation-images 2 --batch 2 --epochs 1 --out run");
    let report = desk.read("run/report.md");
    assert!(report.contains("--data python100 --validation-images 2 --labels coarse"), "{report}");
}

#[test]
fn choices_that_cannot_be_made() {
    let desk = desk();
    let held_out = "--validation-images: expected";
    for (options, line) in [
        (
            "python --labels coarse",
            "--labels: expected fine, as the Python version of CIFAR-10 has no other".into(),
        ),
        ("python100 --labels all", "--labels: expected fine or coarse, found all".into()),
        (
            "python --validation-images 4",
            format!("{held_out} 1 to 3, fewer than the images of the training files"),
        ),
        ("python --validation-images -1", format!("{held_out} a whole number from 0 to 2^64 - 1, found -1")),
        (
            "python --validation-images 1 --validation-files data_batch_2",
            "--validation-images: cannot be combined with --validation-files".into(),
        ),
    ] {
        let message = desk.failure(&format!("train --data {options} --out run"), 2);
        assert!(message.starts_with(&line), "{message}");
    }
}
