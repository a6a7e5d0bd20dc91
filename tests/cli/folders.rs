//! Run folders: new by default, kept unless asked, and filled with what is promised.

use std::fs;

use super::Desk;
use super::support::data_sets::BINARY;
use super::support::names;

#[test]
fn by_default_every_run_has_a_new_dated_folder() {
    let desk = Desk::new();
    for verb in ["train", "train", "train", "reproduce", "reproduce"] {
        desk.run(&format!("{verb} --data data --epochs 1 --no-report"));
    }
    let names = names(&desk.path("runs"));
    assert_eq!(names.iter().filter(|name| name.starts_with("train-20")).count(), 3, "{names:?}");
    assert_eq!(names.iter().filter(|name| name.starts_with("reproduce-20")).count(), 2, "{names:?}");
    for name in names {
        assert!(desk.path("runs").join(&name).join("run.json").exists(), "{name}");
    }
}

#[test]
fn an_existing_run_is_overwritten_only_when_asked() {
    let desk = Desk::new();
    let train = "train --data data --epochs 1 --no-report --out run";
    desk.run(train);
    fs::write(desk.path("run/notes.txt"), "mine").unwrap();
    let files = ["history.csv", "model.safetensors", "run.json"].map(|name| format!("run/{name}"));
    let read = || files.each_ref().map(|name| fs::read(desk.path(name)).unwrap());
    let first = read();

    let message = desk.failure(&format!("{train} --seed 1"), 1);
    assert!(message.contains("expected a new or empty folder, or --overwrite, found"), "{message}");
    assert!(read() == first);
    desk.run(&format!("{train} --seed 1 --overwrite"));
    assert!(read().iter().zip(&first).all(|(now, before)| now != before));
    assert_eq!(desk.read("run/notes.txt"), "mine");
}

#[test]
fn an_empty_folder_and_one_in_a_new_folder_take_a_run() {
    let desk = Desk::new();
    fs::create_dir(desk.path("empty")).unwrap();
    for out in ["empty", "a/b/c"] {
        desk.run(&format!("train --data data --epochs 1 --no-report --out {out}"));
        assert!(desk.path(out).join("model.safetensors").exists());
    }
}

#[test]
fn without_a_report_a_run_is_three_files() {
    let desk = Desk::new();
    desk.run("train --data data --epochs 1 --no-report --out run");
    assert_eq!(names(&desk.path("run")), ["history.csv", "model.safetensors", "run.json"]);
}

#[test]
fn data_where_the_readme_says_is_found() {
    let desk = Desk::new();
    let standard = desk.path("data/cifar-10-batches-bin");
    fs::create_dir(&standard).unwrap();
    for name in BINARY {
        fs::rename(desk.path("data").join(name), standard.join(name)).unwrap();
    }
    let run = desk.json("train --epochs 1 --no-report");
    assert_eq!(run["dataset"]["path"], "data/cifar-10-batches-bin");
}
