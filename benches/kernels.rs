//! The simd engine's kernels, on every instruction set of this machine that has them, one thread, on one batch of the
//! lab's shape that stays in the caches.

use std::num::NonZeroUsize;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use onelayer::data::{Dataset, Source, SplitFiles};
use onelayer::engine::{Fused, Isa, Problem, Stage, Stages, Step, Team};
use onelayer::model::{Parameters, Standardization};
use onelayer::objective::Objective;
use onelayer::samples::Element;

/// Images in a batch.
const BATCH: usize = 100;
/// How often a stage is done at a time, which begins with what all of them share.
const TIMES: usize = 100;

fn kernels(criterion: &mut Criterion) {
    let dataset =
        Dataset::open(&Source::Synthetic(0), &SplitFiles::default()).expect("the synthetic data set");
    let batch = dataset.train.samples().slice(0..BATCH);
    let standardization = Standardization::measure(&batch);
    let initial = [Parameters::random(dataset.classes.len(), batch.features(), 0)];
    let step = Step::default();
    for isa in Isa::available() {
        let team = Team::new(NonZeroUsize::MIN).expect("a thread");
        let objective = &Objective::default();
        let problem =
            Problem { initial: &initial, standardization: &standardization, objective, element: Element::U8 };
        let engine = Fused::simd(isa, &problem, team);
        let mut stages = Stages::new(engine.expect("an instruction set of this machine"), &batch);
        let mut group = criterion.benchmark_group(isa.name());
        group.throughput(Throughput::Elements((BATCH * TIMES) as u64));
        for (name, stage) in
            [("forward", Stage::Forward), ("softmax", Stage::Softmax), ("backward", Stage::Backward)]
        {
            group.bench_function(name, |bencher| {
                bencher.iter(|| stages.run(stage, TIMES, step).expect("a stage"));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, kernels);
criterion_main!(benches);
