//! The verb itself, as far as it goes without the official archive.

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::server::{Reply, Server};

fn failure(arguments: &[&str], folder: &TempDir, code: i32) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onelayer"));
    let Output { status, stdout, stderr } =
        command.arg("fetch").args(arguments).current_dir(folder.path()).output().unwrap();
    let message = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), message.lines().count()), (Some(code), 1), "{message}");
    assert!(stdout.is_empty());
    message
}

#[test]
fn what_is_not_the_official_archive_is_refused_in_one_line() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("mine.tar.gz"), "no archive").unwrap();
    let message = failure(&["--archive", "mine.tar.gz"], &folder, 1);
    assert!(
        message.contains("mine.tar.gz: expected the archive of CIFAR-10, 170052171 bytes, found 10 bytes")
    );
    let message = failure(&["cifar-100", "--archive", "mine.tar.gz"], &folder, 1);
    assert!(message.contains("the archive of CIFAR-100, 168513733 bytes"), "{message}");

    let server = Server::new(|_, _| Reply::whole(b"<html>moved</html>"));
    let message = failure(&["--url", &server.url], &folder, 1);
    assert!(message.contains(&server.url) && message.contains("expected 170052171 bytes"), "{message}");
    assert_eq!(super::names(&folder.path().join("data")), [""; 0]);
}

#[test]
fn options_that_do_not_go_together() {
    let folder = TempDir::new().unwrap();
    let message = failure(&["--url", "http://127.0.0.1:1/", "--archive", "x"], &folder, 2);
    assert!(message.contains("expected without"), "{message}");
    let message = failure(&["cifar-1000"], &folder, 2);
    assert!(message.contains("cifar-10"), "{message}");
}
