//! The verb itself, as far as it goes without the official archive.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::support::names;
use super::{Desk, Done};

#[test]
fn what_is_not_the_official_archive_is_refused_in_one_line() {
    let desk = Desk::bare();
    fs::write(desk.path("mine.tar.gz"), "no archive").unwrap();
    let message = desk.failure("fetch --archive mine.tar.gz", 1);
    assert!(
        message.contains("mine.tar.gz: expected the archive of CIFAR-10, 170052171 bytes, found 10 bytes")
    );
    let message = desk.failure("fetch cifar-100 --archive mine.tar.gz", 1);
    assert!(message.contains("the archive of CIFAR-100, 168513733 bytes"), "{message}");

    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", host.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = host.accept().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nmoved").unwrap();
    });
    let message = desk.failure(&format!("fetch --quiet --url {url}"), 1);
    assert!(message.contains(&url) && message.contains("expected 170052171 bytes"), "{message}");
    assert_eq!(names(&desk.path("data")), [""; 0]);
}

#[test]
fn a_host_without_a_name_is_given_up_at_once() {
    let desk = Desk::bare();
    let start = Instant::now();
    let Done { code, stdout, stderr } = desk.done("fetch --url http://nowhere.invalid/archive");
    assert_eq!((code, stdout.as_str()), (Some(1), "asking    http://nowhere.invalid/archive\n"));
    assert!(
        stderr.contains("http://nowhere.invalid/archive: cannot download: its name cannot be resolved"),
        "{stderr}"
    );
    assert!(start.elapsed() < Duration::from_secs(40), "asked once");
}

#[test]
fn options_that_do_not_go_together() {
    let desk = Desk::bare();
    let message = desk.failure("fetch --url http://127.0.0.1:1/ --archive x", 2);
    assert!(message.contains("cannot be combined with"), "{message}");
    let message = desk.failure("fetch cifar-1000", 2);
    assert!(message.contains("cifar-10"), "{message}");
}
