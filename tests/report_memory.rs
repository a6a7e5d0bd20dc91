//! Memory: what the report measures takes no more of it for more images.

#![cfg(target_os = "linux")]

use std::fs;
use std::num::NonZeroUsize;

use onelayer::engine::{EngineKind, Machine, Problem, Team};
use onelayer::model::{Parameters, Standardization};
use onelayer::objective::Objective;
use onelayer::report::TrueClassProbabilities;
use onelayer::samples::{Element, Rows, Samples};

const IMAGES: usize = 50_000;
const FEATURES: usize = 4;
const CLASSES: usize = 100;
const RUNS: usize = 4;
/// What it may take, whatever the number of images. All logits of these images at once are five times as much.
const MOST: usize = 16 << 20;

/// The largest memory that this process has had so far, in bytes.
fn largest() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() << 10
}

#[test]
fn the_probabilities_of_many_images_take_the_memory_of_a_few_thousand() {
    let pixels: Vec<u8> = (0..IMAGES * FEATURES).map(|index| ((index * 37) >> 3) as u8).collect();
    let labels: Vec<u8> = (0..IMAGES).map(|image| (image % CLASSES) as u8).collect();
    let samples = Samples::new(Rows::contiguous(&pixels, FEATURES), Rows::contiguous(&labels, 1));
    let initial: Vec<_> = (0..RUNS as u64).map(|seed| Parameters::random(CLASSES, FEATURES, seed)).collect();
    let standardization = Standardization { mean: vec![0.5; FEATURES], std: vec![0.25; FEATURES] };
    let objective = &Objective::default();
    let problem =
        Problem { initial: &initial, standardization: &standardization, objective, element: Element::U8 };
    let team = Team::new(NonZeroUsize::new(2).unwrap()).unwrap();
    let mut engine = Machine { engine: EngineKind::Auto, isa: None, team }.engine(&problem).unwrap();

    let before = largest();
    let forward = |rows: &Rows, logits: &mut [f32]| engine.forward(rows, logits);
    let counts = TrueClassProbabilities::of(&samples, (RUNS, CLASSES), objective, forward).unwrap();
    let counts = counts.expect("softmax has probabilities");
    let grown = largest() - before;
    assert!(grown <= MOST, "{grown} bytes");
    for counts in counts {
        let counted: u64 = counts.right.iter().chain(&counts.wrong).sum();
        assert_eq!(counted, IMAGES as u64, "every image once");
    }
}
