//! The passes of every instruction set against integers of 64 bits, bit for bit.

use std::num::NonZeroUsize;

use proptest::prelude::*;

use super::backward::Scratch;
use super::dot::{GROUPS, LARGEST, LINE};
use super::outliers::suitability;
use super::passes::{Fixed, passes};
use super::quantize::{Dlogits, Scale, Weights};
use crate::engine::contract::{Engine, Step};
use crate::engine::fused::Fused;
use crate::engine::fused::arithmetic::{Arithmetic, Passes};
use crate::engine::fused::gathered::{Gathered, Images};
use crate::engine::fused::isa::Isa;
use crate::engine::fused::isa::vector::{LANES, Lanes};
use crate::engine::fused::kernels::backward::{Batch, Features};
use crate::engine::fused::kernels::forward::Block;
use crate::engine::fused::kernels::update::ColumnStep;
use crate::engine::fused::layout::{Blocks, Place, row};
use crate::engine::problem::Problem;
use crate::engine::reference::Reference;
use crate::engine::team::Team;
use crate::model::{Parameters, Standardization};
use crate::objective::Objective;
use crate::samples::{Element, Rows, Sample, Values};

/// The scale of the format: the least power of two such that 129/128 of `largest` is below 2^15 times it.
fn scale(largest: f32) -> f32 {
    let mut scale = 2f32.powi(-125);
    while largest * (129.0 / 128.0) >= scale * 32_768.0 {
        scale *= 2.0;
    }
    scale
}

/// The 16-bit numbers of `values`, and their scale.
fn numbers(values: &[f32]) -> (Vec<i64>, f32) {
    let scale = scale(values.iter().fold(0.0, |largest, value| largest.max(value.abs())));
    let numbers: Vec<_> = values.iter().map(|value| (value / scale).round_ties_even() as i64).collect();
    assert!(numbers.iter().all(|number| number.abs() <= LARGEST.into()), "a number that saturates");
    (numbers, scale)
}

/// An integer sum, rounded to f32 as in the passes.
fn exact(sum: i64) -> f32 {
    i32::try_from(sum).expect("a sum within 32 bits") as f32
}

/// The passes on each instruction set of this machine, and those of AVX-VNNI with a model of its instruction.
fn every() -> impl Iterator<Item = (Isa, Box<dyn Passes<Fixed>>)> {
    #[cfg(target_arch = "x86_64")]
    let model = super::passes::model::passes().map(|passes| (Isa::AvxVnni, passes as Box<dyn Passes<Fixed>>));
    #[cfg(not(target_arch = "x86_64"))]
    let model = None;
    Isa::available().map(|isa| (isa, passes(isa) as Box<dyn Passes<Fixed>>)).chain(model)
}

/// A layer, a batch, and its dlogits: `[C, D]`, `[D]`, `[B, D]`, `[B, C]`.
struct Case {
    features: usize,
    columns: usize,
    weight: Vec<f32>,
    mean: Vec<f32>,
    images: Vec<Vec<u8>>,
    dlogits: Vec<f32>,
}

