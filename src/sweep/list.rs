//! Lists of values of a setting, as people type them: `a,b,c`, or `lo..hi:n`, n points evenly in their logarithms.

use crate::error::{Error, Result};
use crate::train::{Setting, Settings};

/// The digits of a point between two ends: so few that people can type it again.
const DIGITS: usize = 4;

/// What a list is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    /// A value, as the table of settings writes it.
    Value(String),
    /// All values between two positive ends, to be drawn from.
    Range(f64, f64),
}

/// The items of the list `text` of values of the setting `row`.
///
/// # Errors
/// What is no value of the setting, and no range of values.
pub(super) fn parse(row: &Setting, text: &str) -> Result<Vec<Item>> {
    // A value may have commas of its own.
    if let Ok(value) = canonical(row, text) {
        return Ok(vec![Item::Value(value)]);
    }
    let items = text.split(',').map(|part| item(row, part.trim()));
    Ok(items.collect::<Result<Vec<_>>>()?.concat())
}

fn item(row: &Setting, text: &str) -> Result<Vec<Item>> {
    let Some((low, rest)) = text.split_once("..") else {
        return Ok(vec![Item::Value(canonical(row, text)?)]);
    };
    let expected = "LO..HI:N, with positive numbers LO < HI and 2 to 1000 points N, or LO..HI to draw from";
    let refused = || Error::setting(row.name, expected, text);
    let (high, points) = match rest.split_once(':') {
        Some((high, points)) => (high, Some(points.parse::<usize>().map_err(|_| refused())?)),
        None => (rest, None),
    };
    let [low, high] = [low, high].map(|end| end.parse().unwrap_or(f64::NAN));
    let usable = 0.0 < low && low < high && high.is_finite();
    if !usable || points.is_some_and(|points| !(2..=1000).contains(&points)) {
        return Err(refused());
    }
    // Both ends are values of the setting.
    [low, high].iter().try_for_each(|end| canonical(row, &end.to_string()).map(drop))?;
    let Some(points) = points else { return Ok(vec![Item::Range(low, high)]) };
    let value = |point| Ok(Item::Value(between(row, low, high, point as f64 / (points - 1) as f64)?));
    let mut items: Vec<Item> = (0..points).map(value).collect::<Result<_>>()?;
    items.dedup();
    Ok(items)
}

/// The value at `share` of the way from `low` to `high`, evenly in the logarithm, to four digits; of a setting of whole
/// numbers, the nearest one. The same on every machine.
pub(super) fn between(row: &Setting, low: f64, high: f64, share: f64) -> Result<String> {
    let value = match share {
        0.0 => low,
        1.0 => high,
        _ => {
            let value = libm::exp((1.0 - share) * libm::log(low) + share * libm::log(high));
            format!("{value:.digits$e}", digits = DIGITS - 1).parse().expect("a number that was written")
        }
    };
    canonical(row, &value.to_string()).or_else(|_| canonical(row, &value.round().to_string()))
}

/// The value that `text` stands for, as the table of settings writes it.
fn canonical(row: &Setting, text: &str) -> Result<String> {
    let mut settings = Settings::default();
    settings.set(row.name, text)?;
    Ok(settings.get(row.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> &'static Setting {
        Settings::TABLE.iter().find(|row| row.name == name).unwrap()
    }

    fn values(name: &str, text: &str) -> Vec<String> {
        let value = |item| match item {
            Item::Value(value) => value,
            Item::Range(low, high) => format!("{low} to {high}"),
        };
        parse(row(name), text).unwrap().into_iter().map(value).collect()
    }

    #[test]
    fn a_list_is_values_and_ranges() {
        assert_eq!(values("eta", "1e-3,0.1, 2"), ["0.001", "0.1", "2"]);
        assert_eq!(values("eta", "1e-4..1e-1:4"), ["0.0001", "0.001", "0.01", "0.1"]);
        assert_eq!(values("lambda", "0,0.001..1:3"), ["0", "0.001", "0.03162", "1"]);
        assert_eq!(values("batch", "50..800:5"), ["50", "100", "200", "400", "800"]);
        assert_eq!(values("batch", "1..4:5"), ["1", "2", "3", "4"], "no value twice");
        assert_eq!(values("shuffle", "false,true"), ["false", "true"]);
        assert_eq!(values("eta", "1e-4..0.1,3"), ["0.0001 to 0.1", "3"]);
    }

    #[test]
    fn what_is_no_list_is_told_with_what_one_is() {
        for (name, text, line) in [
            ("eta", "0.1,x", "eta: expected a number, found x"),
            ("eta", "", "eta: expected a number, found "),
            ("batch", "10,2.5", "batch: expected a whole number from 0 to 2^64 - 1, found 2.5"),
            ("batch", "1.5..9:2", "batch: expected a whole number from 0 to 2^64 - 1, found 1.5"),
        ] {
            assert_eq!(parse(row(name), text).unwrap_err().to_string(), line);
        }
        for text in ["0..1:3", "1..0.1:3", "1..2:1", "1..2:x", "1..inf:3", "..", "a..b:3", "1..2:1001"] {
            let message = parse(row("eta"), text).unwrap_err().to_string();
            assert!(message.starts_with("eta: expected LO..HI:N"), "{message}");
        }
    }
}
