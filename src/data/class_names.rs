//! Lists of class names in data folders.

use std::ops::RangeInclusive;
use std::path::Path;

use super::pickle;
use crate::error::{Error, Result};
use crate::files::regular;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// A kind of list, and what is expected of it.
pub(super) struct ClassNames {
    /// Its key in a pickled dictionary; none for a text file with one name a line.
    pub key: Option<&'static str>,
    /// The number of names that it may have.
    pub count: RangeInclusive<usize>,
}

impl ClassNames {
    /// Reads and checks the list in the file `path`.
    ///
    /// # Errors
    /// A file that is missing, cannot be read, or does not hold such a list.
    pub fn read(&self, path: &Path) -> Result<Vec<String>> {
        let bytes = regular::read(path, "a list of class names", LARGEST)?;
        let names = match self.key {
            Some(key) => pickle::names(path, &bytes, key)?,
            None => lines(path, &bytes)?,
        };
        if !self.count.contains(&names.len()) {
            return Err(Error::format(path, self.description(), format_args!("{} names", names.len())));
        }
        match names.iter().find(|name| name.is_empty() || name.chars().any(char::is_control)) {
            Some(name) => {
                Err(Error::format(path, "class names of visible characters", format_args!("{name:?}")))
            }
            None => Ok(names),
        }
    }

    fn description(&self) -> String {
        let (fewest, most) = (self.count.start(), self.count.end());
        let count = if fewest == most { most.to_string() } else { format!("{fewest} to {most}") };
        let place = self.key.map_or_else(|| "one a line".into(), |key| format!("in {key:?}"));
        format!("{count} class names, {place}")
    }
}

/// The lines of a text that are not empty.
fn lines(path: &Path, bytes: &[u8]) -> Result<Vec<String>> {
    let text = str::from_utf8(bytes).map_err(|error| Error::format(path, "class names in UTF-8", error))?;
    // Some editors begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    Ok(text.lines().map(str::trim).filter(|name| !name.is_empty()).map(String::from).collect())
}
