//! Memory: a data set that is mapped from disk stays there.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::num::NonZeroUsize;

use onelayer::data::{Dataset, Source, SplitFiles};
use onelayer::engine::{EngineKind, Machine, Problem, Team};
use onelayer::model::{Parameters, Standardization};
use onelayer::objective::Objective;
use onelayer::train::{Config, Trainer};

/// So many that what they may cost is more than what anything else here does.
const IMAGES: usize = 2_000_000;
const FEATURES: usize = 50;
/// What an image may cost in memory that is no file's.
const BYTES_AN_IMAGE: usize = 8;
/// What comes once, whatever the number of images: stacks, pools, buffers of a batch.
const ONCE: usize = 4 << 20;

/// The header of a NumPy array of unsigned bytes.
fn header(shape: &str) -> Vec<u8> {
    let dictionary = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}");
    let padded = format!("{dictionary:<117}\n");
    [b"\x93NUMPY\x01\x00", (padded.len() as u16).to_le_bytes().as_slice(), padded.as_bytes()].concat()
}

/// Memory of this process that is no file's, in bytes.
fn anonymous() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() << 10
}

#[test]
fn an_image_that_is_mapped_costs_at_most_eight_bytes_of_memory_in_training_and_evaluation() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, images: usize| {
        for (what, shape, bytes) in
            [("images", format!("{images}, {FEATURES}"), FEATURES), ("labels", format!("{images},"), 1)]
        {
            let header = header(&shape);
            let path = folder.path().join(format!("{name}_{what}.npy"));
            fs::write(&path, &header).unwrap();
            // A hole: all zeros, and no disk.
            let file = File::options().write(true).open(&path).unwrap();
            file.set_len((header.len() + images * bytes) as u64).unwrap();
        }
    };
    write("train", IMAGES);
    write("validation", 10);
    write("test", 10);
    fs::write(folder.path().join("classes.txt"), "nothing\nsomething\n").unwrap();

    let before = anonymous();
    let dataset = Dataset::open(&Source::Folder(folder.path().into()), &SplitFiles::default()).unwrap();
    let mut team = Team::new(NonZeroUsize::new(2).unwrap()).unwrap();
    let train = dataset.train.samples();
    let standardization = team.install(|| Standardization::measure(&train)).unwrap();
    let config = Config { batch: 10_000, epochs: 1, shuffle: true, ..Config::lab() };
    let initial = vec![Parameters::random(2, FEATURES, 0); config.runs.len()];
    let objective = Objective::default();
    let problem = Problem { initial: &initial, standardization: &standardization, objective };
    let mut engine = Machine { engine: EngineKind::Auto, isa: None, team }.engine(&problem).unwrap();
    let validation = dataset.validation.samples();
    let mut trainer = Trainer::new(&mut *engine, &config, &train, &validation).unwrap();
    let mut most = 0;
    loop {
        most = most.max(anonymous());
        if matches!(trainer.advance().unwrap(), onelayer::train::Progress::Done) {
            break;
        }
    }
    let grown = most - before;
    println!("{grown} bytes for {IMAGES} images");
    assert!(grown <= ONCE + BYTES_AN_IMAGE * IMAGES, "{grown} bytes");
}
