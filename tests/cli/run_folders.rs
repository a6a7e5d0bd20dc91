//! A run folder tells the story of one run: a new run replaces the old one as a whole, and nothing else.

use std::fs;
use std::path::PathBuf;

use onelayer::files::{Existing, RunFolder};

use super::Desk;
use super::support::files;

/// The files and empty folders in `folder`, relative to it.
fn names(desk: &Desk, folder: &str) -> Vec<PathBuf> {
    files(&desk.path(folder)).into_iter().map(PathBuf::from).collect()
}

/// Every file in `folder`, with its contents.
fn contents(desk: &Desk, folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = names(desk, folder).into_iter().map(|name| (desk.path(folder).join(&name), name));
    paths.filter(|(path, _)| path.is_file()).map(|(path, name)| (name, fs::read(path).unwrap())).collect()
}

/// Each verb in turn, in the folder of the one before. A file that no list of ours has would stay.
#[test]
fn whichever_verb_overwrites_nothing_of_the_old_run_stays() {
    let desk = Desk::new();
    let verbs = [
        "reproduce --epochs 1",
        "sweep --epochs 1 --eta 0.1,0.2",
        "train --epochs 1 --checkpoint-every 1",
        "gradcheck --step-sweep --engine reference",
        "bench --quick --engine gemm",
        "train --epochs 1 --no-report",
    ];
    for (index, verb) in verbs.iter().enumerate() {
        desk.run(&format!("{verb} --data data --out fresh{index}"));
        desk.run(&format!("{verb} --data data --out run --overwrite"));
        assert_eq!(names(&desk, "run"), names(&desk, &format!("fresh{index}")), "{verb}");
    }
}

#[test]
fn other_files_stay() {
    let desk = Desk::new();
    desk.run("reproduce --data data --epochs 1 --no-report --out run");
    for name in ["notes.txt", "test1/notes.txt"] {
        fs::write(desk.path("run").join(name), "mine").unwrap();
    }
    fs::create_dir(desk.path("run/history.csv")).unwrap();
    desk.run("bench --quick --engine gemm --data data --out run --overwrite");
    let expected = ["bench.csv", "bench.json", "history.csv", "notes.txt", "roofline.svg", "test1/notes.txt"];
    assert_eq!(names(&desk, "run"), expected.map(PathBuf::from));
}

#[test]
fn until_its_first_file_is_whole_a_new_run_removes_nothing() {
    let desk = Desk::new();
    desk.run("reproduce --data data --epochs 1 --no-report --out run");
    let old = contents(&desk, "run");
    let folder = RunFolder::create(&desk.path("run"), Existing::Replace).unwrap();
    let inner = folder.inner("test2").unwrap();
    drop((inner, folder));
    assert!(contents(&desk, "run") == old);

    let folder = RunFolder::create(&desk.path("run"), Existing::Replace).unwrap();
    folder.inner("test2").unwrap().write("history.csv", "new").unwrap();
    assert_eq!(contents(&desk, "run"), [(PathBuf::from("test2/history.csv"), b"new".to_vec())]);
}

#[test]
fn a_run_that_is_resumed_keeps_its_files() {
    let desk = Desk::new();
    desk.run("train --data data --epochs 1 --checkpoint-every 1 --out run");
    let before = names(&desk, "run");
    desk.run("train --data data --resume run --no-report");
    assert_eq!(names(&desk, "run"), before);
}

#[cfg(unix)]
#[test]
fn data_that_the_new_run_would_remove_is_refused() {
    let desk = Desk::new();
    fs::create_dir_all(desk.path("run/test1")).unwrap();
    fs::rename(desk.path("data/data_batch_1.bin"), desk.path("run/test1/loss.svg")).unwrap();
    std::os::unix::fs::symlink("../run/test1/loss.svg", desk.path("data/data_batch_1.bin")).unwrap();
    let message = desk.failure("train --data data --epochs 1 --out run --overwrite", 1);
    let expected = "expected an output that is no input, found data/data_batch_1.bin, which is being read";
    assert_eq!(message, format!("run/test1/loss.svg: {expected}"));
}
