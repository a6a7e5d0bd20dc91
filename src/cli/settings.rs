//! The options of a run's settings: one for each row of their table.

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};

use crate::error::Result;
use crate::train::{Scope, Setting, Settings};

/// Other names that people know settings by.
const ALIASES: [(&str, &[&str]); 3] =
    [("eta", &["lr", "learning-rate"]), ("lambda", &["weight-decay"]), ("batch", &["batch-size"])];

/// The settings given on the command line: those of one run alone where `OWN` is set, else those that all runs of a
/// verb have in common.
pub(super) struct SettingArgs<const OWN: bool>(Vec<(&'static str, String)>);

impl<const OWN: bool> SettingArgs<OWN> {
    fn rows() -> impl Iterator<Item = &'static Setting> {
        Settings::TABLE.iter().filter(|row| (row.scope == Scope::Own) == OWN)
    }

    /// Changes `settings` to what was given.
    pub(super) fn apply(&self, settings: &mut Settings) -> Result<()> {
        self.0.iter().try_for_each(|(name, text)| settings.set(name, text))
    }
}

impl<const OWN: bool> clap::Args for SettingArgs<OWN> {
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

impl<const OWN: bool> FromArgMatches for SettingArgs<OWN> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |row: &Setting| match row.placeholder {
            "" => matches.get_flag(row.name).then(|| "true".to_string()),
            _ => matches.get_one::<String>(row.name).cloned(),
        };
        Ok(Self(Self::rows().filter_map(|row| Some((row.name, given(row)?))).collect()))
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
    Arg::new(row.name)
        .help_heading(if row.name == "objective" { "Model" } else { "Optimization" })
        .long(option(row.name))
        .visible_aliases(aliases.iter().copied())
        .help(row.help.trim().to_string() + &default)
}

/// The option of the setting `name`, without its dashes.
pub(super) fn option(name: &str) -> String {
    name.replace('_', "-")
}

/// The options, with their values, of the settings in the table that `wanted` wants.
pub(super) fn options(settings: &Settings, wanted: impl Fn(&Setting) -> bool) -> Vec<String> {
    let mut words = Vec::new();
    for row in Settings::TABLE.iter().filter(|row| wanted(row)) {
        let (option, value) = (format!("--{}", option(row.name)), settings.get(row.name));
        match (row.placeholder, value.as_str()) {
            ("", "true") => words.push(option),
            ("", _) => {}
            _ => words.extend([option, value]),
        }
    }
    words
}
