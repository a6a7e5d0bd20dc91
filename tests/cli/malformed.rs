//! What lies in the place of a file that the command reads may be anything: it is named in one line, at once.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use super::support::data_sets::BINARY;
use super::support::reads_anything;
use super::{Desk, Done};

/// Each file that is read, and a command that reads it.
const READERS: [(&str, &str); 6] = [
    ("data/test_batch.bin", "train --data data --epochs 1 --no-report --out new"),
    ("run/model.safetensors", "evaluate run/model.safetensors --data data"),
    ("run/checkpoint.bin", "train --data data --resume run"),
    ("run/run.json", "info run/run.json"),
    ("archive", "fetch --archive archive"),
    ("bench.json", "bench --quick --data data --compare bench.json"),
];

/// A desk where everything but the archive and the benchmark's record is as it should be.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.run("train --data data --epochs 1 --no-report --out run --checkpoint-every 1");
    desk
}

/// Replaces each file in turn by what `make` makes, and checks that it is refused with a line that has `facts`.
#[track_caller]
fn assert_each_refused(make: impl Fn(&Path), facts: &[&str]) {
    let desk = desk();
    for (file, arguments) in READERS {
        let (path, aside) = (desk.path(file), desk.path("aside"));
        let _ = fs::rename(&path, &aside);
        make(&path);
        // Ten seconds: to read from a pipe is to wait for ever.
        let message = Done::of(&mut desk.command_under(&["timeout", "10"], arguments)).failure(1);
        assert!(message.starts_with(&format!("{file}: ")) || message.starts_with("data: "), "{message}");
        assert!(facts.iter().all(|fact| message.contains(fact)), "{file}: {message}");
        assert!(!desk.path("new").exists() && !desk.path("runs").exists());
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
        let _ = fs::rename(&aside, &path);
    }
}

#[test]
fn a_folder() {
    assert_each_refused(|path| fs::create_dir(path).unwrap(), &["found a folder"]);
}

#[test]
fn a_pipe() {
    let make = |path: &Path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    assert_each_refused(make, &["found something that is not a regular file"]);
}

#[test]
fn a_device_that_never_ends() {
    assert_each_refused(
        |path| symlink("/dev/zero", path).unwrap(),
        &["found something that is not a regular file"],
    );
}

#[test]
fn a_link_that_leads_nowhere_or_to_itself() {
    assert_each_refused(|path| symlink("nowhere", path).unwrap(), &[]);
    assert_each_refused(|path| symlink(path.file_name().unwrap(), path).unwrap(), &[]);
}

/// A file with a hole of a terabyte, one byte after it.
#[test]
fn a_file_larger_than_any_memory() {
    let make = |path: &Path| File::create(path).unwrap().set_len((1 << 40) + 1).unwrap();
    assert_each_refused(make, &["expected", "found 1099511627777 bytes"]);
}

#[test]
fn a_file_that_may_not_be_read() {
    let make = |path: &Path| {
        fs::write(path, "secret").unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o000)).unwrap();
    };
    if !reads_anything() {
        assert_each_refused(make, &[]);
    }
}

#[test]
fn links_to_good_files_are_as_good() {
    let desk = desk();
    fs::create_dir(desk.path("links")).unwrap();
    for name in BINARY {
        symlink(desk.path("data").join(name), desk.path("links").join(name)).unwrap();
    }
    symlink("run/model.safetensors", desk.path("model")).unwrap();
    desk.run("evaluate model --data links");
}