impl Case {
    fn random(features: usize, columns: usize, images: usize, magnitude: f32, seed: u64) -> Self {
        let mut state = seed;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 24) as f32
        };
        let mut signed =
            |count: usize, size: f32| (0..count).map(|_| size * (2.0 * random() - 1.0)).collect();
        let (weight, dlogits) = (signed(columns * features, magnitude), signed(images * columns, 1.0));
        let mean: Vec<f32> = signed(features, 255.0);
        let bytes: Vec<f32> = signed(images * features, 128.0);
        let images = bytes.chunks(features).map(|image| image.iter().map(|x| (x + 128.0) as u8).collect());
        let images: Vec<Vec<u8>> = images.collect();
        Self { features, columns, weight, mean: mean.iter().map(|m| m.abs()).collect(), images, dlogits }
    }

    /// All pixels 255. In two columns all numbers are as large as they get, in the third their limbs, `high * 256 + low`,
    /// are at their ends.
    fn worst(features: usize, images: usize) -> Self {
        let largest = 127 * 256;
        let ends = [
            -largest,
            -126 * 256 - 128,
            -126 * 256 + 127,
            -128,
            -1,
            0,
            1,
            127,
            128,
            126 * 256 + 128,
            largest,
        ];
        let value = |column: usize, index: usize| {
            [largest, -largest, ends[7 * index % ends.len()]][column] as f32 / 32_768.0
        };
        Self {
            features,
            columns: 3,
            weight: (0..3 * features).map(|i| value(i / features, i % features)).collect(),
            mean: vec![0.0; features],
            images: vec![vec![255; features]; images],
            dlogits: (0..3 * images).map(|i| value(i % 3, i / 3)).collect(),
        }
    }

    fn rows(&self) -> impl Iterator<Item = Sample<'_>> {
        self.images.iter().map(|image| Sample { image: Values::Bytes(image), label: 0, weight: 1.0 })
    }

    /// `[groups]`, from a value for each feature.
    fn pack(&self, value: impl Fn(usize) -> f32) -> Vec<Lanes> {
        let mut packed = vec![Lanes::ZERO; Fixed::groups(self.features)];
        for feature in 0..self.features {
            let Place { group, lane } = Fixed::place(feature);
            packed[group].0[lane] = value(feature);
        }
        packed
    }

    /// `[groups][row(C)]`.
    fn packed_weight(&self) -> Vec<Lanes> {
        let column = |c: usize| self.pack(|feature| self.weight[c * self.features + feature]);
        let columns: Vec<_> = (0..self.columns).map(column).collect();
        let groups = 0..columns[0].len();
        let padding = vec![Lanes([f32::NAN; LANES]); row(self.columns) - self.columns];
        let row =
            |group: usize| columns.iter().map(move |column| column[group]).chain(padding.iter().copied());
        groups.flat_map(row).collect()
    }

    fn check_forward(&self) {
        let (expected, mut gathered) = (self.logits(), Gathered::new());
        let (images, _) = gathered.fill(self.rows());
        for (isa, passes) in every() {
            let (mean, weight) = (self.pack(|feature| self.mean[feature]), self.packed_weight());
            let mut logits = vec![Lanes::ZERO; self.images.len().div_ceil(LANES) * self.columns];
            for groups in Blocks::new(mean.len()).iter() {
                let weight = &weight[groups.start * row(self.columns)..groups.end * row(self.columns)];
                let (first, mean) = (groups.start, &mean[groups]);
                let block = Block { first, mean, weight, columns: self.columns, outliers: &[] };
                let mut weights = Weights::default();
                passes.pack(block, &mut weights);
                passes.forward(block, &weights, images, Images::NONE, &mut logits);
            }
            for (i, expected) in expected.chunks(self.columns).enumerate() {
                let group = &logits[i / LANES * self.columns..][..self.columns];
                let found: Vec<f32> = group.iter().map(|lanes| lanes.0[i % LANES]).collect();
                assert_eq!(found, expected, "{isa:?}, image {i}");
            }
        }
    }

    /// `[B, C]`, block by block, in integers.
    fn logits(&self) -> Vec<f32> {
        let mut logits = vec![0.0f32; self.images.len() * self.columns];
        let blocks = Blocks::new(self.features.div_ceil(LANES));
        for (c, weight) in self.weight.chunks(self.features).enumerate() {
            for groups in blocks.iter() {
                let (first, end) = (LANES * groups.start, (LANES * groups.end).min(self.features));
                let weight = &weight[first..end];
                let (numbers, scale) = numbers(weight);
                let mut offset = Lanes::ZERO;
                for line in 0..numbers.len().div_ceil(LINE) {
                    // Each lane adds one feature of each of the four groups of a line, in order.
                    for (group, lane) in
                        (0..GROUPS).flat_map(|group| (0..LANES).map(move |lane| (group, lane)))
                    {
                        let feature = LINE * line + LANES * (lane / 4) + 4 * group + lane % 4;
                        if let Some(&number) = numbers.get(feature) {
                            offset.0[lane] =
                                (-number as f32).mul_add(self.mean[first + feature], offset.0[lane]);
                        }
                    }
                }
                for (image, logits) in self.images.iter().zip(logits.chunks_mut(self.columns)) {
                    let mut sums = [0; LANES];
                    for (feature, (number, &pixel)) in numbers.iter().zip(&image[first..]).enumerate() {
                        sums[feature % LINE / 4] += number * i64::from(pixel);
                    }
                    let total = Lanes(sums.map(exact)).sum() + offset.sum();
                    logits[c] = total.mul_add(scale, logits[c]);
                }
            }
        }
        logits
    }

    fn check_backward(&self) {
        let step = |c| Step { eta: 0.01 / (c + 1) as f32, lambda: 0.005 * c as f32, momentum: 0.0 };
        let steps: Vec<_> = (0..self.columns).map(|c| ColumnStep::new(step(c), 1)).collect();
        let dbias: Vec<f32> = (0..self.columns).map(|c| 0.3 * c as f32 - 1.0).collect();
        let expected = self.stepped(&steps, &dbias);
        for (isa, passes) in every() {
            let mut weight = self.packed_weight();
            let mean = self.pack(|feature| self.mean[feature]);
            let (scale, reciprocal) = (self.pack(|_| 0.5), self.pack(|_| 2.0));
            let mut dlogits = vec![Lanes::ZERO; self.images.len().div_ceil(LANES) * self.columns];
            for (i, image) in self.dlogits.chunks(self.columns).enumerate() {
                for (c, &dlogit) in image.iter().enumerate() {
                    dlogits[i / LANES * self.columns + c].0[i % LANES] = dlogit;
                }
            }
            let (mut gathered, mut quantized) = (Gathered::new(), Dlogits::default());
            passes.quantize(self.columns, &mut dlogits, &mut quantized);
            let (images, _) = gathered.fill(self.rows());
            let batch = Batch { images, dlogits: &dlogits, dbias: &dbias, steps: &steps };
            let features = Features {
                first: 0,
                mean: &mean,
                scale: &scale,
                reciprocal: &reciprocal,
                weight: &mut weight,
                velocity: &mut [],
            };
            passes.backward(&quantized, &mut Scratch::default(), batch, features);
            for (index, &expected) in expected.iter().enumerate() {
                let Place { group, lane } = Fixed::place(index % self.features);
                let found = weight[group * row(self.columns) + index / self.features].0[lane];
                assert_eq!(found, expected, "{isa:?}, weight {index}");
            }
        }
    }

    /// The weights `[C, D]` after a step, with sums in integers, 256 images at a time.
    fn stepped(&self, steps: &[ColumnStep], dbias: &[f32]) -> Vec<f32> {
        let mut weight = self.weight.clone();
        for (c, weight) in weight.chunks_mut(self.features).enumerate() {
            let column: Vec<f32> = self.dlogits.iter().skip(c).step_by(self.columns).copied().collect();
            let (numbers, factor) = numbers(&column);
            for (feature, weight) in weight.iter_mut().enumerate() {
                let block = |(images, numbers): (&[Vec<u8>], &[i64])| {
                    exact(images.iter().zip(numbers).map(|(image, n)| n * i64::from(image[feature])).sum())
                };
                let blocks = self.images.chunks(256).zip(numbers.chunks(256)).map(block);
                let sum = blocks.reduce(|sum, block| sum + block).unwrap();
                let dweight = self.mean[feature].mul_add(-dbias[c], sum * factor);
                let dweight = (2.0 * steps[c].penalty).mul_add(*weight, dweight);
                *weight = dweight.mul_add(0.5 * -steps[c].rate, *weight);
            }
        }
        weight
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_passes_are_exact_on_any_shape(
        features in prop_oneof![1..200usize, 760..780usize, 1500..1600usize],
        columns in 1..14usize,
        images in prop_oneof![1..40usize, 250..270usize],
        exponent in -30..30i32,
        seed: u64,
    ) {
        let case = Case::random(features, columns, images, 2f32.powi(exponent), seed);
        case.check_forward();
        case.check_backward();
    }
}

