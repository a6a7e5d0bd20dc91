//! Mirror-symmetric weights are training with all flips; flips and shifts are the same on any threads.

use std::num::NonZeroUsize;

use onelayer::data::augmentation::Change;
use onelayer::data::{Augmentation, PictureShape};
use onelayer::engine::{EngineKind, Machine, Team};
use onelayer::gradient_check::{flat, reference_gradient};
use onelayer::model::{Model, Parameters, Standardization};
use onelayer::objective::{Loss, Objective};
use onelayer::samples::{Element, Rows, Samples};
use onelayer::train::{self, Run, Session, Settings, Which, evaluator};
use proptest::prelude::*;

use super::machine;

const SHAPE: PictureShape = PictureShape::CIFAR;
const IMAGES: usize = 40;
const CLASSES: usize = 3;

const MIRROR: Augmentation = Augmentation { shape: SHAPE, mirror: true, flip: false, shift: 0, seed: 0 };
const FLIP: Change = Change { flip: true, ..Change::NONE };

/// Pictures of noise, some pixels of which follow the label.
fn pictures(seed: usize) -> (Vec<u8>, Vec<u8>) {
    let labels: Vec<u8> = (0..IMAGES).map(|image| ((image + seed) % CLASSES) as u8).collect();
    let noise = |i: usize| ((i + 7919 * seed).wrapping_mul(2_654_435_761) >> 11) as u8;
    let pixel = |i: usize| match i % SHAPE.features() {
        0..40 => noise(i) / 2 + 60 * labels[i / SHAPE.features()],
        _ => noise(i),
    };
    ((0..IMAGES * SHAPE.features()).map(pixel).collect(), labels)
}

fn samples<'a>(pixels: &'a [u8], labels: &'a [u8], features: usize) -> Samples<'a> {
    Samples::new(Rows::contiguous(pixels, features), Rows::contiguous(labels, 1))
}

/// Every picture, changed.
fn changed(pixels: &[u8], augmentation: &Augmentation, change: Change) -> Vec<u8> {
    let mut made = vec![0; pixels.len() / SHAPE.features() * augmentation.features()];
    let pictures = pixels.chunks(SHAPE.features()).zip(made.chunks_mut(augmentation.features()));
    pictures.for_each(|(picture, made)| augmentation.apply(change, picture, made));
    made
}

fn trained(settings: &Settings, machine: &Machine) -> Model {
    let ((pixels, labels), classes) = (pictures(1), ["a", "b", "c"].map(String::from));
    let train = samples(&pixels, &labels, SHAPE.features());
    let splits = train::Splits { validation: train.slice(0..10), train, classes: &classes };
    let mut session = Session::new(splits, Run::single(settings.clone()), machine).unwrap();
    session.run(&mut ()).unwrap();
    session.models(Which::Last).swap_remove(0).unwrap()
}

fn settings() -> Settings {
    Settings { eta: 0.0005, momentum: 0.9, batch: 16, epochs: 3, ..Settings::default() }
}

