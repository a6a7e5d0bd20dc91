//! Text in the columns of a terminal, of which a letter of Chinese, Japanese or Korean and an emoji take two.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns before the value of a line such as `data      CIFAR-10`.
const LABEL: usize = 10;

/// The columns that a text without a newline takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// `text` at the left of so many columns.
pub(crate) fn left(text: &str, width: usize) -> String {
    format!("{text}{}", blanks(text, width))
}

/// `text` at the right of so many columns.
pub(crate) fn right(text: &str, width: usize) -> String {
    format!("{}{text}", blanks(text, width))
}

/// `text` in the middle of so many columns.
pub(crate) fn centre(text: &str, width: usize) -> String {
    let blanks = blanks(text, width);
    let (before, after) = blanks.split_at(blanks.len() / 2);
    format!("{before}{text}{after}")
}

fn blanks(text: &str, width: usize) -> String {
    " ".repeat(width.saturating_sub(columns(text)))
}

/// As much of the beginning of `text` as so many columns hold.
pub(crate) fn cut(text: &str, width: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find(|(_, letter)| {
        taken += letter.width().unwrap_or(0);
        taken > width
    });
    end.map_or(text, |(end, _)| &text[..end])
}

/// `text` in lines of at most `width` columns, broken between words. What follows stands below the value of a line that
/// begins with a label. A word that is longer than a line keeps its own.
pub(crate) fn wrapped(text: &str, width: usize) -> String {
    text.split_inclusive('\n')
        .map(|line| if columns(line) > width { broken(line, width) } else { line.into() })
        .collect()
}

fn broken(line: &str, width: usize) -> String {
    let leading = line.len() - line.trim_start_matches(' ').len();
    let labelled =
        || line.get(..LABEL).is_some_and(|label| label.ends_with(' ')) && !line[LABEL..].starts_with(' ');
    let indent = " ".repeat(match leading {
        0 if labelled() => LABEL,
        0 | LABEL => leading,
        _ => leading + 2,
    });
    let mut lines = vec![String::new()];
    for word in line.split_inclusive(' ') {
        let last = lines.last_mut().expect("a line");
        // The space after a word may be beyond the end.
        if columns(last) + columns(word.trim_end()) <= width || last.trim().is_empty() {
            last.push_str(word);
        } else {
            lines.push(indent.clone() + word);
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end_matches(' ')).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(["cat", "猫", "고양이", "🐱", "é"].map(columns), [3, 2, 6, 2, 1]);
        assert_eq!(
            [left("猫", 4), right("猫", 4), centre("猫", 5), left("cats", 2)],
            ["猫  ", "  猫", " 猫  ", "cats"]
        );
        assert_eq!([cut("猫犬", 3), cut("cats", 3), cut("cat", 9)], ["猫", "cat", "cat"]);
    }

    #[test]
    fn long_lines_are_broken_between_words_below_their_values() {
        let text = "data      CIFAR-10 (data): 10,000 training\nshort\n";
        let lines = "data      CIFAR-10\n          (data): 10,000\n          training\nshort\n";
        assert_eq!(wrapped(text, 24), lines);
        assert_eq!(wrapped(text, 80), text);
        assert_eq!(wrapped("one two three\n", 7), "one two\nthree\n");
        assert_eq!(wrapped("  one two three\n", 9), "  one two\n    three\n");
        assert_eq!(wrapped("no-word-fits here\n", 4), "no-word-fits\nhere\n");
    }
}
