//! A command line that cannot be understood, in one line: which option, what was expected, what was found.

use std::num::{ParseFloatError, ParseIntError};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::error::one_line;
use crate::report::list;

/// What is wrong, without a newline.
pub(super) fn line(error: &clap::Error) -> String {
    one_line(words(error))
}

fn words(error: &clap::Error) -> String {
    let argument = texts(error, ContextKind::InvalidArg).join(" ");
    let (option, placeholder) = argument.split_once(' ').unwrap_or((&argument, "a value"));
    match error.kind() {
        kind @ (ErrorKind::InvalidValue | ErrorKind::TooManyValues | ErrorKind::ValueValidation) => {
            let values = texts(error, ContextKind::ValidValue);
            let expected = match kind {
                ErrorKind::TooManyValues => "no value".into(),
                ErrorKind::ValueValidation => kind_of_value(error),
                _ if values.is_empty() => placeholder.into(),
                _ => list(values, "or"),
            };
            let found = texts(error, ContextKind::InvalidValue).join(" ");
            let found = if found.is_empty() { "nothing" } else { &found };
            format!("{option}: expected {expected}, found {found}")
        }
        ErrorKind::UnknownArgument => {
            let noun = if argument.starts_with('-') { "option" } else { "argument" };
            let hint = did_you_mean(texts(error, ContextKind::SuggestedArg));
            format!("{argument}: no such {noun}; {hint}")
        }
        ErrorKind::InvalidSubcommand => {
            let hint = did_you_mean(texts(error, ContextKind::SuggestedSubcommand));
            let verb = texts(error, ContextKind::InvalidSubcommand).join(" ");
            format!("{verb}: no such verb; {hint}")
        }
        ErrorKind::MissingRequiredArgument => format!("expected {argument}, found nothing"),
        ErrorKind::ArgumentConflict => {
            let others = texts(error, ContextKind::PriorArg);
            let others: Vec<&str> = others.iter().filter_map(|other| other.split(' ').next()).collect();
            if others.contains(&option) {
                format!("{option}: expected once, found twice")
            } else {
                format!("{option}: cannot be combined with {}", others.join(" and "))
            }
        }
        _ => first_paragraph(&error.render().to_string()),
    }
}

/// The words that clap keeps under `kind`.
fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// What the parser of a value wanted.
fn kind_of_value(error: &clap::Error) -> String {
    match std::error::Error::source(error) {
        None => "another value".into(),
        Some(source) if source.is::<ParseFloatError>() => "a number".into(),
        Some(source) if source.is::<ParseIntError>() => "a whole number from 0 to 2^64 - 1".into(),
        // Parsers of our own say what they expect.
        Some(source) => source.to_string(),
    }
}

fn did_you_mean(similar: Vec<String>) -> String {
    if similar.is_empty() {
        "--help lists those that there are".into()
    } else {
        format!("did you mean {}?", list(similar, "or"))
    }
}

/// Clap's own words, without the usage that follows them.
fn first_paragraph(text: &str) -> String {
    let paragraph: Vec<&str> = text.lines().take_while(|line| !line.starts_with("Usage:")).collect();
    let text = paragraph.join(" ");
    let text = text.trim_start_matches("error: ").split("For more information").next().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
