//! The options of a run's settings: one for each row of their table.

use std::marker::PhantomData;

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};

use crate::error::Result;
use crate::train::{Run, Setting, Settings};

/// Other names that people know settings by.
const ALIASES: [(&str, &[&str]); 3] =
    [("eta", &["lr", "learning-rate"]), ("lambda", &["weight-decay"]), ("batch", &["batch-size"])];

/// The settings in which the lab report's runs differ: verbs that train them take no option for these.
const RATES: [&str; 2] = ["eta", "lambda"];
/// The settings that are always told, whatever their value.
const ALWAYS: [&str; 8] = ["eta", "lambda", "batch", "epochs", "shuffle", "seed", "iterations", "tol"];

/// The settings that make an objective.
const OBJECTIVE: [&str; 3] = ["objective", "label_smoothing", "class_weights"];

/// Which settings a verb takes.
pub(super) trait Selection {
    fn takes(name: &str) -> bool;
}

/// `eta` and `lambda`.
pub(super) struct Rates;

/// All others.
pub(super) struct Others;

/// Those of the objective.
pub(super) struct OfObjective;

impl Selection for Rates {
    fn takes(name: &str) -> bool {
        RATES.contains(&name)
    }
}

impl Selection for Others {
    fn takes(name: &str) -> bool {
        !RATES.contains(&name)
    }
}

impl Selection for OfObjective {
    fn takes(name: &str) -> bool {
        OBJECTIVE.contains(&name)
    }
}

/// The settings given on the command line, of those that the verb takes.
pub(super) struct SettingArgs<S>(Vec<(&'static str, String)>, PhantomData<S>);

impl<S: Selection> SettingArgs<S> {
    fn rows() -> impl Iterator<Item = &'static Setting> {
        Settings::TABLE.iter().filter(|row| S::takes(row.name))
    }

    /// Whether the setting `name` was given.
    pub(super) fn gives(&self, name: &str) -> bool {
        self.0.iter().any(|(given, _)| *given == name)
    }

    /// Changes `settings` to what was given.
    pub(super) fn apply(&self, settings: &mut Settings) -> Result<()> {
        self.0.iter().try_for_each(|(name, text)| settings.set(name, text))
    }
}

impl<S: Selection> clap::Args for SettingArgs<S> {
    fn augment_args(command: Command) -> Command {
        command.args(Self::rows().map(|row| {
            match row.placeholder {
                "" => arg(row).action(ArgAction::SetTrue),
                placeholder => arg(row)
                    .value_name(placeholder)
                    .allow_hyphen_values(placeholder != "N")
                    .allow_negative_numbers(true),
            }
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: Selection> FromArgMatches for SettingArgs<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |row: &Setting| match row.placeholder {
            "" => matches.get_flag(row.name).then(|| "true".to_string()),
            _ => matches.get_one::<String>(row.name).cloned(),
        };
        Ok(Self(Self::rows().filter_map(|row| Some((row.name, given(row)?))).collect(), PhantomData))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The option of a setting, but for the values that it takes.
pub(super) fn arg(row: &Setting) -> Arg {
    let aliases = ALIASES.iter().find(|(name, _)| *name == row.name).map_or(&[][..], |(_, aliases)| aliases);
    let default = match row.placeholder {
        "" => String::new(),
        _ => format!(" [default: {}]", Settings::default().get(row.name)),
    };
    let heading = match row.name {
        name if OBJECTIVE.contains(&name) => "Objective",
        "mirror" | "flip" | "shift" => "Augmentation",
        _ => "Optimization",
    };
    Arg::new(row.name)
        .help_heading(heading)
        .long(option(row.name))
        .visible_aliases(aliases.iter().copied())
        .help(row.help.trim().to_string() + &default)
}

/// The option of the setting `name`, without its dashes.
pub(super) fn option(name: &str) -> String {
    name.replace('_', "-")
}

/// The options, with their values, of these settings.
pub(super) fn options<'a>(settings: &Settings, rows: impl IntoIterator<Item = &'a Setting>) -> Vec<String> {
    let mut words = Vec::new();
    for row in rows {
        let (option, value) = (format!("--{}", option(row.name)), settings.get(row.name));
        match (row.placeholder, value.as_str()) {
            ("", "true") => words.push(option),
            ("", _) => {}
            _ => words.extend([option, value]),
        }
    }
    words
}

/// The rows of the settings that are worth telling: those that the optimizer uses and that are in everybody's mind, and those
/// that are not the default.
pub(super) fn told(settings: &Settings) -> impl Iterator<Item = &'static Setting> {
    let default = Settings::default();
    let wanted = |row: &&Setting| match settings.get(row.name) == default.get(row.name) {
        true => ALWAYS.contains(&row.name) && settings.uses(row.name),
        false => true,
    };
    Settings::TABLE.iter().filter(wanted).collect::<Vec<_>>().into_iter()
}

/// Whether `runs` differ in a setting.
pub(super) fn differs(runs: &[Run], row: &Setting) -> bool {
    runs.iter().any(|run| run.settings.get(row.name) != runs[0].settings.get(row.name))
}

/// Settings by name and value: `eta 0.1, lambda 0`.
pub(super) fn values<'a>(settings: &Settings, rows: impl IntoIterator<Item = &'a Setting>) -> String {
    let value = |row: &Setting| format!("{} {}", row.name.replace('_', " "), settings.get(row.name));
    rows.into_iter().map(value).collect::<Vec<_>>().join(", ")
}
