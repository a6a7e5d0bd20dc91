//! People's own data goes all the way: training, evaluation and predictions, whatever files it is in.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Desk;
use super::predict::png;
use super::support::data_sets::{array, array_with};

/// A file that `tests/data/numpy/write.py` has written.
fn numpy(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/numpy").join(name)
}

fn desk_with(folder: &str, files: &[&str]) -> Desk {
    let desk = Desk::bare();
    fs::create_dir_all(desk.path(folder)).unwrap();
    for name in files {
        fs::copy(numpy(name), desk.path(folder).join(name)).unwrap();
    }
    desk
}

/// The rows of a CSV file, its header apart.
fn rows(csv: &str) -> Vec<Vec<&str>> {
    csv.lines().skip(1).map(|line| line.split(',').collect()).collect()
}

/// Trains on `data`, and checks that `evaluate` finds what `train` reported, and that `predict` on `file` says the same of
/// each of the four test images.
fn all_the_way(desk: &Desk, data: &str, file: &str) -> Value {
    let run = desk.json(&format!("train --data {data} --batch 2 --epochs 2 --eta 0.1 --out run --no-report"));
    let found = desk.json(&format!("evaluate run --data {data}"));
    for key in ["loss", "accuracy"] {
        assert_eq!(found[key], run["test"][key], "{key}");
    }
    let (csv, _) = desk.run(&format!("predict run/model.safetensors {file} --csv --top 1"));
    assert_eq!(rows(&csv).len(), 4, "{csv}");
    run
}

#[test]
fn an_archive_of_arrays() {
    let desk = desk_with("data", &["keras.npz"]);
    let run = all_the_way(&desk, "data/keras.npz", "data/keras.npz/x_test");
    assert_eq!(run["dataset"]["train"], 8);
}

#[test]
fn mnists_files() {
    let files = [
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
    ];
    let desk = desk_with("data", &files);
    all_the_way(&desk, "data", "data/t10k-images-idx3-ubyte.gz");
}

#[test]
fn a_folder_of_pictures_a_class() {
    let desk = Desk::bare();
    let colours = [("red", [250, 9, 9]), ("blue", [9, 9, 250])];
    for (split, count) in [("train", 10), ("test", 2)] {
        for (class, colour) in colours {
            let folder = desk.path(&format!("data/{split}/{class}"));
            fs::create_dir_all(&folder).unwrap();
            for n in 0..count {
                let colour = colour.map(|value: u8| value.saturating_sub(n));
                fs::write(folder.join(format!("{n}.png")), png(20, 16, colour)).unwrap();
            }
        }
    }
    let run = all_the_way(&desk, "data", "data/test");
    assert_eq!(
        (&run["dataset"]["classes"], &run["test"]["accuracy"]),
        (&serde_json::json!(["blue", "red"]), &1.0.into())
    );
    let small = desk.json("train --data data --size 8x8 --batch 2 --epochs 2 --out small --no-report");
    assert_eq!(small["test"]["accuracy"], 1.0);
}

/// Floats in `folder`: 600 training and 20 test samples of 5 features, some of which follow the label; one training value is
/// far off.
fn write_floats(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (split, count) in [("train", 600), ("test", 20)] {
        let value = |n: usize, d: usize| match (split, n, d) {
            ("train", 7, 3) => 30.0,
            _ => ((n * 31 + d * 17) % 23) as f32 / 10.0 + if n % 3 == d { 1.0 } else { 0.0 },
        };
        let floats: Vec<u8> = (0..count * 5).flat_map(|i| value(i / 5, i % 5).to_le_bytes()).collect();
        let labels: Vec<u8> = (0..count).flat_map(|n| ((n % 3 * 10) as i64 - 5).to_le_bytes()).collect();
        let header = |of: &str, shape: &str| {
            format!("{{'descr': '{of}', 'fortran_order': False, 'shape': {shape}, }}")
        };
        let write = |name: &str, header: &str, bytes: &[u8]| {
            fs::write(folder.join(format!("{split}_{name}.npy")), array_with(header, bytes)).unwrap();
        };
        write("images", &header("<f4", &format!("({count}, 5)")), &floats);
        write("labels", &header("<i8", &format!("({count},)")), &labels);
    }
}

