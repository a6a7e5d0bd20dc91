//! The tasks that are timed: kernels, an evaluation, a full gradient, an epoch, and whole trainings. Each has its result
//! checked, and knows how much work it is, where that can be told beforehand.

use super::contender::Contender;
use super::oracle::Oracle;
use super::record::{Measurement, Rates};
use super::roofline::{Budget, Numbers, Roofline, Timing, Work};
use super::trainings;
use super::workload::Workload;
use crate::engine::{Batches, Engine, EngineInfo, EngineKind, Stage, Stages, Step, Team};
use crate::error::Result;

/// Floating-point operations from a logit to its gradient, or to its loss. Most of them evaluate the polynomial of the
/// exponential function.
const SOFTMAX_FLOPS: f64 = 30.0;

/// Something to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// A stage of a training step, on the same batch, as many times as an epoch has batches.
    Stage(Stage),
    /// The evaluation of the training split.
    Evaluation,
    /// The loss of the training split and its gradient: what L-BFGS asks for before each step.
    Gradient,
    /// An epoch of training.
    Epoch,
    /// The lab's run: all epochs, and the evaluation of both splits after each.
    Run,
    /// L-BFGS with the penalty of the lab's third run, from zeros to within 1e-4 of the smallest cost.
    Optimum,
    /// From the files to a saved model that is as good on test as that of the lab's run.
    Accuracy,
}

impl Task {
    /// Every task, from the smallest to the largest.
    pub const ALL: [Self; 9] = [
        Self::Stage(Stage::Forward),
        Self::Stage(Stage::Softmax),
        Self::Stage(Stage::Backward),
        Self::Evaluation,
        Self::Gradient,
        Self::Epoch,
        Self::Run,
        Self::Optimum,
        Self::Accuracy,
    ];

