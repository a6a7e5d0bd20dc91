//! The command: one file per verb.

mod args;
mod bench;
mod console;
mod data_args;
mod evaluate;
mod export;
mod fetch;
mod gradcheck;
mod info;
mod inputs;
mod many;
mod model_file;
mod pass;
mod predict;
mod provenance;
mod report;
mod reproduce;
mod seeds;
mod settings;
mod signals;
mod sweep;
mod synth;
mod text;
mod train;
mod usage;
mod warnings;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::error::{Error, Result};

/// Train a one-layer network (softmax regression) on a CPU
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
    /// Reproduce the lab report (KTH DD2424, Assignment 1, 2020): four runs, Table 1 and figures
    Reproduce(reproduce::Args),
    /// Train many settings, all combinations of lists or random ones, and find the best
    Sweep(Box<sweep::Args>),
    /// Evaluate a saved model on a data set: loss, accuracy, precision and recall by class, confusion matrix
    Evaluate(evaluate::Args),
    /// Predict the classes of pictures, or of images in a data file, with a saved model
    Predict(predict::Args),
    /// Export a saved model to ONNX, a format that other programs run
    Export(export::Args),
    /// Check analytic gradients against numerical ones, for every engine
    Gradcheck(gradcheck::Args),
    /// Download CIFAR-10 or CIFAR-100, verify and unpack it
    Fetch(fetch::Args),
    /// Measure the speed of each engine, and this machine's limits: images/s, GFLOP/s, share of the roofline
    Bench(bench::Args),
    /// Write the synthetic data set in the binary format of CIFAR-10
    Synth(synth::Args),
    /// Describe a data folder, a model, a run or this machine
    Info(info::Args),
    /// Print a completion script for a shell
    Completions {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
}

/// Parses a command line, whose first word is the command's name, runs the verb, and returns the exit code: 0 done, 1 bad
/// data or a failure, 2 an invalid option, 3 training diverged, 130 or 143 stopped by a signal.
pub fn main(words: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    signals::refuse_large_files();
    signals::report_faults();
    match cli.verb.run() {
        Ok(()) => 0,
        Err(error) => {
            console::complain(&explain(&error));
            exit_code(&error)
        }
    }
}

impl Verb {
    fn run(self) -> Result<()> {
        match self {
            Self::Train(args) => args.run(),
            Self::Reproduce(args) => args.run(),
            Self::Sweep(args) => args.run(),
            Self::Evaluate(args) => args.run(),
            Self::Predict(args) => args.run(),
            Self::Export(args) => args.run(),
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
            format!("{error}; 2 eta lambda must stay below 2: try a smaller --lambda, or a smaller --eta")
        }
        Error::Diverged { .. } => format!("{error}; try a smaller --eta"),
        Error::Stopped { resumable: true, .. } => format!("{error}, and train --resume goes on from there"),
        Error::SweepStopped { .. } => {
            format!("{error}, and the same command with --resume goes on from there")
        }
        _ => error.to_string(),
    }
}

fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Setting { .. } => 2,
        Error::Diverged { .. } => 3,
        Error::Stopped { signal, .. }
        | Error::SweepStopped { signal, .. }
        | Error::Interrupted { signal } => 128 + signal,
        _ => 1,
    }
}

/// Help goes to stdout as it is; of an error, one line goes to stderr.
fn misused(error: &clap::Error) -> u8 {
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = console::print(&text);
        return 0;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = io::stderr().write_all(text.as_bytes());
        return 2;
    }
    console::complain(&usage::line(error));
    2
}
