//! An epoch of training and an evaluation of 2,000 synthetic images, on the engines that people train with, on all
//! cores.

use std::num::NonZeroUsize;
use std::thread;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use onelayer::data::{Dataset, Source, SplitFiles};
use onelayer::engine::{Batches, EngineKind, Machine, Problem, Step, Team};
use onelayer::model::{Parameters, Standardization};
use onelayer::objective::Objective;
use onelayer::samples::Element;

/// Images in an epoch, and in a batch of it.
const IMAGES: usize = 2000;
const BATCH: usize = 100;

fn epochs(criterion: &mut Criterion) {
    let dataset =
        Dataset::open(&Source::Synthetic(0), &SplitFiles::default()).expect("the synthetic data set");
    let train = dataset.train.samples().slice(0..IMAGES);
    let standardization = Standardization::measure(&train);
    let initial = [Parameters::random(dataset.classes.len(), train.features(), 0)];
    let order: Vec<u32> = (0..IMAGES as u32).collect();
    let steps = [Step { eta: 0.001, ..Step::default() }; IMAGES / BATCH];
    let objective = &Objective::default();
    let problem =
        Problem { initial: &initial, standardization: &standardization, objective, element: Element::U8 };
    let batches = Batches { order: &order, size: BATCH, steps: &steps };
    for kind in [EngineKind::Simd, EngineKind::Gemm] {
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let team = Team::new(cores).expect("a thread for each core");
        let machine = Machine { engine: kind, isa: None, team };
        let mut engine = machine.engine(&problem).expect("an engine of this machine");
        let info = engine.info();
        let mut group = criterion.benchmark_group(format!("{} {}", info.name, info.isa));
        group.throughput(Throughput::Elements(IMAGES as u64));
        group.bench_function("epoch", |bencher| {
            bencher.iter(|| engine.train(&train, batches).expect("an epoch"));
        });
        group.bench_function("evaluation", |bencher| {
            bencher.iter(|| engine.evaluate(&train).expect("an evaluation"));
        });
        group.finish();
    }
}

criterion_group!(benches, epochs);
criterion_main!(benches);