#[test]
fn names_may_be_of_any_bytes() {
    let desk = desk();
    let name =
        |prefix: &str| OsStr::from_bytes(&[prefix.as_bytes(), b" \xff \xc3\xa4\n"].concat()).to_os_string();
    fs::rename(desk.path("data"), desk.path("").join(name("data"))).unwrap();
    let run = |words: &[&OsStr]| {
        let Done { code, stdout, stderr } = Done::of(desk.command("").args(words));
        (code, stdout, stderr)
    };
    let word = OsStr::new;
    let (data, out) = (name("data"), name("out"));
    let mut train = vec![word("train"), word("--data"), &data, word("--out"), &out];
    train.extend(["--epochs", "1", "--json"].map(word));
    let (code, stdout, stderr) = run(&train);
    assert_eq!(code, Some(0), "{stderr}");
    let record: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(record["dataset"]["path"], "data \u{fffd} ä\n");
    let model = Path::new(&out).join("model.safetensors");
    for words in [
        vec![word("info"), &out, word("--json")],
        vec![word("info"), &data, word("--json")],
        vec![word("evaluate"), model.as_os_str(), word("--data"), &data, word("--json")],
        vec![word("predict"), model.as_os_str(), &data.clone(), word("--json")],
    ] {
        let (code, stdout, stderr) = run(&words);
        // There are no pictures in the folder of the data.
        let expected = if words[0] == "predict" { Some(1) } else { Some(0) };
        assert_eq!(code, expected, "{words:?}: {stderr}");
        serde_json::from_str::<serde_json::Value>(&stdout).unwrap();
    }
    let (code, _, stderr) = run(&[word("evaluate"), &data, word("--data"), &data]);
    assert_eq!((code, stderr.lines().count()), (Some(1), 1), "{stderr}");
    assert!(stderr.contains("data \u{fffd} ä\\n: expected a model file, or a run folder"), "{stderr}");
}

/// A name, an option or its value may hold what ends a line, moves a cursor or is no text.
#[test]
fn whatever_is_wrong_is_said_in_one_line() {
    let desk = desk();
    fs::write(desk.path("file"), "").unwrap();
    for odd in [&b"a\nb"[..], b"\r\n", b"\xffa\n\n", b"\x1b[2J", "a\u{2028}b\u{85}c".as_bytes()] {
        for (code, words) in [
            (2, vec!["?"]),
            (2, vec!["train", "--eta", "?"]),
            (2, vec!["train", "--?", "1"]),
            (2, vec!["train", "--batch=?"]),
            (2, vec!["train", "--json=?"]),
            (2, vec!["train", "--engine", "?"]),
            (2, vec!["train", "?"]),
            (2, vec!["completions", "?"]),
            (1, vec!["train", "--data", "?"]),
            (1, vec!["train", "--data", "data", "--out", "file/?"]),
            (1, vec!["train", "--data", "data", "--resume", "?"]),
            (1, vec!["evaluate", "?"]),
            (1, vec!["evaluate", "run/?/model"]),
            (1, vec!["info", "?"]),
            (1, vec!["synth", "--out", "file/?"]),
            (1, vec!["fetch", "--archive", "?"]),
            (1, vec!["bench", "--quick", "--data", "data", "--compare", "?"]),
        ] {
            assert_one_line(&desk, code, &words, odd);
        }
        // What must be text, and is not, is no option's value.
        let text = std::str::from_utf8(odd).is_ok();
        assert_one_line(&desk, if text { 1 } else { 2 }, &["fetch", "--url", "?"], odd);
        assert_one_line(
            &desk,
            if text { 1 } else { 2 },
            &["train", "--data", "data", "--train-files", "?"],
            odd,
        );
        let picture = said(&desk, &["predict", "run/model.safetensors", "?"], odd);
        assert_eq!((picture.0, picture.1.lines().count()), (Some(1), 2), "{}", picture.1);
    }
}

/// The exit code, and what is on stderr, of the command with `odd` in the place of each question mark.
fn said(desk: &Desk, words: &[&str], odd: &[u8]) -> (Option<i32>, String) {
    let filled = words.iter().map(|word| match word.split_once('?') {
        Some((before, after)) => [before.as_bytes(), odd, after.as_bytes()].concat(),
        None => word.as_bytes().to_vec(),
    });
    let mut command = desk.command("");
    command.args(filled.map(|word| OsStr::from_bytes(&word).to_os_string()));
    let Done { code, stderr, .. } = Done::of(&mut command);
    (code, stderr)
}

#[track_caller]
fn assert_one_line(desk: &Desk, code: i32, words: &[&str], odd: &[u8]) {
    let (found, message) = said(desk, words, odd);
    assert_eq!(found, Some(code), "{words:?}: {message}");
    let line = message.strip_suffix('\n').unwrap_or_default();
    assert!(line.starts_with("onelayer: ") && !line.contains("panicked"), "{words:?}: {message:?}");
    let breaks = |character: char| character.is_control() || "\u{2028}\u{2029}".contains(character);
    assert!(!line.contains(breaks), "{words:?}: {message:?}");
}
