//! The one error type. Each variant says which file or setting, what was expected, and what was found.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

/// A `Result` whose error is [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, each with the facts that a person needs to mend it. Displays as one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused an operation on a file or folder.
    #[error("{}: cannot {action}: {}", one_line(path.display()), one_line(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: a verb, as in "cannot open".
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },

    /// A file or folder does not hold what it must hold.
    #[error("{}: expected {expected}, found {found}", one_line(path.display()))]
    Format {
        /// The file or folder.
        path: PathBuf,
        /// What it must hold, and where it helps, what to do.
        expected: String,
        /// What it holds.
        found: String,
    },

    /// A host did not give what was asked for.
    #[error("{}: cannot download: {}", one_line(url), one_line(problem))]
    Download {
        /// The address.
        url: String,
        /// What the host, or the network, did.
        problem: String,
    },

    /// A setting has a value that it cannot have.
    #[error("{name}: expected {expected}, found {found}")]
    Setting {
        /// The setting's name, as in JSON: `eta`, `evaluate_every`. The command shows it as an option.
        name: &'static str,
        /// The values that it can have.
        expected: String,
        /// The value given.
        found: String,
    },

    /// The cost, or a parameter, is no longer a finite number.
    #[error("{run}: training diverged in epoch {epoch} with eta {eta:?} and lambda {lambda:?}")]
    Diverged {
        /// The run's name.
        run: String,
        /// The epoch, counted from 1.
        epoch: usize,
        /// The learning rate.
        eta: f64,
        /// The weight of the penalty.
        lambda: f64,
    },

    /// A signal ended training. What was reached is written.
    #[error(
        "{}: stopped by signal {signal} after {}; the model and the history so far are saved",
        one_line(out.display()),
        if *epoch == 1 { "1 epoch".into() } else { format!("{epoch} epochs") }
    )]
    Stopped {
        /// The run folder.
        out: PathBuf,
        /// The signal's number: 2 for SIGINT (Ctrl-C), 15 for SIGTERM.
        signal: u8,
        /// The epochs that were finished.
        epoch: usize,
        /// Whether there is a checkpoint.
        resumable: bool,
    },

    /// A signal ended work of which nothing is kept.
    #[error("stopped by signal {signal}; nothing was written")]
    Interrupted {
        /// The signal's number: 2 for SIGINT (Ctrl-C), 15 for SIGTERM.
        signal: u8,
    },

    /// A signal ended a sweep. What was reached is kept.
    #[error(
        "{}: stopped by signal {signal} with {ended} of {runs} runs at their ends; the others are kept where they are",
        one_line(out.display())
    )]
    SweepStopped {
        /// The folder of the sweep.
        out: PathBuf,
        /// The signal's number: 2 for SIGINT (Ctrl-C), 15 for SIGTERM.
        signal: u8,
        /// The runs that ended.
        ended: usize,
        /// All runs.
        runs: usize,
    },

    /// Some pictures could not be classified; each was told of as it was met.
    #[error("{failed} of {seen} pictures could not be read")]
    Pictures {
        /// How many.
        failed: usize,
        /// Of how many that were tried.
        seen: usize,
    },

    /// A gradient that is not the slope of the cost.
    #[error("the gradient check failed: {failure}")]
    Gradient {
        /// The criterion, how many entries missed it, and which one is furthest off.
        failure: String,
    },

    /// A measured result that is not the reference's.
    #[error("{what}: expected the reference's {expected}, found {found}; please report this as a defect")]
    Incorrect {
        /// What was measured, and on which engine.
        what: String,
        /// The reference's result, and how close to it is close enough.
        expected: String,
        /// The result.
        found: String,
    },

    /// A thread of the team panicked, and the work was abandoned.
    #[error("a thread of the engine panicked: {}; please report this as a defect", one_line(message))]
    Panicked {
        /// The panic's message.
        message: String,
    },
}

impl Error {
    /// An operation on `path` that the system refused; `action` is a verb, as in "cannot open".
    pub fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_path_buf(), action, source }
    }

    /// A file or folder that does not hold what it must hold.
    pub fn format(path: &Path, expected: impl Display, found: impl Display) -> Self {
        Self::Format { path: path.to_path_buf(), expected: one_line(expected), found: one_line(found) }
    }

    /// A setting with a value that it cannot have.
    pub fn setting(name: &'static str, expected: impl Display, found: impl Display) -> Self {
        Self::Setting { name, expected: one_line(expected), found: one_line(found) }
    }
}

/// `text` with its control characters and line separators escaped: a name in a file, or of one, may hold any, and an
/// error is one line.
pub(crate) fn one_line(text: impl Display) -> String {
    let escaped = |character: char| match character {
        '\u{2028}' | '\u{2029}' => character.escape_default().to_string(),
        _ if character.is_control() => character.escape_default().to_string(),
        _ => character.into(),
    };
    text.to_string().chars().map(escaped).collect()
}