#[test]
fn floats_as_bytes_are_said_to_be_rounded_and_the_model_is_one_of_floats() {
    let desk = Desk::bare();
    write_floats(&desk.path("data"));
    let train = |options: &str| {
        desk.run(&format!(
            "train --data data --batch 5 --epochs 3 --no-report --overwrite --out run {options}"
        ))
        .0
    };
    assert!(!train("--engine simd").contains("rounding"));
    let text = train("--engine fixed");
    let line = text.lines().find(|line| line.starts_with("rounding")).unwrap();
    assert!(line.contains("the worst, feature 3") && line.contains("--clip"), "{line}");
    let text = train("--engine fixed --clip 0.02");
    assert!(!text.lines().any(|line| line.starts_with("rounding") && line.contains("--clip")), "{text}");
    // The classes are the labels, in order; the evaluation is one of floats.
    let found = desk.json("evaluate run --data data");
    assert_eq!(found["accuracy"], desk.read_json("run/run.json")["test"]["accuracy"]);
    let (csv, _) = desk.run("predict run/model.safetensors data/test_images.npy --csv --top 1");
    assert!(rows(&csv).len() == 20 && rows(&csv).iter().any(|row| row.contains(&"-5")), "{csv}");
    let message = desk.failure("train --data data --batch 5 --clip 0.1 --engine simd --out other", 2);
    assert!(message.contains("--clip: expected 0, or engine fixed, found 0.1"), "{message}");
}

#[test]
fn features_that_are_not_standardized_are_used_as_they_are() {
    let desk = Desk::bare();
    write_floats(&desk.path("data"));
    desk.run("train --data data --batch 5 --eta 1e-9 --epochs 1 --no-report --no-standardize --out run");
    let model = onelayer::model::Model::load(&desk.path("run/model.safetensors")).unwrap();
    assert_eq!((model.standardization.mean, model.standardization.std), (vec![0.0; 5], vec![1.0; 5]));
}

#[test]
fn features_of_another_kind_than_the_models_are_warned_of() {
    let desk = desk_with("data", &["keras.npz"]);
    write_floats(&desk.path("floats"));
    desk.run("train --data data --batch 2 --epochs 1 --no-report --out run");
    let (text, _) = desk.run("evaluate run --data data/keras.npz");
    assert!(!text.contains("trained on"), "{text}");
    fs::copy(numpy("stored.npz"), desk.path("data/stored.npz")).unwrap();
    for arguments in
        ["evaluate run --data data/stored.npz", "predict run/model.safetensors data/stored.npz/test_images"]
    {
        let (text, _) = desk.run(arguments);
        assert!(text.contains("the model was trained on uint8 features, these are float32"), "{text}");
    }
}

#[test]
fn probabilities_of_many_rows_are_one_array() {
    let desk = desk_with("data", &["keras.npz"]);
    desk.run("train --data data --batch 2 --epochs 1 --no-report --out run");
    let images: Vec<u8> = (0..1000 * 16).map(|i| (i % 251) as u8).collect();
    fs::write(desk.path("many.npy"), array(&[1000, 16], &images)).unwrap();
    let (text, _) = desk.run("predict run/model.safetensors many.npy --probabilities out.npy");
    assert!(text.contains("written   out.npy: probabilities [1,000, 3]"), "{text}");
    let bytes = fs::read(desk.path("out.npy")).unwrap();
    assert!(bytes.len() == 128 + 1000 * 3 * 4 && bytes.starts_with(b"\x93NUMPY"));
    let rows: Vec<f32> = bytes[128..].as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    assert!(rows.chunks(3).all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-6));
    // What stops it leaves no half of a file.
    fs::remove_file(desk.path("out.npy")).unwrap();
    fs::write(desk.path("wide.npy"), array(&[5, 17], &[7; 85])).unwrap();
    desk.failure("predict run/model.safetensors many.npy wide.npy --probabilities out.npy", 1);
    assert!(!desk.path("out.npy").exists());
    assert_eq!(desk.temporary_files(), 0);
}

#[test]
fn a_model_is_exported() {
    let desk = desk_with("data", &["keras.npz"]);
    desk.run("train --data data --batch 2 --epochs 1 --no-report --out run");
    let found = desk.json("export run --onnx model.onnx");
    let file = fs::read(desk.path("model.onnx")).unwrap();
    assert_eq!(
        found,
        serde_json::json!({
            "onnx": "model.onnx", "features": 16, "classes": ["0", "1", "2"], "bytes": file.len(),
        })
    );
    let model = onelayer::model::Model::load(&desk.path("run/model.safetensors")).unwrap();
    assert_eq!(file, model.to_onnx());
    desk.failure("export run", 2);
    assert!(desk.failure("export missing --onnx other.onnx", 1).contains("missing"));
    assert!(desk.failure("export run --onnx nowhere/model.onnx", 1).contains("nowhere/model.onnx"));
}

#[test]
fn csv_is_refused_with_the_line_that_makes_an_array_of_it() {
    let desk = Desk::bare();
    fs::write(desk.path("data/train.csv"), "1,2,3\n").unwrap();
    for data in ["data", "data/train.csv"] {
        let message = desk.failure(&format!("train --data {data} --out run"), 1);
        assert!(
            message.contains("data/train.csv: expected arrays") && message.contains("numpy.loadtxt"),
            "{message}"
        );
    }
}
