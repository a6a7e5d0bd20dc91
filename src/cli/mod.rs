//! The command: one file per verb.

mod args;
mod bench;
mod console;
mod evaluate;
mod fetch;
mod gradcheck;
mod info;
mod inputs;
mod pass;
mod predict;
mod report;
mod reproduce;
mod settings;
mod signals;
mod synth;
mod text;
mod train;
mod usage;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::error::{Error, Result};

/// Trains a one-layer softmax network on CIFAR, faster than anything else on a CPU.
#[derive(Parser)]
#[command(name = "onelayer", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Train one model and write a run folder
    Train(train::Args),
    /// Reproduce the lab report: four runs, its Table 1 and its figures
    Reproduce(reproduce::Args),
    /// Measure a saved model on a data set: loss, accuracy, per class, confusion
    Evaluate(evaluate::Args),
    /// See in pictures, or in records of a CIFAR file, what a saved model sees
    Predict(predict::Args),
    /// Check the gradient: analytic against numerical, in f64, and the f32 engines against that
    Gradcheck(gradcheck::Args),
    /// Download CIFAR, check it and unpack it
    Fetch(fetch::Args),
    /// Measure this machine, then how much of it each engine uses: images/s, GFLOP/s, % of the roofline
    Bench(bench::Args),
    /// Write the synthetic data set, in CIFAR-10's binary layout
    Synth(synth::Args),
    /// Show what a data folder, a model, a run or this machine is
    Info(info::Args),
    /// Print a completion script for a shell
    Completions {
        /// The shell that will read it
        shell: clap_complete::Shell,
    },
}

/// Parses the command line, runs the verb, and says how it went: 0 done, 1 bad data or a failure, 2 an
/// invalid option, 3 training diverged, 130 or 143 stopped by a signal.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    signals::refuse_large_files();
    signals::report_faults();
    match cli.verb.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::complain(&explain(&error));
            ExitCode::from(exit_code(&error))
        }
    }
}

impl Verb {
    fn run(self) -> Result<()> {
        match self {
            Self::Train(args) => args.run(),
            Self::Reproduce(args) => args.run(),
            Self::Evaluate(args) => args.run(),
            Self::Predict(args) => args.run(),
            Self::Gradcheck(args) => args.run(),
            Self::Fetch(args) => args.run(),
            Self::Bench(args) => args.run(),
            Self::Synth(args) => args.run(),
            Self::Info(args) => args.run(),
            Self::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "onelayer", &mut script);
                console::print(&String::from_utf8_lossy(&script))
            }
        }
    }
}

/// The error in the command's words: a setting by its option, and what to do.
fn explain(error: &Error) -> String {
    match error {
        Error::Setting { name, .. } => {
            let fact = error.to_string();
            format!("--{}{}", settings::option(name), fact.strip_prefix(name).unwrap_or(&fact))
        }
        Error::Diverged { eta, lambda, .. } if 2.0 * eta * lambda > 2.0 => {
            format!("{error}: each step multiplies the weights by 1 - 2 eta lambda; try a smaller --lambda")
        }
        Error::Diverged { .. } => format!("{error}; try a smaller --eta"),
        Error::Stopped { resumable: true, .. } => format!("{error}, and train --resume goes on from there"),
        _ => error.to_string(),
    }
}

fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Setting { .. } => 2,
        Error::Diverged { .. } => 3,
        Error::Stopped { signal, .. } => 128 + signal,
        _ => 1,
    }
}

/// Help goes to stdout as it is; of an error, one line goes to stderr.
fn misused(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = console::print(&text);
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = io::stderr().write_all(text.as_bytes());
        return ExitCode::from(2);
    }
    console::complain(&usage::line(error));
    ExitCode::from(2)
}
