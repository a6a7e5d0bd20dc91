//! What could not be checked on this machine, and why, which `cargo test` prints: it shows nothing that a test says
//! which passes, so this is a program of its own.

mod support;

use std::env;
use std::process::Command;

/// Makes this program say what there is to say, and nothing else.
const SAY: &str = "--say";

fn main() {
    let has = |wanted: &str| env::args().any(|argument| argument == wanted);
    if has("--list") {
        return;
    }
    if has(SAY) {
        return support::unchecked().iter().for_each(|what| println!("NOT CHECKED here: {what}"));
    }
    let said = |images: Option<&str>| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.arg(SAY).env_remove("ONELAYER_DATA").envs(images.map(|folder| ("ONELAYER_DATA", folder)));
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let (without, with) = (said(None), said(Some("somewhere")));
    let line = |text: &str| text.lines().any(|line| line.contains("set ONELAYER_DATA"));
    assert!(line(&without) && !line(&with), "without:\n{without}with:\n{with}");
    print!("{}", if env::var_os("ONELAYER_DATA").is_some() { with } else { without });
}
