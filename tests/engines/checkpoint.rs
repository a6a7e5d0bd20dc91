//! Training that is taken up from a checkpoint ends with the bits of training that never stopped; a file that is not
//! a whole checkpoint is refused.

use std::fs;
use std::path::Path;

use crate::case::{Case, Recipe, Sizes};
use crate::contender::Contender;
use onelayer::Result;
use onelayer::engine::Problem;
use onelayer::model::Parameters;
use onelayer::train::{Checkpoint, Config, EpochRecord, Fingerprint, Progress, Reached, Run, Trainer};
use tempfile::TempDir;

/// An epoch of 71 batches: the trainer cuts it into several slices.
const SIZES: Sizes = Sizes { features: 37, classes: 10, runs: 2, images: 701, batch: 10 };

fn config() -> Config {
    let run = |name: &str, eta, lambda| Run { name: name.into(), eta, lambda };
    Config {
        runs: vec![run("a", 0.01, 0.0), run("b", 0.1 + 0.2, 0.01)],
        batch: SIZES.batch,
        epochs: 5,
        shuffle: true,
        seed: 7,
        evaluate_every: 2,
    }
}

fn fingerprint() -> Fingerprint {
    let sum = |name: &str| name.to_string();
    let classes = vec!["cat".into(), "dog".into()];
    Fingerprint { train: sum("1"), validation: sum("2"), test: sum("3"), classes }
}

fn checkpoint(config: &Config, trainer: &Trainer) -> Checkpoint {
    Checkpoint {
        config: config.clone(),
        every: 1,
        engine: "simd".into(),
        data: fingerprint(),
        reached: trainer.reached().clone(),
        state: trainer.state(),
    }
}

/// Of each record: the epoch, and the bits of its figures.
type Bits = Vec<(usize, [u64; 6])>;

/// Everything in a history but the seconds, bit for bit.
fn bits(histories: &[Vec<EpochRecord>]) -> Bits {
    let of_record = |record: &EpochRecord| {
        let [train, validation] =
            [record.train, record.validation].map(|m| [m.loss, m.cost, m.accuracy].map(f64::to_bits));
        let all = [train, validation].concat();
        (record.epoch, all.try_into().unwrap())
    };
    histories.iter().flatten().map(of_record).collect()
}

/// Trains to the end; after every call of `advance` the training is written down, dropped, and taken up from that by
/// an engine that knows nothing.
fn stopping_everywhere(case: &Case, contender: Contender) -> (Vec<u8>, Bits, usize) {
    let (samples, config, path) = (case.samples(), config(), Path::new("checkpoint"));
    let mut saved: Option<Vec<u8>> = None;
    for stops in 0.. {
        let zeros = vec![Parameters::zeros(SIZES.classes, SIZES.features); SIZES.runs];
        let start = if saved.is_none() { &case.parameters } else { &zeros };
        let mut engine = contender.engine(&Problem { initial: start, ..case.problem() }, 1 + stops % 3);
        let mut trainer = Trainer::new(&mut *engine, &config, &samples, &samples).unwrap();
        if let Some(bytes) = &saved {
            let Checkpoint { reached, state, .. } = Checkpoint::from_bytes(path, bytes).unwrap();
            trainer.resume(reached, &state).unwrap();
        }
        if trainer.advance().unwrap() == Progress::Done {
            return (trainer.state(), bits(trainer.histories()), stops);
        }
        saved = Some(checkpoint(&config, &trainer).to_bytes());
    }
    unreachable!("training ends")
}

#[test]
fn a_resumed_run_has_the_bits_of_one_that_never_stopped() {
    let case = Recipe::new(SIZES, 0.05, 3).case();
    let (samples, config) = (case.samples(), config());
    for contender in Contender::ALL {
        let mut engine = contender.create(&case);
        let mut trainer = Trainer::new(&mut *engine, &config, &samples, &samples).unwrap();
        trainer.run(|_| ()).unwrap();
        let (state, history, stops) = stopping_everywhere(&case, contender);
        assert!(stops > 2 * config.epochs, "{contender:?} stopped within epochs: {stops}");
        assert!(state == trainer.state(), "{contender:?}");
        assert_eq!(history, bits(trainer.histories()), "{contender:?}");
    }
}

