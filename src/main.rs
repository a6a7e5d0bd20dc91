//! The `onelayer` command: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    onelayer::cli::main(std::env::args_os()).into()
}
