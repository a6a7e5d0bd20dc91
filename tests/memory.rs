//! Memory: a data set that is mapped from disk stays there.

#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::num::NonZeroUsize;

use onelayer::data::{Dataset, Source, SplitFiles};
use onelayer::engine::{EngineKind, Machine, Team};
use onelayer::train::{Control, Run, Session, Splits};
use support::data_sets::write_holes;

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
    fs::write(folder.path().join("classes.txt"), "nothing\nsomething\n").unwrap();

    let before = anonymous();
    let dataset = Dataset::open(&Source::Folder(folder.path().into()), &SplitFiles::default()).unwrap();
    let team = Team::new(NonZeroUsize::new(2).unwrap()).unwrap();
    let machine = Machine { engine: EngineKind::Auto, isa: None, team };
    let mut runs = Run::lab();
    for Run { settings, .. } in &mut runs {
        (settings.batch, settings.epochs, settings.shuffle) = (10_000, 1, true);
    }
    let mut session = Session::new(Splits::from(&dataset), runs, &machine).unwrap();
    let mut watch = Watch { most: anonymous() };
    session.run(&mut watch).unwrap();
    let most = watch.most.max(anonymous());
    let grown = most - before;
    println!("{grown} bytes for {IMAGES} images");
    assert!(grown <= ONCE + BYTES_AN_IMAGE * IMAGES, "{grown} bytes");
}