    /// Its name in tables and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stage(Stage::Forward) => "forward",
            Self::Stage(Stage::Softmax) => "softmax",
            Self::Stage(Stage::Backward) => "backward",
            Self::Evaluation => "evaluation",
            Self::Gradient => "gradient",
            Self::Epoch => "epoch",
            Self::Run => "run",
            Self::Optimum => "optimum",
            Self::Accuracy => "accuracy",
        }
    }

    /// Whether it is a whole training.
    pub fn is_training(self) -> bool {
        matches!(self, Self::Run | Self::Optimum | Self::Accuracy)
    }

    /// Checks the result of `contender`, and times it. None for a stage that its engine does not have, and where a
    /// training has no place: [`trainings`]. Fails with [`Error::Incorrect`](crate::error::Error::Incorrect), or with
    /// what the engine fails with.
    pub fn measure(
        self,
        contender: Contender,
        team: &Team,
        workload: &Workload,
        oracle: &mut Oracle,
        budget: Budget,
    ) -> Result<Option<(EngineInfo, Timing)>> {
        let machine = contender.machine(team.handle());
        let mut engine = machine.engine(&workload.problem())?;
        let info = engine.info();
        let what = format!("{} on {} ({}), {} threads", self.name(), info.name, info.isa, info.threads);
        let train = &workload.splits.train;
        let timing = match self {
            Self::Stage(stage) => {
                let Some(staged) = contender.staged(workload, team.handle())? else { return Ok(None) };
                oracle.forward(&what, contender.kind, &mut *engine)?;
                let stages = Stages::new(staged, &train.slice(0..workload.settings.batch));
                Some(time_stage(stage, stages, oracle, &what, budget)?)
            }
            Self::Evaluation => Some(budget.time(|| {
                let found = engine.evaluate(train)?;
                oracle.evaluation(&what, &found[0])
            })?),
            Self::Gradient => Some(budget.time(|| {
                let at = std::slice::from_ref(&workload.initial);
                let found = engine.gradient(train, at, &mut || false)?;
                oracle.gradient(&what, &found.expect("nobody stops it")[0])
            })?),
            Self::Epoch => Some(time_epoch(&mut *engine, workload, oracle, &what, budget)?),
            Self::Run => Some(trainings::time_run(&machine, workload, oracle, &what, budget)?),
            Self::Optimum => trainings::time_optimum(&machine, workload, oracle, &what, budget)?,
            Self::Accuracy => trainings::time_accuracy(&machine, workload, &what, budget)?,
        };
        Ok(timing.map(|timing| (info, timing)))
    }

    /// How many images pass through it: of a training that ends by what it reaches, those that it is trained on.
    pub fn images(self, workload: &Workload) -> usize {
        let train = workload.splits.train.len();
        match self {
            Self::Stage(_) => train / workload.settings.batch * workload.settings.batch,
            Self::Evaluation | Self::Gradient | Self::Epoch | Self::Optimum | Self::Accuracy => train,
            // Evaluation is not counted, so that images a second are those of training, as elsewhere.
            Self::Run => workload.settings.epochs * train,
        }
    }

    /// Its floating-point operations, the bytes that it reads, and the memory that holds these; none of a training that
    /// ends by what it reaches.
    pub fn work(self, workload: &Workload, roofline: &Roofline, threads: usize) -> Option<Work> {
        let (features, classes) = (workload.initial.features, workload.initial.classes);
        let train = workload.splits.train.len();
        let images = self.images(workload) as f64;
        // A multiplication and an addition for each weight: forward, and again backward.
        let pass = 2.0 * (features * classes) as f64;
        let row = features * workload.splits.train.element().size();
        let data = (train * row, images * row as f64);
        let batch = workload.settings.batch * row;
        let (flops, (held, bytes)) = match self {
            Self::Stage(Stage::Softmax) => {
                let parts = classes * Stages::partial_logits(features, threads);
                let partials = (size_of::<f32>() * parts) as f64;
                // Every thread adds up all of them for itself.
                let held = (workload.settings.batch as f64 * partials) as usize * threads;
                (images * classes as f64 * SOFTMAX_FLOPS, (held, images * partials))
            }
            Self::Stage(_) => (images * pass, (batch, data.1)),
            Self::Evaluation => (images * pass, data),
            Self::Gradient | Self::Epoch => (2.0 * images * pass, data),
            Self::Run => {
                let both = train + workload.splits.validation.len();
                let evaluated = (workload.settings.epochs * both) as f64;
                let bytes = (images + evaluated) * row as f64;
                ((2.0 * images + evaluated) * pass, (both * row, bytes))
            }
            Self::Optimum | Self::Accuracy => return None,
        };
        Some(Work { flops, bytes, level: roofline.caches.holding(held, threads) })
    }

    /// The measurement that `seconds` makes, of an engine of `kind`.
    pub fn measurement(
        self,
        kind: EngineKind,
        engine: EngineInfo,
        seconds: Timing,
        workload: &Workload,
        roofline: &Roofline,
    ) -> Measurement {
        let images = self.images(workload);
        let work = self.work(workload, roofline, engine.threads);
        // The reference computes in f64. The softmax is f32 in every engine.
        let numbers = match kind {
            EngineKind::Simd | EngineKind::Gemm => Some(Numbers::F32),
            EngineKind::Fixed if self == Self::Stage(Stage::Softmax) => Some(Numbers::F32),
            EngineKind::Fixed => Some(Numbers::Fixed),
            EngineKind::Reference | EngineKind::Auto => None,
        };
        let rates = work.map(|work| Rates {
            images_per_second: images as f64 / seconds.median,
            gflops: work.flops / seconds.median / 1e9,
            gigabytes_per_second: work.bytes / seconds.median / 1e9,
            intensity: work.flops / work.bytes,
        });
        let bound = numbers
            .zip(work)
            .and_then(|(numbers, work)| roofline.bound(work, numbers, &engine.isa, engine.threads));
        Measurement {
            task: self.name().into(),
            images,
            rates,
            bound: bound.map(|(_, limit)| limit),
            of_bound: bound.map(|(least, _)| least / seconds.median),
            engine,
            seconds,
        }
    }
}

/// Checks that forward, softmax and backward are a step of training, then times the one stage.
fn time_stage(
    stage: Stage,
    mut stages: Stages,
    oracle: &Oracle,
    what: &str,
    budget: Budget,
) -> Result<Timing> {
    let workload = oracle.workload;
    let step = workload.step();
    for stage in [Stage::Forward, Stage::Softmax, Stage::Backward] {
        stages.run(stage, 1, step)?;
    }
    oracle.step(what, &stages.engine().parameters()[0].weight)?;
    // A learning rate of 0 takes the same time, and leaves the weights as they are.
    let times = workload.splits.train.len() / workload.settings.batch;
    budget.time(|| stages.run(stage, times, Step { eta: 0.0, ..step }))
}

/// Checks the parameters after the first epoch, then times the epochs that follow.
fn time_epoch(
    engine: &mut dyn Engine,
    workload: &Workload,
    oracle: &Oracle,
    what: &str,
    budget: Budget,
) -> Result<Timing> {
    let (order, steps) = (workload.order(), workload.steps());
    let batches = Batches { order: &order, size: workload.settings.batch, steps: &steps };
    engine.train(&workload.splits.train, batches)?;
    oracle.epoch(what, &engine.parameters()[0])?;
    budget.time(|| engine.train(&workload.splits.train, batches))
}