/// More images than are evaluated in one slice, of which the reference's evaluation is the sum of both.
#[test]
fn what_was_trained_but_not_evaluated_is_evaluated_first() {
    let sizes = Sizes { features: 3, classes: 2, runs: 1, images: 20_000, batch: 1000 };
    let case = Recipe::new(sizes, 0.05, 3).case();
    let samples = case.samples();
    let config = Config { runs: config().runs[..1].to_vec(), batch: 1000, epochs: 1, ..config() };
    let mut engine = Contender::GEMM.create(&case);
    let mut trainer = Trainer::new(&mut *engine, &config, &samples, &samples).unwrap();
    let begun = trainer.reached().clone();
    trainer.run(|_| ()).unwrap();
    let (state, histories) = (trainer.state(), trainer.histories().to_vec());
    let evaluation = engine.evaluate(&samples).unwrap().swap_remove(0);
    let record = histories[0][0];
    assert_eq!(record.train.accuracy, evaluation.correct() as f64 / 20_000.0);
    assert!((record.validation.loss - evaluation.loss_sum / 20_000.0).abs() < 1e-9);

    let mut other = Contender::GEMM.create(&case);
    let mut trainer = Trainer::new(&mut *other, &config, &samples, &samples).unwrap();
    let trained = Reached { images: sizes.images, ..begun };
    assert!(trained.fits(&config, sizes.images));
    trainer.resume(trained, &state).unwrap();
    trainer.run(|_| ()).unwrap();
    assert!(trainer.state() == state, "it is not trained again");
    assert_eq!(bits(trainer.histories()), bits(&histories));
}

/// A checkpoint after two epochs and a slice.
fn example() -> Checkpoint {
    let case = Recipe::new(SIZES, 0.05, 3).case();
    let (samples, config) = (case.samples(), config());
    let mut engine = Contender::REFERENCE.create(&case);
    let mut trainer = Trainer::new(&mut *engine, &config, &samples, &samples).unwrap();
    while !matches!(trainer.advance().unwrap(), Progress::Evaluated(_)) {}
    let (reached, state) = (trainer.reached().clone(), trainer.state());
    // A new trainer begins with short slices.
    let mut trainer = Trainer::new(&mut *engine, &config, &samples, &samples).unwrap();
    trainer.resume(reached, &state).unwrap();
    assert_eq!(trainer.advance().unwrap(), Progress::Slice);
    checkpoint(&config, &trainer)
}

#[track_caller]
fn assert_refused(result: Result<Checkpoint>, words: &[&str]) {
    let message = result.unwrap_err().to_string();
    assert!(words.iter().all(|word| message.contains(word)), "{words:?} in {message}");
    assert_eq!(message.lines().count(), 1, "{message}");
}

#[test]
fn a_checkpoint_comes_back_as_it_was_saved() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a checkpoint");
    let saved = example();
    assert!(saved.reached.epoch == 2 && saved.reached.images > 0);
    saved.save(&path).unwrap();
    assert_eq!(Checkpoint::load(&path).unwrap(), saved);
    saved.save(&path).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn a_file_that_is_cut_or_changed_anywhere_is_refused() {
    let (path, whole) = (Path::new("file"), example().to_bytes());
    let lengths = (0..200).chain((200..whole.len()).step_by(997)).chain([whole.len() - 1]);
    for length in lengths {
        assert_refused(
            Checkpoint::from_bytes(path, &whole[..length]),
            &["file: expected a whole checkpoint"],
        );
    }
    for place in (0..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x10;
        assert_refused(Checkpoint::from_bytes(path, &bytes), &["file: expected a whole checkpoint, found"]);
    }
    let longer = [&whole[..], b"0"].concat();
    assert_refused(Checkpoint::from_bytes(path, &longer), &["SHA-256"]);
}

