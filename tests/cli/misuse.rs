//! Whatever is wrong is said in one line that names the file or option, what was expected and what was found,
//! and nothing is left behind.

use std::fs;

use onelayer::data::layout::RECORD;
use onelayer::engine::Isa;

use super::support::names;
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
        ("--batch -5", "--batch: expected a whole number, not negative, found -5"),
        ("--batch 1e3", "--batch: expected a whole number, not negative, found 1e3"),
        ("--epochs 0", "--epochs: expected at least 1, found 0"),
        ("--epochs 99999999999999999999", "--epochs: expected a smaller number, found 99999999999999999999"),
        ("--evaluate-every 0", "--evaluate-every: expected at least 1, found 0"),
        ("--threads 0", "--threads: expected 1 to 1024, found 0"),
        ("--threads -2", "--threads: expected a whole number, not negative, found -2"),
        ("--threads 5000", "--threads: expected 1 to 1024, found 5000"),
        ("--seed -1", "--seed: expected a whole number, not negative, found -1"),
        ("--engine foo", "--engine: expected auto, simd, fixed, gemm or reference, found foo"),
        ("--engine", "--engine: expected auto, simd, fixed, gemm or reference, found nothing"),
        ("--isa sse", "--isa: expected auto, avx512, avx2 or portable, found sse"),
        (
            "--engine gemm --isa avx2",
            "--isa: expected auto, or --engine simd or fixed, found avx2 with --engine gemm",
        ),
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

/// Every verb that trains says the same of a bad data folder.
#[track_caller]
fn assert_data_refused(desk: &Desk, folder: &str, facts: &[&str]) {
    for verb in ["train", "reproduce"] {
        assert_refused(desk, &format!("{verb} --data {folder} --out new/run"), 1, facts);
    }
}

#[test]
fn data_that_is_not_there_or_not_data() {
    let desk = Desk::new();
    fs::create_dir(desk.path("empty")).unwrap();
    assert_data_refused(
        &desk,
        "missing",
        &["missing: expected a folder with data_batch_1.bin", "no such folder"],
    );
    assert_data_refused(
        &desk,
        "empty",
        &["empty: expected a folder with data_batch_1.bin", "an empty folder"],
    );
    let file = "data/test_batch.bin";
    assert_data_refused(&desk, file, &["data/test_batch.bin: expected a folder with", "found a file"]);
    let message = desk.failure("train --data data --train-files data_batch_7.bin", 1);
    assert!(message.starts_with("data: expected a folder with data_batch_7.bin"), "{message}");

    let good = fs::read(desk.path(file)).unwrap();
    let assert_file_refused = |facts: &[&str]| {
        let name = format!("{file}: expected ");
        assert_data_refused(&desk, "data", &[&[name.as_str()], facts].concat());
    };
    fs::write(desk.path(file), "").unwrap();
    assert_file_refused(&["a file of CIFAR-10 records", "found an empty file"]);
    fs::write(desk.path(file), &good[..good.len() - 1]).unwrap();
    assert_file_refused(&["whole number of records of 3073 bytes", "found 307299 bytes"]);
    let mut bad = good.clone();
    bad[17 * RECORD] = 10;
    fs::write(desk.path(file), bad).unwrap();
    assert_file_refused(&["labels from 0 to 9", "found 10 in record 17"]);
    fs::remove_file(desk.path(file)).unwrap();
    assert_data_refused(&desk, "data", &["data: expected a folder with", "found no test_batch.bin"]);
    fs::create_dir(desk.path(file)).unwrap();
    assert_file_refused(&["a file of CIFAR-10 records", "found a folder"]);
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
        let expected = "expected a new or an empty folder, or --overwrite";
        assert_refused(&desk, &format!("{train} file"), 1, &["file: ", expected, "found a file"]);
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
    desk.run("train --data data --epochs 1 --no-report --out run");
    let good = fs::read(desk.path("run/model.safetensors")).unwrap();
    let refused = |bytes: &[u8], facts: &[&str]| {
        fs::write(desk.path("m"), bytes).unwrap();
        assert_refused(&desk, "evaluate m --data data", 1, facts);
    };
    refused(b"junk", &["m: expected a model file in safetensors format", "found 4 bytes"]);
    refused(b"", &["m: expected a model file in safetensors format", "found 0 bytes"]);
    refused(&good[..good.len() / 2], &["m: expected a model file in safetensors format"]);
    let mut small = onelayer::model::Model::load(&desk.path("run/model.safetensors")).unwrap();
    small.parameters = onelayer::model::Parameters::zeros(10, 3);
    small.standardization.mean.truncate(3);
    small.standardization.std.truncate(3);
    let facts = ["m: expected a model of 3072 features and 10 classes", "found 3 features and 10 classes"];
    refused(&small.to_bytes(), &facts);
    assert_refused(&desk, "evaluate gone --data data", 1, &["gone: cannot open"]);
    assert_refused(
        &desk,
        "evaluate data --data data",
        1,
        &["data: expected a model file, or a run folder", "found a folder"],
    );
}

#[test]
fn training_that_diverges_ends_with_three_and_keeps_its_history() {
    let desk = Desk::new();
    let message = desk.failure("train --data data --eta 1e38 --epochs 5 --out run --quiet", 3);
    let expected = "training diverged in epoch 1 with eta 1e38 and lambda 0.0; try a smaller --eta";
    assert!(message.contains(expected), "{message}");
    assert_eq!(names(&desk.path("run")), ["history.csv", "run.json"]);
    assert_eq!(desk.read_json("run/run.json")["status"], "diverged");
    assert_eq!(desk.read("run/history.csv").lines().count(), 2);
    assert!(desk.files().iter().all(|path| !path.ends_with(".safetensors")));
}
