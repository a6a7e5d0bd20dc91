//! Whatever the settings, a model and its history have the same bits on any number of threads and any instruction set, and
//! where training stopped and was taken up again.
//!
//! `PROPTEST_CASES` says how many settings are drawn; 40 without it.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::LazyLock;

use onelayer::engine::{EngineKind, Isa, Machine, Team};
use onelayer::model::Init;
use onelayer::objective::Loss;
use onelayer::samples::{Rows, Samples};
use onelayer::train::{
    Checkpoint, ClassWeights, Fingerprint, Optimizer, Run, Schedule, Session, Settings, Splits, Which,
};
use proptest::prelude::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Teams of one, two and three threads.
static TEAMS: LazyLock<[Team; 3]> =
    LazyLock::new(|| [1, 2, 3].map(|threads| Team::new(NonZeroUsize::new(threads).unwrap()).unwrap()));

fn machine(engine: EngineKind, isa: Option<Isa>, threads: usize) -> Machine {
    Machine { engine, isa, team: TEAMS[threads - 1].handle() }
}

/// Samples with labels, and the settings of runs to train on them side by side.
#[derive(Debug)]
struct Job {
    features: usize,
    pixels: Vec<u8>,
    /// The same as f32 numbers; empty where bytes are trained on.
    floats: Vec<f32>,
    labels: Vec<u8>,
    classes: Vec<String>,
    runs: Vec<Run>,
}

impl Job {
    fn drawn(seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let pictures = random.random_bool(0.5);
        let near = [1, 16, 64, 256, 320, 768, 800, 1536][random.random_range(0..8)];
        let features = match pictures {
            true => [28 * 28, 3 * 32 * 32][random.random_range(0..2)],
            false => random.random_range(near.max(4) - 3..near + 4),
        };
        let (classes, images) = (random.random_range(2..=12u8), random.random_range(20..60usize));
        let mut pixels = vec![0; images * features];
        random.fill_bytes(&mut pixels);
        let labels = (0..images).map(|_| random.random_range(0..classes)).collect();
        let floats = match !pictures && random.random_bool(0.5) {
            true => pixels.iter().map(|&pixel| f32::from(pixel) / 37.0 - 3.0).collect(),
            false => Vec::new(),
        };
        let settings = settings(&mut random, pictures, classes.into(), images);
        let runs = (0..random.random_range(1..4u64)).map(|number| {
            let mut settings = settings.clone();
            settings.lambda = [0.0, 1e-8, 0.01, 0.3][random.random_range(0..4)];
            if settings.optimizer == Optimizer::Sgd {
                settings.eta *= [1.0, 0.1, 3.0][random.random_range(0..3)];
                settings.momentum = [0.0, 0.5, 0.9][random.random_range(0..3)];
                settings.schedule = schedule(&mut random);
                settings.init = Init::ALL[random.random_range(0..Init::ALL.len())];
                // Runs whose images are drawn at random share a seed.
                let draws = settings.shuffle || settings.flip || settings.shift > 0;
                settings.seed += if draws { 0 } else { number };
            }
            Run { name: format!("{number}"), settings }
        });
        let runs = runs.collect();
        let classes = (0..classes).map(|class| class.to_string()).collect();
        Self { features, pixels, floats, labels, classes, runs }
    }

    fn splits(&self) -> Splits<'_> {
        let rows = match self.floats.is_empty() {
            true => Rows::contiguous(&self.pixels, self.features),
            false => Rows::floats(&self.floats, self.features),
        };
        let all = Samples::new(rows, Rows::contiguous(&self.labels, 1));
        let held_out = all.len() / 4;
        let (validation, train) = (all.slice(0..held_out), all.slice(held_out..all.len()));
        Splits { train, validation, classes: &self.classes }
    }

    /// How long all runs train.
    fn length(&self) -> usize {
        self.runs[0].settings.length()
    }
}

