//! A folder to work in, and the command that is run there.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::data_sets::write_noise;
use crate::support::files;

const ONELAYER: &str = env!("CARGO_BIN_EXE_onelayer");

/// A folder with `data/`, and a place for temporary files.
pub struct Desk(TempDir);

/// What became of a command.
pub struct Done {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    pub fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().unwrap();
        let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        Self { code: status.code(), stdout, stderr }
    }

    /// The one line on stderr, less the command's name. It must have failed with `code` and nothing on stdout.
    #[track_caller]
    pub fn failure(self, code: i32) -> String {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{}", self.stderr);
        let line = self.stderr.strip_prefix("onelayer: ").expect("the command names itself").trim_end();
        assert_eq!(line.lines().count(), 1, "{line}");
        line.into()
    }
}

impl Desk {
    /// With 300, 200 and 100 images of noise.
    pub fn new() -> Self {
        let desk = Self::bare();
        write_noise(&desk.path("data"), [300, 200, 100]);
        desk
    }

    /// Without data.
    pub fn bare() -> Self {
        let desk = Self(TempDir::new().unwrap());
        ["tmp", "data"].iter().for_each(|name| fs::create_dir(desk.path(name)).unwrap());
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    #[track_caller]
    pub fn read_json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// A program that is run here, without the data that the environment may name.
    pub fn program(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(name);
        command.args(arguments).current_dir(self.0.path());
        command.env_remove("ONELAYER_DATA").env("TMPDIR", self.path("tmp"));
        command
    }

    /// The command with these arguments, separated by spaces.
    pub fn command(&self, arguments: &str) -> Command {
        self.program(ONELAYER, &arguments.split_whitespace().collect::<Vec<_>>())
    }

    /// As a child of `words`: `timeout 10`, or a shell's script, whose `$0` it is.
    pub fn command_under(&self, words: &[&str], arguments: &str) -> Command {
        let mut command = self.program(words[0], &words[1..]);
        command.arg(ONELAYER).args(arguments.split_whitespace());
        command
    }

    pub fn done(&self, arguments: &str) -> Done {
        Done::of(&mut self.command(arguments))
    }

    /// What it prints on stdout and on stderr. It must succeed.
    #[track_caller]
    pub fn run(&self, arguments: &str) -> (String, String) {
        let Done { code, stdout, stderr } = self.done(arguments);
        assert_eq!(code, Some(0), "{arguments}: {stderr}");
        (stdout, stderr)
    }

    /// The one JSON object on its stdout.
    #[track_caller]
    pub fn json(&self, arguments: &str) -> Value {
        let value: Value = serde_json::from_str(&self.run(&format!("{arguments} --json")).0).unwrap();
        assert!(value.is_object());
        value
    }

    /// The one line on its stderr. It must fail with exit code `code` and print nothing on stdout.
    #[track_caller]
    pub fn failure(&self, arguments: &str, code: i32) -> String {
        self.done(arguments).failure(code)
    }

    /// Starts it, and goes on.
    pub fn spawn(&self, arguments: &str) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Waits until this file or folder is there.
    #[track_caller]
    pub fn wait_for(&self, name: &str) {
        let patience = Instant::now() + Duration::from_secs(20);
        while !self.path(name).exists() {
            assert!(Instant::now() < patience, "no {name}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Every file and empty folder here.
    pub fn files(&self) -> Vec<String> {
        files(self.0.path())
    }

    /// Those that somebody has begun to write.
    pub fn temporary_files(&self) -> usize {
        self.files().iter().filter(|path| path.contains(".onelayer-")).count()
    }
}
