//! Labels of any integer values, and the classes that they stand for.

use std::collections::BTreeSet;

/// The most classes: labels are held in 16 bits.
const MOST: usize = 1 << 16;

/// The values of labels: the class of a label is the position of its value among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassValues(Values);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Values {
    /// 0 to K - 1.
    Numbers(usize),
    /// Others, rising.
    Listed(Vec<i64>),
}

impl ClassValues {
    /// The number of classes that there may be.
    pub(super) const COUNTS: std::ops::RangeInclusive<usize> = 2..=MOST;

    /// 0 to K - 1, as many as there are `classes`.
    pub fn numbers(classes: usize) -> Self {
        Self(Values::Numbers(classes))
    }

    /// The distinct values of these labels.
    pub fn of_labels(labels: impl IntoIterator<Item = i64>) -> Self {
        let values: BTreeSet<i64> = labels.into_iter().collect();
        Self::of_values(values.into_iter().collect())
    }

    /// The distinct values of several.
    pub(super) fn all(values: &[Self]) -> Self {
        let values = values.iter().flat_map(|values| match &values.0 {
            Values::Numbers(classes) => (0..*classes as i64).collect(),
            Values::Listed(values) => values.clone(),
        });
        Self::of_labels(values)
    }

    /// What a model's class names say: values, where they are whole numbers that rise, as those are that a data set without
    /// names has; else 0 to K - 1.
    pub fn of_names(names: &[String]) -> Self {
        let values: Option<Vec<i64>> = names.iter().map(|name| name.parse().ok()).collect();
        match values.filter(|values| values.is_sorted_by(|a, b| a < b)) {
            Some(values) => Self::of_values(values),
            None => Self::numbers(names.len()),
        }
    }

    fn of_values(values: Vec<i64>) -> Self {
        match values.iter().copied().eq(0..values.len() as i64) {
            true => Self::numbers(values.len()),
            false => Self(Values::Listed(values)),
        }
    }

    /// K: how many there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Values::Numbers(classes) => *classes,
            Values::Listed(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether they are 0 to K - 1, so that a label is its class.
    pub fn are_numbers(&self) -> bool {
        matches!(self.0, Values::Numbers(_))
    }

    /// The class of a label; none where its value is not among these.
    pub fn class(&self, label: i64) -> Option<u16> {
        let class = match &self.0 {
            Values::Numbers(classes) => usize::try_from(label).ok().filter(|class| class < classes),
            Values::Listed(values) => values.binary_search(&label).ok(),
        };
        class.and_then(|class| u16::try_from(class).ok())
    }

    /// The values as names.
    pub fn names(&self) -> Vec<String> {
        match &self.0 {
            Values::Numbers(classes) => (0..*classes).map(|value| value.to_string()).collect(),
            Values::Listed(values) => values.iter().map(i64::to_string).collect(),
        }
    }

    /// What a label must be, for errors.
    pub(super) fn expected(&self) -> String {
        match &self.0 {
            Values::Numbers(classes) => format!("labels from 0 to {}", classes.saturating_sub(1)),
            Values::Listed(values) => {
                let ends = values.first().zip(values.last());
                let ends = ends.map(|(first, last)| format!(", {first} to {last}")).unwrap_or_default();
                format!("one of the {} labels that are known{ends}", values.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_mapped_to_classes_in_sorted_order() {
        let values = ClassValues::of_labels([7, -1, 7, i64::MAX, 0]);
        assert_eq!(values.names(), ["-1", "0", "7", "9223372036854775807"]);
        assert_eq!(
            [-1, 0, 7, i64::MAX, 1].map(|label| values.class(label)),
            [Some(0), Some(1), Some(2), Some(3), None]
        );
        assert_eq!(ClassValues::of_labels([1, 0, 2, 0]), ClassValues::numbers(3));
        assert_eq!(ClassValues::numbers(3).class(3), None);
        assert_eq!(ClassValues::numbers(1 << 16).class(65535), Some(65535));
    }

    #[test]
    fn names_that_are_rising_numbers_are_values() {
        let of = |names: &[&str]| {
            ClassValues::of_names(&names.iter().map(|name| name.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(of(&["-1", "1"]), ClassValues::of_labels([1, -1]));
        for names in [["cat", "dog"], ["1", "0"], ["0", "1"]] {
            assert_eq!(of(&names), ClassValues::numbers(2));
        }
    }
}
