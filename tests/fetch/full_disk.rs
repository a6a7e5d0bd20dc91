//! Where the disk is full a call leaves nothing half-made, and says which file did not fit; the next call goes on.
//!
//! The limit is that of the shell on the size of a file, in 512 bytes, and holds for a whole process: so these tests
//! start themselves again.

use std::fs;
use std::process::Command;

use onelayer::data::fetch::{Origin, fetch};

use super::server::Server;
use super::support::names;
use super::{Case, PATIENCE};

/// Names the test's folder to the process that fetches, and says where from.
const FOLDER: &str = "FETCH_INTO";
const FROM: &str = "FETCH_FROM";
/// What the system says of a file that does not fit.
const FULL: &str = "cannot write: File too large (os error 27)";

/// In the process that is started again: fetches, and says what went wrong.
fn fetches_here() -> bool {
    let (Ok(folder), Ok(from)) = (std::env::var(FOLDER), std::env::var(FROM)) else { return false };
    let origin = match from.starts_with("http") {
        true => Origin::Url(from, PATIENCE),
        false => Origin::File(from.into()),
    };
    let fetched = fetch(&Case::new().archive, &origin, folder.as_ref(), &mut |_| ());
    println!("{FOLDER}: {}", fetched.unwrap_err());
    true
}

/// What is wrong for a process whose files may have no more than 1,024 bytes and that fetches `from` there.
fn fetched_on_a_full_disk(test: &str, case: &Case, from: &str) -> String {
    // The signal that goes with it would end the process; the command takes it for an error too.
    let script = format!("trap '' XFSZ && ulimit -f 2 && exec \"$0\" --exact full_disk::{test} --nocapture");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).arg(std::env::current_exe().unwrap());
    let output = shell.env(FOLDER, case.folder.path()).env(FROM, from).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = text.lines().find_map(|line| line.split_once(&format!("{FOLDER}: ")));
    let message = said.unwrap_or_else(|| panic!("{text}")).1;
    message.replace(case.folder.path().to_str().unwrap(), "DISK")
}

#[test]
fn an_archive_that_does_not_fit_is_resumed_where_there_is_room() {
    if fetches_here() {
        return;
    }
    let test = "an_archive_that_does_not_fit_is_resumed_where_there_is_room";
    let case = Case::new();
    fs::write(case.part(), &case.bytes[..500]).unwrap();
    let server = Server::of(&case.bytes);
    let message = fetched_on_a_full_disk(test, &case, &server.url);
    assert_eq!(message, format!("DISK/small.tar.gz.part: {FULL}"));
    assert_eq!(names(case.folder.path()), ["small.tar.gz.part"]);
    assert_eq!(fs::read(case.part()).unwrap(), case.bytes[..1024]);
    case.assert_complete(case.fetch(&server));
    assert_eq!(server.ranges(), [Some(500), Some(1024)]);
}

#[test]
fn files_that_do_not_fit_leave_the_archive_alone() {
    if fetches_here() {
        return;
    }
    let test = "files_that_do_not_fit_leave_the_archive_alone";
    let case = Case::new();
    fs::write(case.part(), &case.bytes).unwrap();
    let server = Server::of(&case.bytes);
    let message = fetched_on_a_full_disk(test, &case, &server.url);
    assert_eq!(message, format!("DISK/small.part/a.bin: {FULL}"));
    assert_eq!(names(case.folder.path()), ["small.tar.gz.part"]);
    case.assert_complete(case.fetch(&server));
    assert_eq!(server.ranges(), [], "nothing was missing");

    let case = Case::new();
    let elsewhere = tempfile::TempDir::new().unwrap();
    let path = elsewhere.path().join("archive");
    fs::write(&path, &case.bytes).unwrap();
    let message = fetched_on_a_full_disk(test, &case, path.to_str().unwrap());
    assert_eq!(message, format!("DISK/small.part/a.bin: {FULL}"));
    assert!(names(case.folder.path()).is_empty());
    case.assert_complete(case.fetch_from(&Origin::File(path)));
}
