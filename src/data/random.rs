//! Random data of any shape, for benchmarks: how long a step takes does not depend on what is learnt.

use std::path::PathBuf;
use std::str::FromStr;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::dataset::Dataset;
use super::format::Format;
use super::image_file::{Batch, Bytes, ImageFile, Place};
use super::split::Split;
use super::split_files::SplitFiles;
use crate::samples::Element;

/// The name of the data set in every output.
const NAME: &str = "random";

/// N samples of D features in K classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomShape {
    samples: usize,
    features: usize,
    classes: usize,
}

impl FromStr for RandomShape {
    type Err = String;

    /// `50000x768x100`: samples, features, classes.
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Option<Vec<usize>> = text.split('x').map(|number| number.parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[samples @ 1..=100_000_000, features @ 1..=1_000_000, classes @ 2..=65_536]) => {
                Ok(Self { samples, features, classes })
            }
            _ => Err("SAMPLESxFEATURESxCLASSES, as in 50000x768x100".into()),
        }
    }
}

impl RandomShape {
    /// A data set of this shape, whose values are uniform; validation and test splits have a fifth of the samples. Drawn on
    /// the threads of the rayon pool that this is called in.
    pub fn dataset(self, element: Element) -> Dataset {
        let [train, validation, test] =
            [(0, 1), (1, 5), (2, 5)].map(|(seed, part)| self.split(seed, part, element));
        let classes = (0..self.classes).map(|class| class.to_string()).collect();
        let (format, files) = (Format::Arrays, SplitFiles::default());
        Dataset { name: NAME, path: None, format, files, classes, train, validation, test }
    }

    /// One sample in so many.
    fn split(self, seed: u64, part: usize, element: Element) -> Split {
        let (count, features) = (self.samples.div_ceil(part), self.features);
        let images = match element {
            Element::U8 => Place::Copy(values(seed, count, features, |bits| (bits >> 24) as u8)),
            Element::F32 => {
                Place::Floats(values(seed, count, features, |bits| bits as i32 as f32 / (1_u64 << 31) as f32))
            }
        };
        let label = |bits: u32| ((u64::from(bits) * self.classes as u64) >> 32) as u16;
        let labels = values(!seed, count, 1, |bits| label(bits).to_le_bytes());
        let labels = Place::Copy(labels.into_flattened());
        let file = Bytes::Owned(PathBuf::from(NAME), Vec::new());
        Split::whole(vec![ImageFile::new(file, None, Batch { count, features, images, labels })])
    }
}

/// `[rows, columns]`, each value made of 32 random bits; every row from a stream of its own.
fn values<T: Send + Default + Clone>(
    seed: u64,
    rows: usize,
    columns: usize,
    make: impl Fn(u32) -> T + Sync,
) -> Vec<T> {
    let mut values = vec![T::default(); rows * columns];
    values.par_chunks_mut(columns).enumerate().for_each(|(row, values)| {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ (row as u64) << 2);
        values.iter_mut().for_each(|value| *value = make(random.next_u32()));
    });
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_three_numbers() {
        let shape = RandomShape { samples: 500, features: 7, classes: 3 };
        assert_eq!("500x7x3".parse(), Ok(shape));
        for wrong in
            ["", "500x7", "500x7x3x1", "0x7x3", "500x0x3", "500x7x1", "500x7x65537", "500 x7x3", "-1x7x3"]
        {
            assert!(wrong.parse::<RandomShape>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn samples_have_the_shape_and_all_of_their_range() {
        for element in [Element::U8, Element::F32] {
            let dataset = RandomShape { samples: 2000, features: 7, classes: 300 }.dataset(element);
            let samples = dataset.train.samples();
            assert_eq!((samples.len(), samples.features(), samples.element()), (2000, 7, element));
            assert_eq!((dataset.validation.len(), dataset.test.len()), (400, 400));
            let mut labels: Vec<u16> = (0..2000).map(|index| samples.label(index)).collect();
            labels.sort_unstable();
            labels.dedup();
            assert!(labels.len() > 290 && labels.last() < Some(&300), "{} classes", labels.len());
            let values: Vec<f32> = (0..2000).flat_map(|index| samples.image(index).iter()).collect();
            let mean = values.iter().sum::<f32>() / values.len() as f32;
            let (middle, half) = if element == Element::U8 { (127.5, 127.5) } else { (0.0, 1.0) };
            assert!((mean - middle).abs() < 0.02 * half, "{mean}");
            assert!(values.iter().all(|value| (value - middle).abs() <= half));
        }
    }
}
