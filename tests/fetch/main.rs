//! `fetch` gets the right bytes or says what was wrong with them, over any kind of connection and after any kind of
//! stop; and it leaves a whole folder, or none.

mod archives;
#[cfg(target_os = "linux")]
mod full_disk;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use archives::{FILES, gzipped_tar, official};
use onelayer::Error;
use onelayer::data::archive::{Archive, SUMS_FILE};
use onelayer::data::fetch::{Event, Fetched, Origin, Patience, fetch};
use server::{Reply, Server};
use support::names;
use tempfile::TempDir;

const PATIENCE: Patience =
    Patience { stall: Duration::from_millis(200), attempts: 3, pause: Duration::from_millis(1) };

/// An archive of three small files, a host that has it, and a folder to unpack it in.
struct Case {
    bytes: Vec<u8>,
    archive: Archive,
    folder: TempDir,
}

impl Case {
    fn new() -> Self {
        let bytes = gzipped_tar(&FILES);
        Self { archive: official(&bytes), bytes, folder: TempDir::new().unwrap() }
    }

    fn fetch(&self, server: &Server) -> onelayer::Result<Fetched> {
        self.fetch_from(&Origin::Url(server.url.clone(), PATIENCE))
    }

    fn fetch_from(&self, origin: &Origin) -> onelayer::Result<Fetched> {
        fetch(&self.archive, origin, self.folder.path(), &mut |_| ())
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("small.tar.gz.part")
    }

    /// The folder holds the unpacked files and nothing else does anything there.
    #[track_caller]
    fn assert_complete(&self, fetched: onelayer::Result<Fetched>) {
        let folder = self.folder.path().join("small");
        assert_eq!(fetched.unwrap().folder, folder);
        for (name, contents) in FILES {
            assert_eq!(fs::read(folder.join(name)).unwrap(), contents, "{name}");
        }
        assert_eq!(names(&folder), [SUMS_FILE, "a.bin", "b.bin", "names.txt"]);
        assert_eq!(names(self.folder.path()), ["small"]);
    }

