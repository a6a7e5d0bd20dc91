//! A run folder appears only with something in it, each of its files whole, and never over an older run.

use std::fs;

use onelayer::files::{Existing, RunFolder};

use crate::support::names;

#[test]
fn files_appear_whole_and_nothing_else_does() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(&scratch.path().join("runs/one"), Existing::Refuse).unwrap();
    assert_eq!(names(folder.path()), [""; 0]);
    folder.write("run.json", "{}").unwrap();
    folder.write("test1/history.csv", b"epoch\n").unwrap();
    let path = folder.path().to_path_buf();
    drop(folder);
    assert_eq!(names(&path), ["run.json", "test1"]);
    assert_eq!(names(&path.join("test1")), ["history.csv"]);
    assert_eq!(fs::read(path.join("run.json")).unwrap(), b"{}");
}

#[test]
fn what_cannot_be_written_leaves_the_old_file_and_no_other() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(scratch.path(), Existing::Refuse).unwrap();
    fs::create_dir(scratch.path().join("run.json")).unwrap();
    let error = folder.write("run.json", "{}").unwrap_err().to_string();
    assert!(error.contains("run.json: cannot write"), "{error}");
    assert_eq!(names(scratch.path()), ["run.json"]);
}

#[test]
fn a_file_in_its_place_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("out");
    fs::write(&path, "").unwrap();
    for existing in [Existing::Refuse, Existing::Replace, Existing::Keep] {
        assert!(RunFolder::create(&path, existing).is_err());
    }
    assert!(RunFolder::create(&path.join("inside"), Existing::Refuse).is_err());
    assert_eq!(names(scratch.path()), ["out"]);
}

#[test]
fn where_nothing_was_written_nothing_stays() {
    let scratch = tempfile::tempdir().unwrap();
    drop(RunFolder::create(&scratch.path().join("runs/deep/one"), Existing::Refuse).unwrap());
    assert_eq!(names(scratch.path()), [""; 0]);

    // Not the folder that was there before, nor one that somebody else uses by now.
    let theirs = scratch.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    drop(RunFolder::create(&theirs, Existing::Refuse).unwrap());
    let ours = RunFolder::create(&scratch.path().join("runs/one"), Existing::Refuse).unwrap();
    fs::write(scratch.path().join("runs/note"), "").unwrap();
    drop(ours);
    assert_eq!(names(scratch.path()), ["runs", "theirs"]);
    assert_eq!(names(&scratch.path().join("runs")), ["note"]);
}
