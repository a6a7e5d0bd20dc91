//! Training that is taken up from a checkpoint ends with the bits of training that never stopped; a file that is not
//! a whole checkpoint is refused.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use onelayer::engine::{EngineKind, Isa, Machine, Team};
use onelayer::samples::{Rows, Samples};
use onelayer::train::{
    Checkpoint, Control, Earlier, End, EpochRecord, Fate, Phase, Run, Schedule, Session, Settings, Splits,
    Which,
};
use onelayer::{Error, Result};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use tempfile::TempDir;

const FEATURES: usize = 37;
const IMAGES: usize = 701;

/// Random images of ten classes.
struct Images {
    pixels: Vec<u8>,
    labels: Vec<u8>,
    classes: Vec<String>,
}

impl Images {
    fn new(seed: u64) -> Self {
        let mut pixels = vec![0; IMAGES * FEATURES];
        Xoshiro256PlusPlus::seed_from_u64(seed).fill_bytes(&mut pixels);
        let labels = (0..IMAGES).map(|image| pixels[image * FEATURES] % 10).collect();
        Self { pixels, labels, classes: (0..10).map(|class| class.to_string()).collect() }
    }

    /// All of them train, and the first 100 validate.
    fn splits(&self) -> Splits<'_> {
        let images = Rows::contiguous(&self.pixels, FEATURES);
        let train = Samples::new(images, Rows::contiguous(&self.labels, 1));
        Splits { validation: train.slice(0..100), train, classes: &self.classes }
    }
}

/// Two runs, whose epochs of 71 batches the session cuts into several slices.
fn runs() -> Vec<Run> {
    let settings =
        Settings { batch: 10, epochs: 5, shuffle: true, seed: 7, evaluate_every: 2, ..Settings::default() };
    let run = |name: &str, eta, lambda| Run {
        name: name.into(),
        settings: Settings { eta, lambda, ..settings.clone() },
    };
    let mut runs = vec![run("a", 0.01, 0.0), run("b", 0.1 + 0.2, 0.01)];
    (runs[1].settings.momentum, runs[1].settings.schedule) = (0.5, Schedule::Step { every: 2, factor: 0.5 });
    runs
}

fn machine(engine: EngineKind, isa: Option<Isa>, threads: usize) -> Machine {
    Machine { engine, isa, team: Team::new(NonZeroUsize::new(threads).unwrap()).unwrap() }
}

/// Stops when it has been asked so many times.
struct After(usize);

