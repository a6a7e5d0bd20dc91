//! A curve in one line of a terminal.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// At most `width` blocks whose heights follow `values` from their smallest to their largest; each stands for
/// the mean of neighbouring values. One that is not finite is a blank.
pub fn sparkline(values: &[f64], width: usize) -> String {
    let columns = values.len().min(width);
    let mean = |column: usize| {
        let part = &values[column * values.len() / columns..(column + 1) * values.len() / columns];
        part.iter().sum::<f64>() / part.len() as f64
    };
    let means: Vec<f64> = (0..columns).map(mean).collect();
    let finite = || means.iter().copied().filter(|mean| mean.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let block = |&mean: &f64| {
        let share = if low < high { (mean - low) / (high - low) } else { 0.0 };
        if mean.is_finite() { BLOCKS[(share * 7.0).round() as usize] } else { ' ' }
    };
    means.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_follow_the_values() {
        assert_eq!(sparkline(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 40), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[2.0, 2.0, f64::NAN, 2.0], 40), "▁▁ ▁");
        assert_eq!(sparkline(&[], 40), "");
    }

    #[test]
    fn long_curves_are_averaged_down() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(sparkline(&values, 8), "▁▂▃▄▅▆▇█");
    }
}
