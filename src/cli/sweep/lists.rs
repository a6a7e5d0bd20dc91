//! The options of a sweep's settings: a list of values for each row of their table.

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};

use super::super::settings::arg;
use crate::train::{Setting, Settings};

/// The lists given on the command line, each with the name of its setting. An option that is given twice has two.
pub(super) struct ListArgs(pub(super) Vec<(&'static str, String)>);

impl clap::Args for ListArgs {
    fn augment_args(command: Command) -> Command {
        let list = |row: &Setting| -> Arg {
            let arg = arg(row).action(ArgAction::Append).value_name("LIST").allow_negative_numbers(true);
            match row.placeholder {
                "" => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
                placeholder => arg.allow_hyphen_values(placeholder != "N"),
            }
        };
        command.args(Settings::TABLE.iter().map(list))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ListArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |row: &Setting| {
            let lists = matches.get_many::<String>(row.name).unwrap_or_default();
            lists.map(|list| (row.name, list.clone())).collect::<Vec<_>>()
        };
        Ok(Self(Settings::TABLE.iter().flat_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