impl Control for After {
    fn stop(&mut self) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 == 0
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

#[test]
fn a_resumed_session_has_the_bits_of_one_that_never_stopped() {
    let (images, folder) = (Images::new(3), TempDir::new().unwrap());
    let path = folder.path().join("checkpoint");
    let fused = [EngineKind::Simd, EngineKind::Fixed].into_iter();
    let fused = fused.flat_map(|kind| [None, Some(Isa::Portable)].map(|isa| (kind, isa)));
    for (kind, isa) in fused.chain([(EngineKind::Gemm, None), (EngineKind::Reference, None)]) {
        let mut whole = Session::new(images.splits(), runs(), &machine(kind, isa, 2)).unwrap();
        assert_eq!(whole.run(&mut ()).unwrap(), End::Finished);

        // Stops after every slice, and is taken up by an engine that knows nothing, on other threads.
        let mut resumed = Session::new(images.splits(), runs(), &machine(kind, isa, 1)).unwrap();
        resumed.save_checkpoints(1, |checkpoint| checkpoint.save(&path));
        let mut stops = 0;
        while resumed.run(&mut After(1)).unwrap() == End::Stopped {
            stops += 1;
            let machine = machine(kind, isa, 1 + stops % 3);
            resumed = Session::resume(images.splits(), Checkpoint::load(&path).unwrap(), &machine).unwrap();
            resumed.save_checkpoints(1, |checkpoint| checkpoint.save(&path));
        }
        let name = kind.name();
        assert!(stops > 2 * 5, "{name} stopped within epochs: {stops}");
        for which in [Which::Last, Which::Best] {
            assert_eq!(resumed.models(which), whole.models(which), "{name}, {which:?}");
        }
        assert_eq!(bits(resumed.histories()), bits(whole.histories()), "{name}");
        let finished = Checkpoint::load(&path).unwrap();
        let mut again = Session::resume(images.splits(), finished, &machine(kind, isa, 1)).unwrap();
        assert_eq!(again.run(&mut After(1)).unwrap(), End::Finished, "{name}: nothing is left to train");
        assert_eq!(again.models(Which::Last), whole.models(Which::Last), "{name}");
    }
}

#[test]
fn what_was_trained_but_not_evaluated_is_evaluated_first() {
    let (images, folder) = (Images::new(3), TempDir::new().unwrap());
    let path = folder.path().join("checkpoint");
    let mut runs = runs();
    runs.iter_mut().for_each(|run| (run.settings.batch, run.settings.epochs) = (701, 2));
    let machine = machine(EngineKind::Simd, None, 1);
    let mut session = Session::new(images.splits(), runs, &machine).unwrap();
    session.save_checkpoints(1, |checkpoint| checkpoint.save(&path));
    assert_eq!(session.run(&mut After(2)).unwrap(), End::Stopped);
    let checkpoint = Checkpoint::load(&path).unwrap();
    assert_eq!((checkpoint.reached.epoch, checkpoint.reached.images), (1, IMAGES));
    let mut resumed = Session::resume(images.splits(), checkpoint, &machine).unwrap();
    session.run(&mut ()).unwrap();
    // Nothing that could stop it is trained any more.
    assert_eq!(resumed.run(&mut After(1)).unwrap(), End::Finished);
    assert_eq!(resumed.models(Which::Last), session.models(Which::Last));
    assert_eq!(bits(resumed.histories()), bits(session.histories()));
}

/// A checkpoint after two epochs and a slice.
fn example() -> Checkpoint {
    let (images, folder) = (Images::new(3), TempDir::new().unwrap());
    let path = folder.path().join("checkpoint");
    let mut session =
        Session::new(images.splits(), runs(), &machine(EngineKind::Reference, None, 1)).unwrap();
    session.save_checkpoints(1, |checkpoint| checkpoint.save(&path));
    while session.epoch() < 2 {
        session.run(&mut After(1)).unwrap();
    }
    let checkpoint = Checkpoint::load(&path).unwrap();
    assert!(checkpoint.reached.images > 0 && checkpoint.best.iter().all(Option::is_some));
    checkpoint
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
    saved.save(&path).unwrap();
    assert_eq!(Checkpoint::load(&path).unwrap(), Checkpoint { path: path.clone(), ..saved.clone() });
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
    let magic = b"onelayer checkpoint 5\n";
    for length in [1, 100, u64::MAX, 1 << 40] {
        let bytes = signed([&magic[..], &length.to_le_bytes()].concat());
        assert_refused(
            Checkpoint::from_bytes(Path::new("x"), &bytes),
            &["x: expected", "header that is longer"],
        );
    }
    for header in ["", "{}", "[[[[", "{\"runs\": 1}", &"[".repeat(100_000)] {
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
fn files_that_cannot_be_checkpoints_are_refused_unread() {
    let folder = TempDir::new().unwrap();
    assert_refused(Checkpoint::load(folder.path()), &["expected a checkpoint", "found a folder"]);
    let huge = folder.path().join("huge");
    fs::File::create(&huge).unwrap().set_len(1 << 40).unwrap();
    assert_refused(Checkpoint::load(&huge), &["huge: expected a checkpoint", "1099511627776 bytes"]);
    assert!(matches!(Checkpoint::load(&folder.path().join("none")), Err(Error::Io { .. })));
    #[cfg(target_os = "linux")]
    assert_refused(Checkpoint::load(Path::new("/dev/zero")), &["not a regular file"]);
}

#[test]
fn only_places_that_training_comes_past_fit() {
    let (runs, good) = (runs(), example().reached);
    assert!(good.fits(&runs, IMAGES));
    let record = good.histories[0][0];
    let changes: [fn(&mut onelayer::train::Reached, EpochRecord); 12] = [
        // Its last epoch would have been evaluated.
        |reached, _| reached.phases = vec![phase(1, 1)],
        |reached, _| reached.phases = vec![phase(9, 3)],
        |reached, _| reached.epoch = 3_000_000_000,
        |reached, _| reached.epoch = 4,
        |reached, _| reached.images += 1,
        |reached, _| reached.images = 710,
        |reached, _| reached.histories.truncate(1),
        |reached, _| reached.histories[1].clear(),
        |reached, record| reached.histories[1].push(record),
        |reached, record| reached.histories[0][0] = EpochRecord { epoch: 1, ..record },
        |reached, _| reached.fates.truncate(1),
        |reached, _| reached.fates[0] = Fate::Diverged { epoch: 3 },
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut reached = good.clone();
        change(&mut reached, record);
        assert!(!reached.fits(&runs, IMAGES), "change {number}");
    }
}

#[test]
fn every_other_setting_is_named() {
    let checkpoint = example();
    assert!(checkpoint.clone().go_on_with(runs()).unwrap() == checkpoint);
    let may_change = ["eta", "schedule", "epochs", "iterations"];
    for row in Settings::TABLE.iter().filter(|row| !may_change.contains(&row.name)) {
        let mut runs = runs();
        let settings = &mut runs[1].settings;
        settings.set(row.name, &crate::settings::other(row.name, &settings.get(row.name))).unwrap();
        if runs == checkpoint.runs {
            continue;
        }
        let message = checkpoint.clone().go_on_with(runs).expect_err(row.name).to_string();
        let expected =
            message.starts_with(&format!("{}: expected ", row.name)) && message.contains("resumed");
        assert!(expected, "{}: {message}", row.name);
    }
}

#[test]
fn another_engine_and_other_images_are_refused() {
    let (images, others) = (Images::new(3), Images::new(4));
    let reference = machine(EngineKind::Reference, None, 1);
    let refusal = |splits: Splits, machine: &Machine| {
        Session::resume(splits, example(), machine).err().expect("a refusal").to_string()
    };
    let message = refusal(images.splits(), &machine(EngineKind::Gemm, None, 1));
    assert_eq!(message, "engine: expected reference, as in the run that is resumed, found gemm");
    let message = refusal(others.splits(), &reference);
    assert!(message.contains("expected training images as in the run that is resumed"), "{message}");
    let splits = Splits { validation: images.splits().train.slice(0..99), ..images.splits() };
    assert!(refusal(splits, &reference).contains("expected validation images as in"));
    let mut renamed = Images::new(3);
    renamed.classes[3] = "cat".into();
    assert!(refusal(renamed.splits(), &reference).contains("expected classes as in"));
}

#[test]
fn a_state_of_another_size_is_refused() {
    let images = Images::new(3);
    let mut checkpoint = example();
    checkpoint.states[1].parameters.weight.pop();
    let machine = machine(EngineKind::Reference, None, 1);
    let message = Session::resume(images.splits(), checkpoint, &machine).err().unwrap().to_string();
    assert!(message.contains("bytes for each run"), "{message}");
}

/// A phase of so many epochs that ended after one of them.
fn phase(epochs: usize, epoch: usize) -> Phase {
    let mut runs = runs();
    runs.iter_mut().for_each(|run| run.settings.epochs = epochs);
    Phase { runs, epoch, images: 0 }
}

/// The checkpoint of a session of so many epochs, trained to its end.
fn trained(images: &Images, epochs: usize, path: &Path, machine: &Machine) -> Checkpoint {
    let mut session = Session::new(images.splits(), phase(epochs, 0).runs, machine).unwrap();
    session.save_checkpoints(1, |checkpoint| checkpoint.save(path));
    session.run(&mut ()).unwrap();
    drop(session);
    Checkpoint::load(path).unwrap()
}

#[test]
fn a_session_that_trains_longer_ends_as_one_of_that_length() {
    let (images, folder) = (Images::new(3), TempDir::new().unwrap());
    let (path, machine) = (folder.path().join("checkpoint"), machine(EngineKind::Simd, None, 2));
    let mut whole = Session::new(images.splits(), phase(9, 0).runs, &machine).unwrap();
    whole.run(&mut ()).unwrap();
    let mut checkpoint = trained(&images, 3, &path, &machine);
    for epochs in [5, 9] {
        checkpoint = checkpoint.go_on_with(phase(epochs, 0).runs).unwrap();
        let mut longer = Session::resume(images.splits(), checkpoint, &machine).unwrap();
        longer.save_checkpoints(1, |checkpoint| checkpoint.save(&path));
        // Stopped and resumed once more in the midst of it.
        longer.run(&mut After(3)).unwrap();
        let stopped = Checkpoint::load(&path).unwrap();
        longer = Session::resume(images.splits(), stopped, &machine).unwrap();
        longer.save_checkpoints(1, |checkpoint| checkpoint.save(&path));
        longer.run(&mut ()).unwrap();
        drop(longer);
        checkpoint = Checkpoint::load(&path).unwrap();
    }
    let mut longer = Session::resume(images.splits(), checkpoint, &machine).unwrap();
    assert_eq!(longer.phases(), [phase(3, 3), phase(5, 5)]);
    let parameters = |session: &mut Session| -> Vec<_> {
        session.models(Which::Last).into_iter().map(|model| model.unwrap().parameters).collect()
    };
    assert_eq!(parameters(&mut longer), parameters(&mut whole));
    // The last epoch of each phase is evaluated too.
    let epochs: Vec<usize> = longer.histories()[0].iter().map(|record| record.epoch).collect();
    assert_eq!(epochs, [2, 3, 4, 5, 6, 8, 9]);
    let model = longer.models(Which::Last).swap_remove(1).unwrap();
    let earlier: Vec<Earlier> = serde_json::from_str(&model.metadata["earlier"]).unwrap();
    assert_eq!(
        Earlier::words(&earlier, &longer.runs()[1].settings),
        ["epochs 3 up to epoch 3", "epochs 5 up to epoch 5"]
    );
}

#[test]
fn another_learning_rate_holds_from_there_on() {
    let images = Images::new(3);
    let checkpoint = example();
    let mut runs = runs();
    runs[0].settings.eta = 0.0;
    let machine = machine(EngineKind::Reference, None, 1);
    let before = Session::resume(images.splits(), checkpoint.clone(), &machine).unwrap().models(Which::Last);
    let mut session =
        Session::resume(images.splits(), checkpoint.clone().go_on_with(runs.clone()).unwrap(), &machine)
            .unwrap();
    session.run(&mut ()).unwrap();
    let (after, before) = (session.models(Which::Last), before[0].as_ref().unwrap());
    assert_eq!(
        after[0].as_ref().unwrap().parameters,
        before.parameters,
        "a learning rate of 0 learns nothing"
    );
    let mut whole = Session::new(images.splits(), self::runs(), &machine).unwrap();
    whole.run(&mut ()).unwrap();
    assert_eq!(
        after[1].as_ref().unwrap().parameters,
        whole.models(Which::Last)[1].as_ref().unwrap().parameters
    );
    let [phase] = session.phases() else { panic!("one phase") };
    assert_eq!((phase.epoch, phase.images), (checkpoint.reached.epoch, checkpoint.reached.images));
    assert_eq!(phase.runs, self::runs());

    for (epochs, found) in [(1, "found 1"), (2, "found 2")] {
        runs.iter_mut().for_each(|run| run.settings.epochs = epochs);
        let message = checkpoint.clone().go_on_with(runs.clone()).unwrap_err().to_string();
        assert_eq!(message, format!("epochs: expected 5, or more than the 2 that are finished, {found}"));
    }
}

#[test]
fn a_run_that_diverged_has_its_last_finite_model_when_it_is_resumed() {
    let (images, folder) = (Images::new(3), TempDir::new().unwrap());
    let (path, machine) = (folder.path().join("checkpoint"), machine(EngineKind::Simd, None, 1));
    let mut runs = runs();
    // The cost is finite, and ends far above that of guessing.
    runs[1].settings = Settings { eta: 1e6, lambda: 0.0, ..runs[1].settings.clone() };
    let mut session = Session::new(images.splits(), runs, &machine).unwrap();
    session.save_checkpoints(1, |checkpoint| checkpoint.save(&path));
    session.run(&mut ()).unwrap();
    assert_eq!(session.fates()[1], Fate::Diverged { epoch: 5 });
    assert!(session.models(Which::Last).iter().all(Option::is_some));
    let mut resumed = Session::resume(images.splits(), Checkpoint::load(&path).unwrap(), &machine).unwrap();
    assert_eq!(resumed.fates(), session.fates());
    assert!(resumed.models(Which::Last) == session.models(Which::Last));
}
