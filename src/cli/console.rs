//! What people read: text on stdout, or on stderr where stdout is for JSON; a progress bar on a terminal.

use std::fmt;
#[cfg(unix)]
use std::fs::File;
use std::io::{self, IsTerminal, Write};
#[cfg(unix)]
use std::os::fd::AsFd;
use std::path::Path;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::Serialize;

use super::text;
use super::warnings::warnings;
use crate::data::{Dataset, Excerpt, synthetic};
use crate::error::{Error, Result};
use crate::report::columns::wrapped;
use crate::report::{count, fixed};
use crate::train::{EpochRecord, Metrics};

/// How people and scripts want to be told.
#[derive(Args, Clone, Copy)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Print one JSON object on stdout, and text for people on stderr
    #[arg(long)]
    pub(super) json: bool,
    /// Print results only, without progress
    #[arg(long)]
    pub(super) quiet: bool,
}

/// Where a verb's words go.
#[derive(Clone, Copy)]
pub(super) struct Console {
    output: OutputArgs,
}

impl Console {
    pub(super) fn new(output: OutputArgs) -> Self {
        Self { output }
    }

    /// Whether results alone are printed.
    pub(super) fn is_quiet(&self) -> bool {
        self.output.quiet
    }

    /// Prints text for people: results.
    pub(super) fn say(&self, text: &str) -> Result<()> {
        if self.output.json {
            put(&mut io::stderr().lock(), text)
        } else {
            let fitting = text::width().map(|width| wrapped(text, width));
            put(&mut io::stdout().lock(), fitting.as_deref().unwrap_or(text))
        }
    }

    /// Prints text that `--quiet` leaves out.
    pub(super) fn remark(&self, text: &str) -> Result<()> {
        if self.output.quiet { Ok(()) } else { self.say(text) }
    }

    /// Names the data. `--quiet` leaves it out, unless it is synthetic: nobody shall take that for CIFAR.
    pub(super) fn dataset(&self, dataset: &Dataset) -> Result<()> {
        self.data(dataset.name, &text::dataset(dataset))?;
        self.say(&warnings(dataset))
    }

    /// The same, of one split.
    pub(super) fn excerpt(&self, excerpt: &Excerpt) -> Result<()> {
        self.data(excerpt.name, &text::excerpt(excerpt))
    }

    fn data(&self, name: &str, text: &str) -> Result<()> {
        if name == synthetic::NAME { self.say(text) } else { self.remark(text) }
    }

    /// Prints the object that `--json` asks for.
    pub(super) fn json(&self, value: &impl Serialize) -> Result<()> {
        if !self.output.json {
            return Ok(());
        }
        print(&(to_json(value) + "\n"))
    }

    /// Shows the progress of `epochs` epochs of training on `images` images: a bar where stderr is a terminal, plain
    /// lines elsewhere, and nothing with `--quiet`. The first `done` epochs were trained before.
    pub(super) fn progress(&self, epochs: usize, images: usize, done: usize) -> Progress<'_> {
        let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
            let _ = write!(text, "{} images/s", count(state.per_sec() as u64));
        };
        let bar = (!self.output.quiet && io::stderr().is_terminal()).then(|| {
            let template = "{bar:16} {prefix}, {rate}, {eta} left  {wide_msg}";
            let style = ProgressStyle::with_template(template).expect("a template that indicatif reads");
            let target = ProgressDrawTarget::stderr();
            ProgressBar::with_draw_target(Some((epochs * images) as u64), target)
                .with_style(style.with_key("rate", rate))
                .with_prefix(format!("epoch {} of {epochs}", epochs.min(done + 1)))
                .with_position((done * images) as u64)
        });
        if bar.is_none() {
            let _ = self.remark("validation cost and accuracy of each run:\n");
        }
        Progress { console: self, epochs, images: images as u64, bar }
    }

    /// Shows the progress of so many steps: a bar where stderr is a terminal, a line for each elsewhere, and nothing with
    /// `--quiet`.
    pub(super) fn steps(&self, total: usize) -> Steps {
        let quiet = self.output.quiet;
        let bar = (!quiet && io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{bar:16} {pos} of {len}, {eta} left  {wide_msg}");
            let target = ProgressDrawTarget::stderr();
            ProgressBar::with_draw_target(Some(total as u64), target)
                .with_style(style.expect("a template that indicatif reads"))
        });
        Steps { quiet, bar }
    }

    /// Shows the progress of a download of `bytes`: a bar where stderr is a terminal, nothing with `--quiet`.
    pub(super) fn download(&self, bytes: u64) -> Option<ProgressBar> {
        (!self.output.quiet && io::stderr().is_terminal()).then(|| {
            let template =
                "{bar:30} {decimal_bytes}/{decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left";
            let style = ProgressStyle::with_template(template).expect("a template that indicatif reads");
            let target = ProgressDrawTarget::stderr();
            ProgressBar::with_draw_target(Some(bytes), target).with_style(style)
        })
    }
}

