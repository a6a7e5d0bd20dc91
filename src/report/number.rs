//! Numbers as people read them.

use std::fmt::Display;

/// The smallest number that is shown by its power of ten: `1.0e6`.
const HUGE: f64 = 1e6;

/// `value` with so many decimals, or by its power of ten.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    match value.abs() {
        HUGE.. if value.is_finite() => format!("{value:.1e}"),
        _ if value.is_finite() => format!("{value:.decimals$}"),
        _ => "not finite".into(),
    }
}

/// `value` with all digits that tell it apart; nothing where it is not finite.
pub(super) fn exact(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { String::new() }
}

/// `value` with so many decimals and its sign; a true minus, as wide as the plus.
pub(super) fn signed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "not finite".into();
    }
    let digits = fixed(value.abs(), decimals);
    let zero = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let sign = match value < 0.0 {
        _ if zero => "±",
        true => "−",
        false => "+",
    };
    format!("{sign}{digits}")
}

/// A fraction in percent: `38.86 %`.
pub(super) fn percent(fraction: f64, decimals: usize) -> String {
    format!("{} %", fixed(100.0 * fraction, decimals))
}

/// A count with commas: `10,000`.
pub fn count(value: impl Display) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `a, b and c`, with this `word` before the last.
pub(crate) fn list(items: impl IntoIterator<Item = String>, word: &str) -> String {
    let items: Vec<String> = items.into_iter().collect();
    match items.split_last() {
        Some((last, [_, ..])) => format!("{} {word} {last}", items[..items.len() - 1].join(", ")),
        Some((only, [])) => only.clone(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(fixed(f64::NAN, 2), "not finite");
        assert_eq!(
            [fixed(999_999.0, 2), fixed(1e30, 4), fixed(-2.5e6, 1)],
            ["999999.00", "1.0e30", "-2.5e6"]
        );
        assert_eq!(
            [signed(-0.01, 2), signed(0.001, 2), signed(2.0, 1), signed(-1e30, 4)],
            ["−0.01", "±0.00", "+2.0", "−1.0e30"]
        );
        assert_eq!([count(7), count(1000), count(1_234_567)], ["7", "1,000", "1,234,567"]);
        let items =
            |count: usize| list(["a", "b", "c"].iter().take(count).map(|item| item.to_string()), "and");
        assert_eq!([items(0), items(1), items(2), items(3)], ["", "a", "a and b", "a, b and c"]);
    }
}
