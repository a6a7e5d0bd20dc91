//! The command keeps its word to people and scripts: what it prints and where, its JSON, its exit codes, and
//! one line that says what is wrong.

mod completions;
mod folders;
#[cfg(target_os = "linux")]
mod full_disk;
#[cfg(unix)]
mod inputs;
#[cfg(target_os = "linux")]
mod malformed;
mod misuse;
mod output;
mod random;
mod records;
mod run_folders;
#[cfg(unix)]
mod signals;
mod survival;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use onelayer::data::layout::RECORD;
use serde_json::Value;
use tempfile::TempDir;

/// How often something random is tried: as `PROPTEST_CASES` says, or `default`.
fn cases(default: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(default)
}

/// A folder to work in, with `data/` of 300, 200 and 100 records of noise, and a place for temporary files.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(TempDir::new().unwrap());
        fs::create_dir(desk.path("tmp")).unwrap();
        fs::create_dir(desk.path("data")).unwrap();
        for (name, records) in [("data_batch_1", 300), ("data_batch_2", 200), ("test_batch", 100)] {
            let record =
                |n: usize| (0..RECORD).map(move |i| if i == 0 { n % 10 } else { (i * n * 37) >> 3 } as u8);
            let bytes: Vec<u8> = (0..records).flat_map(record).collect();
            fs::write(desk.path("data").join(name).with_extension("bin"), bytes).unwrap();
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The command with these arguments, separated by spaces, without the data that the environment may name.
    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onelayer"));
        command.args(arguments.split_whitespace()).current_dir(self.0.path());
        command.env_remove("ONELAYER_DATA").env("TMPDIR", self.path("tmp"));
        command
    }

    /// What it prints on stdout and on stderr. It must succeed.
    #[track_caller]
    fn run(&self, arguments: &str) -> (String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert!(status.success(), "{arguments}: {stderr}");
        (stdout, stderr)
    }

    /// The one JSON object on its stdout.
    #[track_caller]
    fn json(&self, arguments: &str) -> Value {
        let value: Value = serde_json::from_str(&self.run(&format!("{arguments} --json")).0).unwrap();
        assert!(value.is_object());
        value
    }

    /// The one line on its stderr. It must fail with exit code `code` and print nothing on stdout.
    #[track_caller]
    fn failure(&self, arguments: &str, code: i32) -> String {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let message = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(code), "{arguments}: {message}");
        assert!(stdout.is_empty(), "{arguments}");
        assert_eq!(message.lines().count(), 1, "{arguments}: {message}");
        let message = message.strip_prefix("onelayer: ").expect("the command names itself");
        message.trim_end().to_string()
    }

    /// Every file and folder here.
    fn contents(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        list(self.0.path(), &mut found);
        found
    }
}

fn list(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        found.push(path.clone());
        if path.is_dir() {
            list(&path, found);
        }
    }
}
