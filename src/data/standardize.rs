//! The measurement of a [`Standardization`]: mean and standard deviation of each feature, of the training split alone.
//!
//! f32 numbers are summed in f64, block by block and the blocks in order: first their values, then the squares of what
//! remains of them without the mean. Pixels are bytes, so their sums and sums of squares are integers: exact in any order, and the same for any
//! number of threads. Mean and standard deviation are computed from them in f64 and rounded to f32 once.

use std::ops::Range;

use rayon::prelude::*;

use crate::model::Standardization;
use crate::samples::{Element, Samples};

impl Standardization {
    /// Measures `samples` on the threads of the rayon pool that it is called in.
    ///
    /// # Panics
    /// If there are no samples.
    pub fn measure(samples: &Samples) -> Self {
        assert!(!samples.is_empty(), "standardization of no samples");
        if samples.element() == Element::F32 {
            return measure_floats(samples);
        }
        let blocks = samples.len().div_ceil(BLOCK);
        let block = |index: usize| index * BLOCK..samples.len().min((index + 1) * BLOCK);
        let moments = (0..blocks)
            .into_par_iter()
            .fold(
                || Moments::zeros(samples.features()),
                |mut moments, index| {
                    moments.add_block(samples, block(index));
                    moments
                },
            )
            .reduce_with(Moments::add)
            .expect("at least one block");
        moments.standardization(samples.len())
    }
}

/// The same of f32 numbers. What is not finite makes the mean or the deviation of its feature so.
fn measure_floats(samples: &Samples) -> Standardization {
    let count = samples.len() as f64;
    let mean: Vec<f64> = sums(samples, &|_, x| x).into_iter().map(|sum| sum / count).collect();
    let squares = sums(samples, &|feature, x| (x - mean[feature]).powi(2));
    // What is constant remains as the rounding of its mean.
    let std = |(square, mean): (f64, &f64)| {
        let std = (square / count).sqrt();
        if std <= 1e-12 * mean.abs() || (std as f32) < f32::MIN_POSITIVE { 1.0 } else { std as f32 }
    };
    Standardization {
        std: squares.into_iter().zip(&mean).map(std).collect(),
        mean: mean.iter().map(|&mean| mean as f32).collect(),
    }
}

/// For each feature the sum over the samples of `term(feature, value)`, block by block and the blocks in order.
pub(super) fn sums(samples: &Samples, term: &(dyn Fn(usize, f64) -> f64 + Sync)) -> Vec<f64> {
    let block = |block: usize| {
        let mut sums = vec![0.0; samples.features()];
        for image in block * BLOCK..samples.len().min((block + 1) * BLOCK) {
            let values = samples.image(image).exact().enumerate();
            sums.iter_mut().zip(values).for_each(|(sum, (feature, x))| *sum += term(feature, x));
        }
        sums
    };
    let blocks: Vec<Vec<f64>> = (0..samples.len().div_ceil(BLOCK)).into_par_iter().map(block).collect();
    let add = |mut sums: Vec<f64>, block: Vec<f64>| {
        sums.iter_mut().zip(block).for_each(|(sum, block)| *sum += block);
        sums
    };
    blocks.into_iter().reduce(add).expect("at least one block")
}

/// Images whose partial sums are taken in u32. The largest sum of squares, `BLOCK * 255^2`, must fit in.
const BLOCK: usize = 256;

/// Images that are added to the partial sums together, so that each sum is loaded and stored once for all of
/// them. Their pixels' sum must fit in u16.
const GROUP: usize = 4;

/// The exact first and second moments of each feature, `[D]` each, and room for the partial ones.
struct Moments {
    sum: Vec<u64>,
    square: Vec<u64>,
    block_sum: Vec<u32>,
    block_square: Vec<u32>,
}

impl Moments {
    fn zeros(features: usize) -> Self {
        Self {
            sum: vec![0; features],
            square: vec![0; features],
            block_sum: vec![0; features],
            block_square: vec![0; features],
        }
    }

    /// Adds at most [`BLOCK`] images.
    fn add_block(&mut self, samples: &Samples, images: Range<usize>) {
        self.block_sum.fill(0);
        self.block_square.fill(0);
        let whole = images.end - images.len() % GROUP;
        for first in (images.start..whole).step_by(GROUP) {
            self.add_group(std::array::from_fn::<_, GROUP, _>(|i| samples.image(first + i).bytes()));
        }
        for image in whole..images.end {
            self.add_group([samples.image(image).bytes()]);
        }
        fold(&mut self.sum, &self.block_sum);
        fold(&mut self.square, &self.block_square);
    }

    /// Adds `G` images to the partial sums.
    #[inline]
    fn add_group<const G: usize>(&mut self, images: [&[u8]; G]) {
        let features = self.block_sum.len();
        let images = images.map(|image| &image[..features]);
        for (i, (sum, square)) in self.block_sum.iter_mut().zip(&mut self.block_square).enumerate() {
            let pixels = images.map(|image| u16::from(image[i]));
            *sum += u32::from(pixels.iter().sum::<u16>());
            *square += pixels.iter().map(|&pixel| u32::from(pixel * pixel)).sum::<u32>();
        }
    }

    fn add(mut self, other: Self) -> Self {
        fold(&mut self.sum, &other.sum);
        fold(&mut self.square, &other.square);
        self
    }

    /// The mean and standard deviation of `count` images with these moments.
    fn standardization(&self, count: usize) -> Standardization {
        let scale = count as f64 * 255.0;
        let mean = |&sum: &u64| (sum as f64 / scale) as f32;
        let std = |(&sum, &square): (&u64, &u64)| {
            // count^2 times the variance: an integer, so that nothing cancels and 0 means constant.
            match count as u128 * u128::from(square) - u128::from(sum).pow(2) {
                0 => 1.0,
                variance => ((variance as f64).sqrt() / scale) as f32,
            }
        };
        Standardization {
            mean: self.sum.iter().map(mean).collect(),
            std: self.sum.iter().zip(&self.square).map(std).collect(),
        }
    }
}

/// Adds `values` to `sums`, one by one.
fn fold<T: Copy + Into<u64>>(sums: &mut [u64], values: &[T]) {
    sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += value.into());
}