    /// Nothing was unpacked, and the message has these words.
    #[track_caller]
    fn assert_refused(&self, fetched: onelayer::Result<Fetched>, words: &[&str]) {
        let message = fetched.unwrap_err().to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{words:?} in {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(names(self.folder.path()).iter().all(|name| name == "small.tar.gz.part"));
    }
}

#[test]
fn a_good_host_gives_the_files_and_a_second_call_only_verifies() {
    let case = Case::new();
    let server = Server::of(&case.bytes);
    let first = case.fetch(&server);
    assert!(!first.as_ref().unwrap().present);
    case.assert_complete(first);
    let second = case.fetch(&server);
    assert!(second.as_ref().unwrap().present);
    case.assert_complete(second);
    assert_eq!(server.ranges(), [None]);
}

#[test]
fn a_redirect_is_followed() {
    let case = Case::new();
    let bytes = case.bytes.clone();
    let server = Server::new(move |n, _| match n {
        0 => Reply::new("302 Found", "Location: /elsewhere\r\nContent-Length: 0", b""),
        _ => Reply::whole(&bytes),
    });
    case.assert_complete(case.fetch(&server));
}

#[test]
fn a_broken_connection_is_resumed_where_it_broke() {
    let case = Case::new();
    let (bytes, half) = (case.bytes.clone(), case.bytes.len() / 2);
    let server = Server::new(move |n, range| match n {
        0 => Reply::whole(&bytes).cut(half),
        _ => Reply::from(&bytes, range.unwrap()),
    });
    case.assert_complete(case.fetch(&server));
    assert_eq!(server.ranges(), [None, Some(half)]);
}

#[test]
fn each_attempt_is_announced_with_what_became_of_the_one_before() {
    let case = Case::new();
    let bytes = case.bytes.clone();
    let server = Server::new(move |n, _| match n {
        0 => Reply::new("503 Service Unavailable", "Content-Length: 0", b""),
        _ => Reply::whole(&bytes),
    });
    let mut asked = Vec::new();
    let mut observe = |event: Event| {
        if let Event::Asking { attempt, problem, .. } = event {
            asked.push((attempt, problem.map(String::from)));
        }
    };
    let origin = Origin::Url(server.url.clone(), PATIENCE);
    fetch(&case.archive, &origin, case.folder.path(), &mut observe).unwrap();
    let unavailable = "the host says 503 Service Unavailable".to_string();
    assert_eq!(asked, [(1, None), (2, Some(unavailable))]);
}

#[test]
fn a_stalled_host_is_left_and_asked_again() {
    let case = Case::new();
    let bytes = case.bytes.clone();
    let server = Server::new(move |n, range| match n {
        0 => Reply::whole(&bytes).cut(1000).stalled(),
        1 => Reply::new("", "", b"").cut(0).stalled(),
        _ => Reply::from(&bytes, range.unwrap()),
    });
    case.assert_complete(case.fetch(&server));
    assert_eq!(server.ranges(), [None, Some(1000), Some(1000)]);
}

#[test]
fn attempts_are_bounded_and_what_arrived_serves_the_next_call() {
    let case = Case::new();
    let bytes = case.bytes.clone();
    let server = Server::new(move |n, range| match range {
        None => Reply::whole(&bytes).cut(700),
        Some(_) if n < 3 => Reply::new("503 Service Unavailable", "Content-Length: 0", b""),
        Some(start) => Reply::from(&bytes, start),
    });
    case.assert_refused(case.fetch(&server), &[&server.url, "503", "after 3 attempts", "another call"]);
    assert_eq!(fs::read(case.part()).unwrap(), case.bytes[..700]);
    case.assert_complete(case.fetch(&server));
    assert_eq!(server.ranges(), [None, Some(700), Some(700), Some(700)]);
}

#[test]
fn a_host_without_ranges_gives_it_all_again() {
    let case = Case::new();
    let server = Server::of_all(&case.bytes);
    fs::write(case.part(), &case.bytes[..500]).unwrap();
    case.assert_complete(case.fetch(&server));
    assert_eq!(server.ranges(), [Some(500)]);

    let (case, bytes) = (Case::new(), case.bytes);
    let server = Server::new(move |_, range| match range {
        Some(_) => Reply::new("416 Range Not Satisfiable", "Content-Length: 0", b""),
        None => Reply::whole(&bytes),
    });
    fs::write(case.part(), &case.bytes[..500]).unwrap();
    case.assert_complete(case.fetch(&server));
    assert_eq!(server.ranges(), [Some(500), None]);
}

#[test]
fn a_part_of_something_else_is_dropped() {
    for part in [vec![7; 500], vec![7; 1_000_000], vec![7; Case::new().bytes.len()]] {
        let case = Case::new();
        fs::write(case.part(), part).unwrap();
        case.assert_complete(case.fetch(&Server::of(&case.bytes)));
    }
    // All of it was there already: no host is asked.
    let case = Case::new();
    fs::write(case.part(), &case.bytes).unwrap();
    let server = Server::of(&case.bytes);
    case.assert_complete(case.fetch(&server));
    assert!(server.ranges().is_empty());
}

#[test]
fn other_bytes_are_refused_and_not_kept() {
    let case = Case::new();
    let mut other = case.bytes.clone();
    other[100] ^= 1;
    let fetched = case.fetch(&Server::of(&other));
    case.assert_refused(fetched, &["expected SHA-256", &case.archive.sha256]);
    assert!(!case.part().exists());

    // Longer than it should be, from a host that does not say how long.
    let more = [&case.bytes[..], b"more"].concat();
    let server = Server::new(move |_, _| Reply::new("200 OK", "Connection: close", &more));
    case.assert_refused(case.fetch(&server), &[&server.url, "found more"]);
}

#[test]
fn answers_that_are_not_the_archive_end_at_once() {
    let page = "<html>please log in</html>";
    let length = format!("Content-Type: text/html\r\nContent-Length: {}", page.len());
    for (status, headers, words) in [
        ("200 OK", length.as_str(), ["found 26 of text/html", "expected"]),
        ("404 Not Found", &length, ["404", "the host says"]),
        ("206 Partial Content", "Content-Range: bytes 3-9/10\r\nContent-Length: 26", ["3-9/10", "expected"]),
        ("302 Found", "Location: /again\r\nContent-Length: 26", ["redirect", "cannot download"]),
    ] {
        let (case, headers) = (Case::new(), headers.to_string());
        let server = Server::new(move |_, _| Reply::new(status, &headers, page.as_bytes()));
        case.assert_refused(case.fetch(&server), &[&words[..], &[&server.url]].concat());
        assert!(status.starts_with("302") || server.ranges() == [None], "{status}");
        assert!(!case.part().exists());
    }
}

#[test]
fn a_host_that_is_not_there_is_an_error_with_its_address() {
    let case = Case::new();
    for url in ["http://127.0.0.1:1/x", "http://", "nonsense url", "ftp://127.0.0.1/x"] {
        let fetched = case.fetch_from(&Origin::Url(url.into(), PATIENCE));
        assert!(matches!(fetched, Err(Error::Download { .. })), "{fetched:?}");
        case.assert_refused(fetched, &[url, "cannot download"]);
    }
}

#[test]
fn two_calls_do_not_write_the_same_file() {
    let case = Case::new();
    let first = fs::File::create(case.part()).unwrap();
    first.lock().unwrap();
    case.assert_refused(case.fetch(&Server::of(&case.bytes)), &["another call that is writing it"]);
    first.unlock().unwrap();
    case.assert_complete(case.fetch(&Server::of(&case.bytes)));
}

#[test]
fn what_an_interrupted_unpacking_left_is_in_nobodys_way() {
    let case = Case::new();
    let left = case.folder.path().join("small.part");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("a.bin"), "half").unwrap();
    fs::write(case.part(), &case.bytes).unwrap();
    case.assert_complete(case.fetch(&Server::of(&case.bytes)));
}
