//! Whatever is wrong is said in one line that names the file or option, what was expected and what was found,
//! and nothing is left behind.

use std::fs;

use onelayer::data::layout::CLASSES;
use onelayer::engine::Isa;
use onelayer::model::{Model, Parameters, Standardization};

use super::{Desk, Done};

/// Runs `arguments`, which must fail with `code` in one line that contains all of `facts`, and leave everything
/// as it was.
#[track_caller]
fn assert_refused(desk: &Desk, arguments: &str, code: i32, facts: &[&str]) {
    let before = desk.files();
    let message = desk.failure(arguments, code);
    for fact in facts {
        assert!(message.contains(fact), "{arguments}: {fact:?} in {message:?}");
    }
    assert_eq!(desk.files(), before, "{arguments}");
}

#[test]
fn options_that_cannot_be_used() {
    let desk = Desk::new();
    for (options, line) in [
        ("--eta -1", "--eta: expected a number from 0 to 3.4028235e38, found -1.0"),
        ("--eta nan", "--eta: expected a number from 0 to 3.4028235e38, found NaN"),
        ("--eta -inf", "--eta: expected a number from 0 to 3.4028235e38, found -inf"),
        ("--eta 1e39", "--eta: expected a number from 0 to 3.4028235e38, found 1e39"),
        ("--eta large", "--eta: expected a number, found large"),
        ("--eta", "--eta: expected <RATE>, found nothing"),
        ("--eta 1 --eta 2", "--eta: expected once, found twice"),
        ("--lambda -0.1", "--lambda: expected a number from 0 to 3.4028235e38, found -0.1"),
        ("--lambda inf", "--lambda: expected a number from 0 to 3.4028235e38, found inf"),
        ("--batch 0", "--batch: expected 1 to 300, the images of the training split, found 0"),
        ("--batch 301", "--batch: expected 1 to 300, the images of the training split, found 301"),
        ("--batch -5", "--batch: expected a whole number from 0 to 2^64 - 1, found -5"),
        ("--batch 1e3", "--batch: expected a whole number from 0 to 2^64 - 1, found 1e3"),
        ("--epochs 0", "--epochs: expected at least 1, found 0"),
        (
            "--epochs 99999999999999999999",
            "--epochs: expected a whole number from 0 to 2^64 - 1, found 99999999999999999999",
        ),
        ("--evaluate-every 0", "--evaluate-every: expected at least 1, found 0"),
        ("--threads 0", "--threads: expected 1 to 1024, found 0"),
        ("--threads -2", "--threads: expected a whole number from 0 to 2^64 - 1, found -2"),
        ("--threads 5000", "--threads: expected 1 to 1024, found 5000"),
        ("--seed -1", "--seed: expected a whole number from 0 to 2^64 - 1, found -1"),
        ("--engine foo", "--engine: expected auto, simd, fixed, gemm or reference, found foo"),
        ("--engine", "--engine: expected auto, simd, fixed, gemm or reference, found nothing"),
        ("--isa sse", "--isa: expected auto, avx512, avxvnni, avx2 or portable, found sse"),
        (
            "--engine gemm --isa avx2",
            "--isa: expected auto, or engine simd or fixed, found avx2 with engine gemm",
        ),
        ("--size 5", "--size: expected a square of 1x1 to 1024x1024, or of grey as in 28x28x1, found 5"),
        ("--json=yes", "--json: expected no value, found yes"),
        ("--bach 10", "--bach: no such option; did you mean --batch?"),
        ("--zzz", "--zzz: no such option; --help lists those that there are"),
        ("extra", "extra: no such argument; --help lists those that there are"),
    ] {
        assert_refused(&desk, &format!("train --data data {options}"), 2, &[line]);
    }
}

