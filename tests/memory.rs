//! Memory: a data set that is mapped from disk stays there.

#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;

use onelayer::data::{Dataset, Source, SplitFiles};
use onelayer::engine::{EngineKind, Machine, Team};
use onelayer::train::{Control, Run, Session, Settings, Splits};
use support::data_sets::{write_float_holes, write_holes};

/// So many that what they may cost is more than what anything else here does.
const IMAGES: usize = 2_000_000;
const FEATURES: usize = 50;
/// What an image may cost in memory that is no file's.
const BYTES_AN_IMAGE: usize = 8;
/// What comes once, whatever the number of images: stacks, pools, buffers of a batch.
const ONCE: usize = 4 << 20;

/// Memory of this process that is no file's, in bytes.
fn anonymous() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() << 10
}

/// Notes the most memory after each slice of training or evaluation.
struct Watch {
    most: usize,
}

impl Control for Watch {
    fn stop(&mut self) -> bool {
        self.most = self.most.max(anonymous());
        false
    }
}

#[test]
fn an_image_that_is_mapped_costs_at_most_eight_bytes_of_memory_in_training_and_evaluation() {
    let folder = tempfile::tempdir().unwrap();
    for (split, images) in [("train", IMAGES), ("validation", 10), ("test", 10)] {
        write_holes(folder.path(), split, [images, FEATURES], 2);
    }
    let grown = grown_by_training(folder.path(), Run::lab());
    println!("{grown} bytes for {IMAGES} images");
    assert!(grown <= ONCE + BYTES_AN_IMAGE * IMAGES, "{grown} bytes");
}

#[test]
fn floats_that_may_not_fit_into_memory_are_trained_from_the_disk() {
    /// 20 GB of float32.
    const ROWS: [usize; 2] = [2_500_000, 2_000];
    let folder = tempfile::tempdir().unwrap();
    for (split, shape) in [("train", ROWS), ("validation", [10, ROWS[1]]), ("test", [10, ROWS[1]])] {
        write_float_holes(folder.path(), split, shape, 2);
    }
    let runs = Run::single(Settings { no_standardize: true, ..Settings::default() });
    let grown = grown_by_training(folder.path(), runs);
    println!("{grown} bytes for {} rows", ROWS[0]);
    assert!(grown <= 4 * ONCE + BYTES_AN_IMAGE * ROWS[0], "{grown} bytes");
}

/// What an epoch of `runs` on the arrays in `folder`, shuffled, adds to memory that is no file's.
fn grown_by_training(folder: &Path, mut runs: Vec<Run>) -> usize {
    fs::write(folder.join("classes.txt"), "nothing\nsomething\n").unwrap();
    // Memory is the whole process's.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock();
    let before = anonymous();
    let dataset = Dataset::open(&Source::Folder(folder.into()), &SplitFiles::default()).unwrap();
    let team = Team::new(NonZeroUsize::new(2).unwrap()).unwrap();
    let machine = Machine { engine: EngineKind::Simd, isa: None, team };
    for Run { settings, .. } in &mut runs {
        (settings.batch, settings.epochs, settings.shuffle) = (10_000, 1, true);
    }
    let mut session = Session::new(Splits::from(&dataset), runs, &machine).unwrap();
    let mut watch = Watch { most: anonymous() };
    session.run(&mut watch).unwrap();
    watch.most.max(anonymous()) - before
}