/// `bytes` with the SHA-256 that they should end with: what somebody would write who wants to do harm.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend_from_slice(&<sha2::Sha256 as sha2::Digest>::digest(&bytes));
    bytes
}

#[test]
fn headers_that_lie_are_refused() {
    let magic = b"onelayer checkpoint 1\n";
    for length in [1, 100, u64::MAX, 1 << 40] {
        let bytes = signed([&magic[..], &length.to_le_bytes()].concat());
        assert_refused(
            Checkpoint::from_bytes(Path::new("x"), &bytes),
            &["x: expected", "header that is longer"],
        );
    }
    for header in ["", "{}", "[[[[", "{\"config\": 1}", &"[".repeat(100_000)] {
        let length = (header.len() as u64).to_le_bytes();
        let bytes = signed([&magic[..], &length, header.as_bytes()].concat());
        assert_refused(
            Checkpoint::from_bytes(Path::new("x"), &bytes),
            &["x: expected", "header that is none"],
        );
    }
    assert_refused(Checkpoint::from_bytes(Path::new("x"), &signed(magic.to_vec())), &["break off"]);
}

#[test]
fn only_places_that_training_comes_past_fit() {
    let (config, good) = (config(), example().reached);
    assert!(good.fits(&config, SIZES.images));
    let record = good.histories[0][0];
    let changes: [fn(&mut onelayer::train::Reached, EpochRecord); 8] = [
        |reached, _| reached.epoch = 3_000_000_000,
        |reached, _| reached.epoch = 4,
        |reached, _| reached.images += 1,
        |reached, _| reached.images = 710,
        |reached, _| reached.histories.truncate(1),
        |reached, _| reached.histories[1].clear(),
        |reached, record| reached.histories[1].push(record),
        |reached, record| reached.histories[0][0] = EpochRecord { epoch: 1, ..record },
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut reached = good.clone();
        change(&mut reached, record);
        assert!(!reached.fits(&config, SIZES.images), "change {number}");
    }
}

#[test]
fn other_settings_are_named() {
    let checkpoint = example();
    let good = config();
    checkpoint.check_settings(&good, "simd").unwrap();
    let other_run = |eta, lambda| vec![good.runs[0].clone(), Run { name: "b".into(), eta, lambda }];
    for (option, config) in [
        ("--eta", Config { runs: other_run(0.3, 0.01), ..good.clone() }),
        ("--lambda", Config { runs: other_run(0.1 + 0.2, 0.02), ..good.clone() }),
        ("--batch", Config { batch: 11, ..good.clone() }),
        ("--epochs", Config { epochs: 6, ..good.clone() }),
        ("--shuffle", Config { shuffle: false, ..good.clone() }),
        ("--seed", Config { seed: 8, ..good.clone() }),
        ("--evaluate-every", Config { evaluate_every: 1, ..good.clone() }),
    ] {
        let message = checkpoint.check_settings(&config, "simd").unwrap_err().to_string();
        let expected = message.starts_with(&format!("{option}: expected ")) && message.contains("resumed");
        assert!(expected, "{option}: {message}");
    }
    let message = checkpoint.check_settings(&good, "gemm").unwrap_err().to_string();
    assert_eq!(message, "--engine: expected simd, as in the run that is resumed, found gemm");
}

#[test]
fn a_state_of_another_engine_is_refused() {
    let case = Recipe::new(SIZES, 0.05, 3).case();
    let (samples, config, Checkpoint { reached, state, .. }) = (case.samples(), config(), example());
    let mut engine = Contender::GEMM.create(&case);
    let mut trainer = Trainer::new(&mut *engine, &config, &samples, &samples).unwrap();
    assert_eq!(trainer.resume(reached, &state), Err(trainer.state().len()));
}