#[test]
fn both_passes_are_exact_at_the_worst() {
    Case::worst(100_000, 3).check_forward();
    Case::worst(70, 10_000).check_backward();
    Case::random(100_000, 2, 2, 1.0, 1).check_forward();
    Case::random(3, 3, 10_000, 1.0, 1).check_backward();
}

#[test]
fn no_value_saturates_whatever_the_largest() {
    let edges = [0.0, f32::MIN_POSITIVE, 1e-40, 1e-30, 0.992_248, 0.992_249, 1.0, f32::MAX];
    for largest in edges.into_iter().chain((0..2000).map(|i| 1.0 + i as f32 / 2000.0)) {
        let found = Scale::of(largest);
        assert_eq!(
            (found.factor, found.reciprocal),
            (scale(largest.min(1e38)).max(found.factor), 1.0 / found.factor)
        );
        let number = f64::from(largest) * f64::from(found.reciprocal);
        assert!(number.round() <= f64::from(LARGEST), "{largest}: {number}");
        let is_fine = number >= 16_256.0 || largest < 1e-33;
        assert!(is_fine, "{largest} becomes {number}: digits are lost");
    }
}

/// The root of the mean of the squares.
fn size(values: impl ExactSizeIterator<Item = f32>) -> f64 {
    let count = values.len() as f64;
    (values.map(|value| f64::from(value).powi(2)).sum::<f64>() / count).sqrt()
}

#[test]
fn rounding_moves_logits_by_about_as_much_as_is_said() {
    let (images, features, classes) = (200, 1600, 5);
    for spread in [1.0, 2.0, 8.0_f32] {
        let std: Vec<f32> = (0..features).map(|f| 0.25 / spread.powf((f % 97) as f32 / 96.0)).collect();
        // Weights from a seed are normal, and so are pixels.
        let pixels = Parameters::random(images, features, 1).weight;
        let pixel = |(i, x): (usize, &f32)| (127.5 + 100.0 * x * 255.0 * std[i % features]) as u8;
        let pixels: Vec<u8> = pixels.iter().enumerate().map(pixel).collect();
        let initial = &[Parameters::random(classes, features, 0)];
        let standardization = &Standardization { mean: vec![0.5; features], std: std.clone() };
        let objective = &Objective::default();
        let problem = Problem { initial, standardization, objective, element: Element::U8 };
        let rows = Rows::contiguous(&pixels, features);
        let logits = |engine: &mut dyn Engine| {
            let mut logits = vec![0.0; images * classes];
            engine.forward(&rows, &mut logits).unwrap();
            logits
        };
        let exact = logits(&mut Reference::new(&problem));
        let team = Team::new(NonZeroUsize::MIN).unwrap();
        let rounded = logits(&mut Fused::fixed(Isa::fastest(), &problem, team).unwrap());

        let (said, outliers) = suitability(&std);
        let found = size(rounded.iter().zip(&exact).map(|(a, b)| a - b)) / size(exact.iter().copied());
        assert_eq!(outliers, 0);
        assert!((0.2 * said..said).contains(&found), "{spread}: {said} is said, {found} was found");
    }
}
