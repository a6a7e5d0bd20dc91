//! Samples that come in portions, and samples that no machine holds whole.

use std::num::NonZeroUsize;

use onelayer::Error;
use onelayer::engine::{EngineKind, Machine, Team};
use onelayer::model::{Model, Standardization};
use onelayer::samples::{Rows, Samples};
use onelayer::train::{Checkpoint, Fingerprint, Prepared, Run, Schedule, Session, Settings, Splits, Which};

const FEATURES: usize = 20;
const IMAGES: usize = 240;

struct Images {
    pixels: Vec<u8>,
    labels: Vec<u8>,
    classes: Vec<String>,
}

impl Images {
    fn new() -> Self {
        let pixels: Vec<u8> = (0..IMAGES * FEATURES).map(|at| (at * at % 251 + at % 5) as u8 / 2).collect();
        let labels = (0..IMAGES).map(|image| u8::from(pixels[image * FEATURES] > 60)).collect();
        Self { pixels, labels, classes: ["a", "b"].map(String::from).into() }
    }

    /// The images of `range`, without any to validate.
    fn splits(&self, range: std::ops::Range<usize>) -> Splits<'_> {
        let images = Rows::contiguous(&self.pixels, FEATURES);
        let train = Samples::new(images, Rows::contiguous(&self.labels, 1)).slice(range);
        Splits { validation: train.slice(0..0), train, classes: &self.classes }
    }
}

fn settings() -> Settings {
    Settings {
        eta: 0.01,
        batch: 20,
        epochs: 6,
        momentum: 0.9,
        shuffle: true,
        schedule: Schedule::Linear,
        evaluate_every: 6,
        ..Settings::default()
    }
}

fn machine(engine: EngineKind) -> Machine {
    Machine { engine, isa: None, team: Team::new(NonZeroUsize::MIN).unwrap() }
}

fn model_of(session: &mut Session) -> Model {
    session.models(Which::Last).swap_remove(0).unwrap()
}

#[test]
fn without_validation_a_run_has_the_same_bits_and_figures_that_are_no_numbers() {
    let images = Images::new();
    let alone = images.splits(0..IMAGES);
    let watched = Splits { validation: alone.train.slice(0..50), ..alone.clone() };
    let [alone, watched] = [alone, watched].map(|splits| {
        let mut session = Session::new(splits, Run::single(settings()), &machine(EngineKind::Simd)).unwrap();
        session.run(&mut ()).unwrap();
        (model_of(&mut session), session.histories()[0][0])
    });
    assert_eq!(alone.0, watched.0);
    assert_eq!(alone.1.train, watched.1.train);
    assert!(alone.1.validation.loss.is_nan() && alone.1.validation.accuracy.is_nan());
}

#[test]
fn an_epoch_is_not_chosen_without_validation() {
    let images = Images::new();
    for (name, settings) in [
        ("best", Settings { best: true, ..settings() }),
        ("early_stop", Settings { early_stop: 2, ..settings() }),
    ] {
        let found = Session::new(images.splits(0..IMAGES), Run::single(settings), &machine(EngineKind::Simd));
        assert!(matches!(found.err(), Some(Error::Setting { name: found, .. }) if found == name));
    }
}

#[test]
fn a_portion_continues_the_model_as_it_is() {
    let images = Images::new();
    let machine = machine(EngineKind::Simd);
    let mut first = Session::new(images.splits(0..100), Run::single(settings()), &machine).unwrap();
    first.run(&mut ()).unwrap();
    let model = model_of(&mut first);
    let still = Run::single(Settings { eta: 0.0, ..settings() });
    let mut next = Session::continuing(images.splits(100..240), still, &model, &machine).unwrap();
    next.run(&mut ()).unwrap();
    let found = model_of(&mut next);
    assert_eq!((&found.parameters, &found.standardization), (&model.parameters, &model.standardization));
    let measured = Standardization::measure(&images.splits(100..240).train);
    assert_ne!(found.standardization, measured);
}

/// Trains `parts` to the end of epoch `until`, each from `checkpoint`.
fn advance(
    images: &Images,
    parts: &[std::ops::Range<usize>],
    checkpoint: Option<&Checkpoint>,
    until: usize,
    machine: &Machine,
) -> Vec<(Checkpoint, f64)> {
    let standardization = Standardization::measure(&images.splits(0..IMAGES).train);
    let nothing = Fingerprint { train: String::new(), validation: String::new(), classes: Vec::new() };
    let part = |part: &std::ops::Range<usize>| {
        let splits = images.splits(part.clone());
        let prepared = Prepared::standardized(splits, &settings(), standardization.clone(), machine).unwrap();
        let mut session = match checkpoint {
            None => Session::on(&prepared, Run::single(settings()), machine).unwrap(),
            Some(checkpoint) => Session::resume_on(&prepared, checkpoint.clone(), machine).unwrap(),
        };
        session.run_to(until, &mut ()).unwrap();
        (session.checkpoint(1, &nothing), part.len() as f64)
    };
    parts.iter().map(part).collect()
}

fn average(parts: &[(Checkpoint, f64)]) -> Checkpoint {
    let parts: Vec<(&Checkpoint, f64)> = parts.iter().map(|(part, weight)| (part, *weight)).collect();
    Checkpoint::average(&parts)
}

#[test]
fn rounds_on_one_part_are_a_session() {
    let images = Images::new();
    for engine in [EngineKind::Simd, EngineKind::Fixed, EngineKind::Gemm, EngineKind::Reference] {
        let machine = machine(engine);
        let mut session = Session::new(images.splits(0..IMAGES), Run::single(settings()), &machine).unwrap();
        session.run(&mut ()).unwrap();
        let whole = 0..IMAGES;
        let mut checkpoint = None;
        for until in [2, 3, 6] {
            let parts = advance(&images, std::slice::from_ref(&whole), checkpoint.as_ref(), until, &machine);
            checkpoint = Some(average(&parts));
        }
        let checkpoint = checkpoint.unwrap();
        let nothing = checkpoint.data.clone();
        assert_eq!(checkpoint.states, session.checkpoint(1, &nothing).states, "{}", engine.name());
    }
}

#[test]
fn the_average_weighs_parts_by_their_samples() {
    let images = Images::new();
    for engine in [EngineKind::Simd, EngineKind::Reference] {
        let machine = machine(engine);
        let parts = advance(&images, &[0..180, 180..240], None, 2, &machine);
        let averaged = average(&parts);
        assert_ne!(parts[0].0.states, parts[1].0.states);
        let parameters = |checkpoint: &Checkpoint| {
            let splits = images.splits(0..180);
            let prepared = Prepared::new(splits, &settings(), &machine).unwrap();
            let mut session = Session::resume_on(&prepared, checkpoint.clone(), &machine).unwrap();
            model_of(&mut session).parameters
        };
        let [one, other, mean] = [&parts[0].0, &parts[1].0, &averaged].map(parameters);
        for ((one, other), mean) in one.weight.iter().zip(&other.weight).zip(&mean.weight) {
            assert!((0.75 * one + 0.25 * other - mean).abs() <= 1e-6 * (one.abs() + other.abs()));
        }
        // It is gone on from, with the velocity.
        let on = advance(&images, &[0..180, 180..240], Some(&averaged), 6, &machine);
        assert_eq!(on[0].0.reached.epoch, 6);
        assert!(averaged.states[0].velocity.is_some());
    }
}
