//! Standardization is the plain population mean and standard deviation of `pixel / 255`, feature by feature,
//! however the images lie in memory and however many threads measure them.

use onelayer::model::Standardization;
use onelayer::samples::{Rows, Samples};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::support::real_images;

/// Mean and standard deviation in f64, in two passes, without any rounding to f32.
fn two_pass(samples: &Samples) -> (Vec<f64>, Vec<f64>) {
    let count = samples.len() as f64;
    let pixel = |image: usize, feature: usize| f64::from(samples.image(image).get(feature)) / 255.0;
    let average = |value: &dyn Fn(usize) -> f64| (0..samples.len()).map(value).sum::<f64>() / count;
    let measure = |feature: usize| {
        let mean = average(&|image| pixel(image, feature));
        let variance = average(&|image| (pixel(image, feature) - mean).powi(2));
        let constant = (1..samples.len()).all(|image| pixel(image, feature) == pixel(0, feature));
        (mean, if constant { 1.0 } else { variance.sqrt() })
    };
    (0..samples.features()).map(measure).unzip()
}

/// One rounding to f32, and N roundings of f64, each relative to a sum of positive terms.
fn assert_measured(samples: &Samples) {
    let measured = Standardization::measure(samples);
    let (mean, std) = two_pass(samples);
    let tolerance = f64::from(f32::EPSILON) / 2.0 + samples.len() as f64 * f64::EPSILON;
    for (name, measured, expected) in [("mean", &measured.mean, &mean), ("std", &measured.std, &std)] {
        assert_eq!(measured.len(), samples.features());
        for (feature, (&measured, &expected)) in measured.iter().zip(expected).enumerate() {
            let error = (f64::from(measured) - expected).abs();
            assert!(error <= tolerance * expected, "{name} {feature}: {measured}, expected {expected}");
        }
    }
}

fn random_bytes(count: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; count];
    Xoshiro256PlusPlus::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

fn in_pool<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

#[test]
fn any_number_of_images_and_features() {
    for (count, features) in [(1, 1), (2, 3), (5, 37), (255, 16), (257, 33), (1030, 101)] {
        let images = random_bytes(count * features, features as u64);
        let labels = vec![0; count];
        assert_measured(&Samples::new(Rows::contiguous(&images, features), Rows::contiguous(&labels, 1)));
    }
}

#[test]
fn strides_and_several_stretches() {
    let (features, counts, strides) = (37, [3, 300, 1, 259], [37, 38, 64, 41]);
    let labels = [0; 300];
    let stretches = counts.map(|count| random_bytes(count * 64, count as u64));
    let rows = |i: usize| Rows::new(&stretches[i], counts[i], features, strides[i]);
    let label_rows = |i: usize| Rows::contiguous(&labels[..counts[i]], 1);
    let mut samples = Samples::new(rows(0), label_rows(0));
    (1..counts.len()).for_each(|i| samples.push(rows(i), label_rows(i)));
    assert_measured(&samples);
    assert_measured(&samples.slice(2..450));
}

#[test]
fn a_constant_feature_has_standard_deviation_one() {
    let (count, features) = (700, 5);
    let mut images = random_bytes(count * features, 1);
    for (index, image) in images.chunks_mut(features).enumerate() {
        image[1] = 255;
        image[2] = 0;
        // The least that is not constant: one pixel of all differs by one level.
        image[3] = 128 + u8::from(index == 699);
    }
    let labels = vec![0; count];
    let samples = Samples::new(Rows::contiguous(&images, features), Rows::contiguous(&labels, 1));
    assert_measured(&samples);
    let measured = Standardization::measure(&samples);
    assert_eq!((measured.mean[1], measured.std[1]), (1.0, 1.0));
    assert_eq!((measured.mean[2], measured.std[2]), (0.0, 1.0));
    assert!(measured.std[3] < 0.001);
}

#[test]
fn the_brightest_images_do_not_overflow() {
    // More than the 66,051 squares of 255 that fit in u32.
    let (count, features) = (70_000, 3);
    let mut images = vec![255; count * features];
    images[1] = 254;
    let labels = vec![0; count];
    assert_measured(&Samples::new(Rows::contiguous(&images, features), Rows::contiguous(&labels, 1)));
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let (count, features) = (3_001, 67);
    let images = random_bytes(count * features, 2);
    let labels = vec![0; count];
    let samples = Samples::new(Rows::contiguous(&images, features), Rows::contiguous(&labels, 1));
    let one = in_pool(1, || Standardization::measure(&samples));
    for threads in [2, 3, 8] {
        assert_eq!(in_pool(threads, || Standardization::measure(&samples)), one, "{threads} threads");
    }
}

#[test]
fn photographs_are_a_mid_grey_on_average() {
    let Some(data) = real_images() else { return };
    let samples = data.train.samples();
    assert_measured(&samples);
    // A photograph is a mid grey on average, and spans a good half of the range.
    let measured = Standardization::measure(&samples);
    let average = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    assert!((average(&measured.mean) - 0.474).abs() < 0.01, "mean {}", average(&measured.mean));
    assert!((average(&measured.std) - 0.25).abs() < 0.01, "std {}", average(&measured.std));
}