#[test]
fn verbs_and_arguments_that_are_missing_or_unknown() {
    let desk = Desk::new();
    for (arguments, line) in [
        ("trian", "trian: no such verb; did you mean train?"),
        ("evaluate", "expected <MODEL>, found nothing"),
        ("evaluate a --csv --json", "--csv: cannot be combined with --json"),
        ("evaluate a --split b", "--split: expected train, validation or test, found b"),
        ("completions ksh", "<SHELL>: expected bash, elvish, fish, powershell or zsh, found ksh"),
    ] {
        assert_refused(&desk, arguments, 2, &[line]);
    }
    let Done { code, stdout, stderr } = desk.done("");
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("Usage: onelayer"), "{stderr}");
}

#[test]
fn an_instruction_set_that_is_not_here_is_refused_with_those_that_are() {
    let desk = Desk::new();
    for isa in Isa::ALL {
        let arguments = format!("train --data data --epochs 1 --out run --overwrite --isa {}", isa.name());
        if Isa::available().any(|available| available == isa) {
            assert_eq!(desk.json(&arguments)["engine"]["isa"], isa.name());
        } else {
            let facts = ["--isa: expected one that this machine has: ", "portable", isa.name()];
            assert_refused(&desk, &arguments, 2, &facts);
        }
    }
}

/// What is wrong with data is proved where data is read.
#[test]
fn data_that_is_not_data_is_refused_by_every_verb_that_trains() {
    let desk = Desk::new();
    let file = "data/test_batch.bin";
    let good = fs::read(desk.path(file)).unwrap();
    fs::write(desk.path(file), &good[..good.len() - 1]).unwrap();
    for verb in ["train", "reproduce"] {
        for (folder, facts) in [
            ("missing", ["missing: expected a folder with data_batch_1.bin", "no such folder"]),
            ("data", [&format!("{file}: expected a whole number of records"), "found 307299 bytes"]),
        ] {
            assert_refused(&desk, &format!("{verb} --data {folder} --out new/run"), 1, &facts);
        }
    }
    let message = desk.failure("train --data data --train-files data_batch_7.bin", 1);
    assert!(message.starts_with("data: expected a folder with data_batch_7.bin"), "{message}");
}

#[test]
fn the_environments_data_folder_is_held_to_the_same() {
    let desk = Desk::new();
    let message = Done::of(desk.command("train --out run").env("ONELAYER_DATA", "nowhere")).failure(1);
    assert!(message.starts_with("nowhere: expected a folder with"), "{message}");
    assert!(!desk.path("run").exists());
}

#[test]
fn places_that_take_no_run() {
    let desk = Desk::new();
    fs::write(desk.path("file"), "mine").unwrap();
    for verb in ["train", "reproduce"] {
        let train = format!("{verb} --data data --epochs 1 --out");
        let expected = "expected a new or empty folder";
        assert_refused(&desk, &format!("{train} file"), 1, &["file: expected a folder", "found a file"]);
        assert_refused(
            &desk,
            &format!("{train} data"),
            1,
            &["data: ", expected, "found a folder that holds files"],
        );
        assert_refused(&desk, &format!("{train} file/run"), 1, &["file/run: cannot make the folder"]);
        assert_refused(&desk, &format!("{train} file --overwrite"), 1, &["file: "]);
    }
    assert_eq!(desk.read("file"), "mine");
}

#[test]
fn model_files_that_hold_no_model_for_the_data() {
    let desk = Desk::new();
    fs::write(desk.path("junk"), "junk").unwrap();
    let standardization = Standardization { mean: vec![0.5; 3], std: vec![0.25; 3] };
    let (parameters, classes) = (Parameters::zeros(10, 3), CLASSES.map(String::from).to_vec());
    let small = Model {
        parameters,
        standardization,
        objective: Default::default(),
        classes,
        metadata: Default::default(),
    };
    small.save(&desk.path("small")).unwrap();
    let other = "small: expected a model of 3072 features and 10 classes";
    for (model, facts) in [
        ("junk", ["junk: expected a model file in safetensors format", "found 4 bytes"]),
        ("small", [other, "found 3 features and 10 classes"]),
        ("gone", ["gone: cannot open", ""]),
    ] {
        assert_refused(&desk, &format!("evaluate {model} --data data"), 1, &facts);
    }
}
