//! The fixed engine on features of which some vary thousands of times as much as others.

use onelayer::engine::{Batches, Engine, Isa, Problem, Step};
use onelayer::gradient_check::{Precision, logit_tolerance};
use onelayer::model::{Parameters, Standardization};
use onelayer::objective::Objective;
use onelayer::samples::{Element, Rows, Samples, Values};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::contender::Contender;

/// What is uneven.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Some pixels are black but in one or two images.
    Rare,
    /// Some pixels are bright but in one image.
    Stuck,
    /// Every pixel is black, or faint in a few images, but for ordinary ones here and there.
    Faint,
    /// One pixel is ordinary, all others vary hardly ever.
    OneLarge,
}

/// Images of this kind `[N, D]`, with a label each.
fn images(kind: Kind, images: usize, features: usize, seed: u64) -> (Vec<u8>, Vec<u8>) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let uneven: Vec<bool> = (0..features)
        .map(|feature| match kind {
            Kind::Rare | Kind::Stuck => random.random_range(0..20) == 0,
            Kind::Faint => random.random_range(0..20) != 0,
            Kind::OneLarge => feature != features / 2,
        })
        .collect();
    let lit: Vec<usize> = (0..features).map(|_| random.random_range(0..images)).collect();
    let pixel = |image: usize, feature: usize, noise: u8| match kind {
        _ if !uneven[feature] => noise,
        Kind::Stuck => 200 + u8::from(image == lit[feature]),
        Kind::Faint => u8::from(noise < 2),
        Kind::Rare | Kind::OneLarge => u8::from(image == lit[feature]),
    };
    let pixels = (0..images * features).map(|i| pixel(i / features, i % features, random.random()));
    let pixels = pixels.collect();
    (pixels, (0..images).map(|_| random.random_range(0..5)).collect())
}

/// The most that a logit may be off by, whatever the deviations: 16 quanta of the largest weight for each standardized
/// pixel, and what f32 takes.
fn bound(image: Values, standardization: &Standardization, parameters: &Parameters) -> f64 {
    let Standardization { mean, std } = standardization;
    let inputs = image.iter().zip(mean).zip(std).map(|((x, mean), std)| (x / 255.0 - mean) / std);
    let inputs: f64 = inputs.map(|x| f64::from(x.abs())).sum();
    let largest = parameters.weight.iter().fold(0.0, |largest: f32, w| largest.max(w.abs()));
    let of_f32 = logit_tolerance(image, standardization, parameters, Precision::F32);
    16.0 * Precision::FIXED.quantum * f64::from(largest) * inputs + of_f32
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fixed_keeps_its_digits_where_some_pixels_hardly_ever_vary(
        kind in prop::sample::select(vec![Kind::Rare, Kind::Stuck, Kind::Faint, Kind::OneLarge]),
        features in prop_oneof![20..200usize, 1500..1700usize],
        seed: u64,
    ) {
        let (pixels, labels) = images(kind, 2000, features, seed);
        let samples = Samples::new(Rows::contiguous(&pixels, features), Rows::contiguous(&labels, 1));
        let standardization = Standardization::measure(&samples);
        let initial = [Parameters::random(5, features, seed)];
        let objective = &Objective::default();
        let problem = Problem { initial: &initial, standardization: &standardization, objective, element: Element::U8 };
        let [_, simd, fixed] = Contender::TEAMS;
        let mut engines = [simd, fixed].map(|contender| contender.engine(&problem, 2)).into_iter().collect::<Vec<_>>();
        // All the instruction sets, and one thread, have the same bits.
        engines.extend(Isa::available().map(|isa| Contender::fused(isa)[1].engine(&problem, 1)));
        let mut reference = Contender::REFERENCE.engine(&problem, 2);

        let rows = Rows::contiguous(&pixels[..20 * features], features);
        let forward = |engine: &mut dyn Engine| {
            let mut logits = vec![f32::NAN; 20 * 5];
            engine.forward(&rows, &mut logits).unwrap();
            logits
        };
        let (found, exact) = (forward(&mut *engines[1]), forward(&mut *reference));
        for (index, (found, exact)) in found.iter().zip(&exact).enumerate() {
            let bound = bound(rows.row(index / 5), &standardization, &initial[0]);
            prop_assert!(f64::from((found - exact).abs()) <= bound, "logit {}: {} for {}", index, found, exact);
        }

        let order: Vec<u32> = (0..2000).collect();
        let steps = vec![Step { eta: 0.1 / features as f32, lambda: 0.001, momentum: 0.0 }; 20];
        let mut losses = Vec::new();
        for engine in &mut engines {
            for _ in 0..3 {
                engine.train(&samples, Batches { order: &order, size: 100, steps: &steps }).unwrap();
            }
            losses.push(engine.evaluate(&samples).unwrap()[0].loss_sum);
        }
        let (simd, fixed) = (losses[0], losses[1]);
        prop_assert!((fixed - simd).abs() <= 1e-6 * simd, "loss {} where simd has {}", fixed, simd);
        let state = engines[1].state();
        prop_assert!(engines[2..].iter().all(|engine| engine.state() == state), "bits");
        prop_assert!(losses[2..].iter().all(|&loss| loss == fixed), "losses {:?}", losses);
    }
}