/// The progress of a number of steps, on stderr. The bar vanishes when this is dropped.
pub(super) struct Steps {
    quiet: bool,
    bar: Option<ProgressBar>,
}

impl Steps {
    /// Says which step begins.
    pub(super) fn begin(&self, what: &str) {
        match &self.bar {
            Some(bar) => {
                bar.inc(u64::from(!bar.message().is_empty()));
                bar.set_message(what.to_string());
                bar.tick();
            }
            // What nobody can read is no reason to stop.
            None if !self.quiet => drop(writeln!(io::stderr(), "{what}")),
            None => {}
        }
    }

    /// Does something that prints, while the bar is away.
    pub(super) fn suspend<R>(&self, work: impl FnOnce() -> R) -> R {
        match &self.bar {
            Some(bar) => bar.suspend(work),
            None => work(),
        }
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The progress of training, and of what comes after. The bar vanishes when this is dropped.
pub(super) struct Progress<'a> {
    console: &'a Console,
    epochs: usize,
    images: u64,
    bar: Option<ProgressBar>,
}

impl Progress<'_> {
    /// Counts images that were trained.
    pub(super) fn count(&self, images: usize) {
        if let Some(bar) = &self.bar {
            bar.inc(images as u64);
            let epoch = (bar.position() / self.images + 1).min(self.epochs as u64);
            bar.set_prefix(format!("epoch {epoch} of {}", self.epochs));
        }
    }

    /// Shows the newest record of each run: its validation cost and accuracy.
    pub(super) fn show(&self, records: &[EpochRecord]) {
        let of_run = |record: &EpochRecord| {
            let Metrics { cost, accuracy, .. } = record.validation;
            format!("{} {:.2} %", fixed(cost, 3), 100.0 * accuracy)
        };
        let figures: Vec<String> = records.iter().map(of_run).collect();
        let figures = figures.join(" | ");
        let epoch = records.iter().map(|record| record.epoch).max().unwrap_or_default();
        match &self.bar {
            Some(bar) => bar.set_message(format!("validation {figures}")),
            // Progress that nobody can read any more is no reason to stop training.
            None => drop(self.console.remark(&format!(
                "epoch {epoch:>width$}  {figures}\n{}",
                if epoch == self.epochs { "\n" } else { "" },
                width = self.epochs.to_string().len()
            ))),
        }
    }

    /// Says what is done after training, where there is a bar.
    pub(super) fn stage(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_string());
            bar.tick();
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// JSON as people can read it too.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("records have string keys")
}

/// Prints on stdout.
pub(super) fn print(text: &str) -> Result<()> {
    put(&mut io::stdout().lock(), text)
}

/// Checks that what is printed on stdout does not go into a file that is being read.
pub(super) fn check_stdout() -> Result<()> {
    #[cfg(unix)]
    if let Ok(file) = io::stdout().as_fd().try_clone_to_owned() {
        let metadata = File::from(file).metadata();
        let path = Path::new("standard output");
        return crate::files::in_use::check_output(path, &metadata.map_err(Error::io(path, "examine"))?);
    }
    Ok(())
}

/// Says on stderr what went wrong. Where nobody can read it, the exit code still tells.
pub(super) fn complain(message: &str) {
    let _ = writeln!(io::stderr(), "onelayer: {message}");
}

/// Writes `text`. A reader that has closed the pipe has read enough: that is no error.
fn put(stream: &mut impl Write, text: &str) -> Result<()> {
    match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::io(Path::new("standard output"), "write")(error))
        }
        _ => Ok(()),
    }
}
