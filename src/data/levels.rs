//! f32 features as bytes: each feature in 256 levels of its own, so that an engine that multiplies bytes trains on them.
//!
//! The lowest level of a feature is its smallest training value, the highest its largest one, or the quantiles that
//! [`Levels::measure`] is asked for; what lies beyond is the nearest level. A level stands for the value it was rounded
//! from, within half a step: for a feature of r deviations from the lowest to the highest value, the rounding has an rms of
//! r / (255 sqrt(12)) deviations, as long as values spread over the steps.

use rayon::prelude::*;

use super::resident::Resident;
use super::standardize::sums;
use crate::error::{Error, Result};
use crate::model::Standardization;
use crate::samples::{Samples, Values};

/// The largest level.
const LAST: f32 = 255.0;

/// The features in a cache line.
const LINE: usize = 16;

/// What the levels of each feature stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    /// `[D]`: the value of level 0.
    low: Vec<f32>,
    /// `[D]`: from level 0 to level 255; 1 where a feature is constant.
    range: Vec<f32>,
}

/// How far levels are from the values that they stand for, in deviations of each feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounding {
    /// The root of the mean square, over all features.
    pub rms: f64,
    /// The feature with the largest one, and that.
    pub worst: (usize, f64),
}

impl Levels {
    /// The levels from the quantile `clip` of each feature of `samples` to the quantile 1 - `clip`. Measured on the threads
    /// of the rayon pool that this is called in.
    ///
    /// # Panics
    /// If there are no samples.
    pub fn measure(samples: &Samples, clip: f64) -> Self {
        let last = samples.len().checked_sub(1).expect("levels of no samples");
        let cut = (clip * last as f64).round() as usize;
        // A cache line of features at a time, which is read once.
        let ends = |first: usize| -> Vec<(f32, f32)> {
            let features = first..samples.features().min(first + LINE);
            let mut columns = vec![Vec::with_capacity(samples.len()); features.len()];
            for index in 0..samples.len() {
                let image = samples.image(index);
                columns
                    .iter_mut()
                    .zip(features.clone())
                    .for_each(|(column, feature)| column.push(image.get(feature)));
            }
            let ends = |mut values: Vec<f32>| {
                let mut at = |place: usize| *values.select_nth_unstable_by(place, f32::total_cmp).1;
                (at(cut), at(last - cut))
            };
            columns.into_iter().map(ends).collect()
        };
        let lines = (0..samples.features()).into_par_iter().step_by(LINE);
        let ends: Vec<(f32, f32)> = lines.flat_map_iter(ends).collect();
        let range = |(low, high): &(f32, f32)| if high > low { high - low } else { 1.0 };
        Self { low: ends.iter().map(|(low, _)| *low).collect(), range: ends.iter().map(range).collect() }
    }

    /// `levels [D] <- values [D]`, rounded.
    pub fn round(&self, values: Values, levels: &mut [u8]) {
        for ((level, value), (low, range)) in
            levels.iter_mut().zip(values.iter()).zip(self.low.iter().zip(&self.range))
        {
            *level = ((value - low) / range * LAST).round() as u8;
        }
    }

    /// A copy of `samples` in levels. Made on the threads of the rayon pool that this is called in.
    ///
    /// # Errors
    /// No memory for it.
    pub fn apply(&self, samples: &Samples) -> Result<Resident> {
        let copy = Resident::of(samples, samples.features(), |values, row| self.round(values, row));
        copy.map_err(|_| Error::setting("engine", "memory for features as bytes", "none left"))
    }

    /// The standardization of levels, as bytes over 255, that gives the numbers that `standardization` gives of the values.
    pub fn standardization(&self, standardization: &Standardization) -> Standardization {
        let ends = || self.low.iter().zip(&self.range);
        let mean = standardization.mean.iter().zip(ends()).map(|(mean, (low, range))| (mean - low) / range);
        let std = standardization.std.iter().zip(ends()).map(|(std, (_, range))| std / range);
        Standardization { mean: mean.collect(), std: std.collect() }
    }

    /// What rounding does to `samples`, in the deviations of `standardization`. A value beyond the levels, which is cut off
    /// and not rounded, counts as 0.
    pub fn rounding(&self, samples: &Samples, standardization: &Standardization) -> Rounding {
        let known = (self.low.iter().zip(&self.range)).zip(&standardization.std);
        let known: Vec<[f64; 3]> =
            known.map(|((&low, &range), &std)| [low, range, std].map(f64::from)).collect();
        let square = |&[low, range, std]: &[f64; 3], value: f64| {
            let level = (value - low) / range * f64::from(LAST);
            if !(0.0..=f64::from(LAST)).contains(&level) {
                return 0.0;
            }
            let error = (level.round() - level) * range / f64::from(LAST);
            (error / std).powi(2)
        };
        let sums = sums(samples, &known, square);
        let rms: Vec<f64> = sums.into_iter().map(|sum| (sum / samples.len() as f64).sqrt()).collect();
        let worst = rms.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).expect("a feature");
        let mean = rms.iter().map(|rms| rms * rms).sum::<f64>() / rms.len() as f64;
        Rounding { rms: mean.sqrt(), worst }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Rows;

    #[test]
    fn levels_reach_from_the_smallest_value_to_the_largest() {
        let floats = [-1.0, 7.0, 0.0, 7.0, 3.0, 7.0];
        let samples = Samples::new(Rows::floats(&floats, 2), Rows::contiguous(&[0; 3], 1));
        let levels = Levels::measure(&samples, 0.0);
        let mut found = [0; 2];
        for (values, expected) in
            [([-1.0, 7.0], [0, 0]), ([3.0, 7.0], [255, 0]), ([0.0, 7.0], [64, 0]), ([9.0, -9.0], [255, 0])]
        {
            levels.round(Values::Floats(&values), &mut found);
            assert_eq!(found, expected);
        }
        // The same numbers: x = (v - mean) / std.
        let plain = Standardization { mean: vec![0.5, 7.0], std: vec![2.0, 1.0] };
        let of_levels = levels.standardization(&plain);
        for (level, value) in [(0.0, -1.0), (255.0, 3.0)] {
            let x = (level / 255.0 - of_levels.mean[0]) / of_levels.std[0];
            assert!((x - (value - 0.5) / 2.0).abs() < 1e-6);
        }
        // 0 is 63.75 levels up: a quarter of 4/255 off.
        let rounding = levels.rounding(&samples, &plain);
        let expected = (0.25f64 * 4.0 / 255.0 / 2.0 / 3f64.sqrt(), 0);
        assert!(
            (rounding.worst.1 - expected.0).abs() < 1e-9 && rounding.worst.0 == expected.1,
            "{rounding:?}"
        );
        assert!((rounding.rms - expected.0 / 2f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn quantiles_leave_out_what_is_far_off() {
        let mut floats: Vec<f32> = (0..1000).map(|value| value as f32).collect();
        floats[7] = 1e9;
        let samples = Samples::new(Rows::floats(&floats, 1), Rows::contiguous(&[0; 1000], 1));
        let mut level = [0];
        for (clip, expected) in [(0.0, 0), (0.002, 128)] {
            Levels::measure(&samples, clip).round(Values::Floats(&[500.0]), &mut level);
            assert_eq!(level, [expected]);
        }
    }
}