#[test]
fn a_mirrored_model_is_symmetric_and_answers_a_picture_as_its_mirror_image() {
    for kind in [EngineKind::Simd, EngineKind::Fixed, EngineKind::Gemm, EngineKind::Reference] {
        let model = trained(&Settings { mirror: true, ..settings() }, &machine(kind));
        let Model { parameters, standardization, .. } = &model;
        for values in [&parameters.weight, &standardization.mean, &standardization.std] {
            assert!(values.chunks(SHAPE.width).all(|row| row.iter().eq(row.iter().rev())), "to the bit");
        }
        let (pixels, _) = pictures(2);
        let logits = |pixels: &[u8]| {
            let mut logits = vec![f32::NAN; IMAGES * CLASSES];
            let mut engine =
                evaluator(std::slice::from_ref(&model), Element::U8, &machine(EngineKind::Simd)).unwrap();
            engine.forward(&Rows::contiguous(pixels, SHAPE.features()), &mut logits).unwrap();
            logits
        };
        let plain = Augmentation { mirror: false, flip: true, ..MIRROR };
        let (of_picture, of_mirrored) = (logits(&pixels), logits(&changed(&pixels, &plain, FLIP)));
        for (a, b) in of_picture.iter().zip(&of_mirrored) {
            assert!((a - b).abs() <= 1e-5 * (1.0 + a.abs()), "{a} and {b}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    /// Pixels are even, so that folding rounds nothing.
    #[test]
    fn the_gradient_with_all_flips_at_symmetric_weights_is_the_folded_gradient(
        seed in 0..1000usize, loss in prop::sample::select(Loss::ALL.to_vec()), lambda in 0.0..1.0f32,
    ) {
        let (pixels, labels) = pictures(seed);
        let pixels: Vec<u8> = pixels.iter().map(|pixel| pixel & !1).collect();
        let plain = Augmentation { mirror: false, flip: true, ..MIRROR };
        let both = [pixels.clone(), changed(&pixels, &plain, FLIP)].concat();
        let folded = changed(&pixels, &MIRROR, Change::NONE);
        let standardization = Standardization::measure(&samples(&folded, &labels, MIRROR.features()));
        let parameters = Parameters::random(CLASSES, MIRROR.features(), seed as u64);
        let objective = Objective::from(loss);

        let twice = labels.repeat(2);
        let all = reference_gradient(
            &MIRROR.unfold(&parameters), &MIRROR.unfold_standardization(&standardization), &objective,
            &samples(&both, &twice, SHAPE.features()), 0.0,
        ).unwrap();
        let folded = samples(&folded, &labels, MIRROR.features());
        let found = reference_gradient(&parameters, &standardization, &objective, &folded, lambda).unwrap();
        // W_j = W_j' = W_f / 2, so dJ/dW_f is the mean of the two; the penalty is on W_f.
        let (weights, values) = (CLASSES * MIRROR.features(), flat(&parameters));
        let row = |index: usize| (index / (SHAPE.width / 2), index % (SHAPE.width / 2));
        for (index, found) in found.iter().enumerate() {
            let expected = if index < weights {
                let (row, x) = row(index);
                let of = |x: usize| all[row * SHAPE.width + x];
                (of(x) + of(SHAPE.width - 1 - x)) / 2.0 + 2.0 * f64::from(lambda) * values[index]
            } else {
                all[CLASSES * SHAPE.features() + index - weights]
            };
            // Mean and deviation are rounded to f32 alike; gradients are read off a step.
            prop_assert!((found - expected).abs() <= 1e-9, "{}: {} for {}", index, found, expected);
        }
    }
}

#[test]
fn flips_and_shifts_are_the_same_bits_on_any_threads() {
    let settings = Settings { flip: true, shift: 2, shuffle: true, seed: 3, ..settings() };
    let mirror = Settings { flip: false, mirror: true, ..settings.clone() };
    for (kind, settings) in [EngineKind::Simd, EngineKind::Fixed]
        .into_iter()
        .flat_map(|kind| [(kind, &settings), (kind, &mirror)])
    {
        let of_threads = |threads| {
            let team = Team::new(NonZeroUsize::new(threads).unwrap()).unwrap();
            trained(settings, &Machine { engine: kind, isa: None, team })
        };
        let one = of_threads(1);
        for threads in [2, 3] {
            assert!(of_threads(threads) == one, "{kind:?} on {threads} threads");
        }
        let plain = Settings { flip: false, shift: 0, ..settings.clone() };
        assert_ne!(trained(&plain, &machine(kind)).parameters, one.parameters, "they do something");
    }
}

#[test]
fn what_cannot_go_together_is_refused_in_one_line() {
    let ((pixels, labels), classes) = (pictures(1), ["a", "b", "c"].map(String::from));
    let pictures = samples(&pixels, &labels, SHAPE.features());
    let other = samples(&pixels[..IMAGES * 70], &labels, 70);
    let floats = vec![0.5; IMAGES * SHAPE.features()];
    let floats = Samples::new(Rows::floats(&floats, SHAPE.features()), Rows::contiguous(&labels, 1));
    type Change = fn(&mut Settings);
    let cases: [(&Samples, Change, &str); 9] = [
        (&pictures, |s| (s.mirror, s.flip) = (true, true), "flip: expected one of mirror and flip"),
        (&pictures, |s| s.shift = 32, "shift: expected at most 31"),
        (&other, |s| s.mirror = true, "mirror: expected pictures"),
        (&other, |s| s.shift = 1, "shift: expected pictures"),
        (&floats, |s| s.flip = true, "flip: expected pictures of bytes"),
        (
            &pictures,
            |s| (s.label_smoothing, s.objective) = (0.1, Loss::Hinge),
            "label_smoothing: expected 0 with",
        ),
        (&pictures, |s| s.set("class_weights", "1,2").unwrap(), "class_weights: expected 3 numbers"),
        (&pictures, |s| s.momentum = 1.0, "momentum: expected a number from 0 to below 1"),
        (&pictures, |s| s.label_smoothing = -0.1, "label_smoothing: expected a number from 0"),
    ];
    for (train, change, expected) in cases {
        let mut settings = settings();
        change(&mut settings);
        let message = settings.check(train, classes.len()).unwrap_err().to_string();
        assert!(message.starts_with(expected) && !message.contains('\n'), "{message}");
    }
}