/// What all runs of a job have in common.
fn settings(random: &mut impl Rng, pictures: bool, classes: usize, images: usize) -> Settings {
    let descends = random.random_bool(0.8);
    let mut settings = Settings {
        no_standardize: random.random_bool(0.2),
        mirror: pictures && random.random_bool(0.4),
        evaluate_every: random.random_range(1..3),
        early_stop: random.random_range(0..3),
        best: random.random_bool(0.3),
        ..Settings::default()
    };
    settings.objective = Loss::ALL[random.random_range(0..Loss::ALL.len())];
    settings.class_weights = match random.random_range(0..3) {
        0 => ClassWeights::Equal,
        1 => ClassWeights::Balanced,
        _ => ClassWeights::Listed((0..classes).map(|class| 0.5 + class as f32 / 4.0).collect()),
    };
    if descends {
        settings.eta = 0.01;
        settings.batch = random.random_range(1..=images * 3 / 4);
        settings.epochs = random.random_range(2..5);
        settings.shuffle = random.random_bool(0.5);
        settings.flip = pictures && !settings.mirror && random.random_bool(0.4);
        settings.shift = if pictures && random.random_bool(0.4) { random.random_range(1..4) } else { 0 };
        settings.seed = random.random_range(0..1000);
    } else {
        (settings.optimizer, settings.iterations) = (Optimizer::Lbfgs, random.random_range(2..6));
        if settings.objective == Loss::Hinge {
            settings.objective = Loss::Softmax;
        }
    }
    if settings.objective == Loss::Softmax && random.random_bool(0.3) {
        settings.label_smoothing = 0.1;
    }
    settings
}

fn schedule(random: &mut impl Rng) -> Schedule {
    match random.random_range(0..6) {
        0 => Schedule::Constant,
        1 => Schedule::Linear,
        2 => Schedule::Cosine,
        3 => Schedule::Step { every: 2, factor: 0.3 },
        4 => Schedule::Inverse { epochs: 1.5 },
        _ => Schedule::Cyclic { low: 0.001, epochs: 1.0 },
    }
}

/// All that training leaves, but the seconds.
fn left(mut session: Session) -> String {
    let models = [Which::Last, Which::Best].map(|which| session.models(which));
    let figures = session.histories().iter().flatten();
    let figures: Vec<_> = figures.map(|record| (record.epoch, record.train, record.validation)).collect();
    format!("{models:?} {figures:?} {:?}", session.fates())
}

fn trained(job: &Job, machine: &Machine) -> String {
    let mut session = Session::new(job.splits(), job.runs.clone(), machine).unwrap();
    session.run(&mut ()).unwrap();
    left(session)
}

/// As [`trained`], but stopped after `epochs`, and taken up on another machine.
fn resumed(job: &Job, epochs: usize, machines: [&Machine; 2]) -> String {
    let splits = job.splits();
    let data = Fingerprint::of(&splits.train, &splits.validation, splits.classes);
    let mut session = Session::new(splits.clone(), job.runs.clone(), machines[0]).unwrap();
    session.run_to(epochs, &mut ()).unwrap();
    let bytes = session.checkpoint(1, &data).to_bytes();
    let checkpoint = Checkpoint::from_bytes(Path::new("checkpoint"), &bytes).unwrap();
    let mut session = Session::resume(splits, checkpoint, machines[1]).unwrap();
    session.run(&mut ()).unwrap();
    left(session)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: super::support::cases(40), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_the_settings_the_bits_are_the_same_on_any_machine(seed: u64) {
        let job = Job::drawn(seed);
        let bytes = job.floats.is_empty();
        for kind in [EngineKind::Simd, EngineKind::Fixed].into_iter().filter(|kind| bytes || *kind == EngineKind::Simd) {
            let expected = trained(&job, &machine(kind, Some(Isa::Portable), 1));
            for (isa, threads) in Isa::available().zip([2, 3, 1].into_iter().cycle()) {
                let found = trained(&job, &machine(kind, Some(isa), threads));
                prop_assert!(found == expected, "{kind:?}, {isa:?}, {threads} threads: {:?}", job.runs);
            }
            let stop = 1 + seed as usize % job.length();
            let machines = [&machine(kind, Some(Isa::Portable), 2), &machine(kind, None, 3)];
            let found = resumed(&job, stop, machines);
            prop_assert!(found == expected, "{kind:?}, stopped after {stop}: {:?}", job.runs);
        }
    }
}
