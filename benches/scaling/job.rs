//! How cost grows: the lab's job with one of its sizes changed at a time.

use onelayer::bench::roofline::{Budget, Timing};
use onelayer::engine::{Batches, EngineKind, Machine, Problem, Step, Team};
use onelayer::model::{Parameters, Standardization};
use onelayer::objective::Objective;
use onelayer::samples::{Element, Rows, Samples};
use onelayer::train::Order;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;

/// Which size of the job is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// N, images of an epoch.
    Images,
    /// C, classes, or runs x classes above 256.
    Columns,
    /// B, images of a batch.
    Batch,
    /// D, features of an image.
    Features,
    /// Threads.
    Threads,
    /// The order of the images: shuffled.
    Shuffled,
}

impl Axis {
    /// Every axis that has more than one value.
    pub const CURVES: [Self; 5] = [Self::Images, Self::Columns, Self::Batch, Self::Features, Self::Threads];

    /// What the axis counts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Images => "images N",
            Self::Columns => "classes K",
            Self::Batch => "batch B",
            Self::Features => "features D",
            Self::Threads => "threads",
            Self::Shuffled => "shuffled",
        }
    }
}

/// A job: how much of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Job {
    /// N.
    pub images: usize,
    /// D.
    pub features: usize,
    /// K.
    pub classes: usize,
    /// Runs in one pass over the images.
    pub runs: usize,
    /// B.
    pub batch: usize,
    /// Threads.
    pub threads: usize,
    /// Whether each epoch has an order of its own.
    pub shuffled: bool,
}

impl Job {
    /// The lab's job on so many threads.
    pub fn lab(threads: usize) -> Self {
        Self { images: 10_000, features: 3072, classes: 10, runs: 1, batch: 100, threads, shuffled: false }
    }

    /// The job with one of its sizes changed. Where columns or features are more, there are fewer images, so that
    /// an epoch is not more than ten times the lab's.
    pub fn with(self, axis: Axis, value: usize) -> Self {
        match axis {
            Axis::Images => Self { images: value, batch: self.batch.min(value), ..self },
            Axis::Columns => {
                let runs = value.div_ceil(256);
                Self { classes: value / runs, runs, images: (1_000_000 / value).clamp(1000, 10_000), ..self }
            }
            Axis::Batch => Self { batch: value, ..self },
            Axis::Features => {
                Self { features: value, images: (30_720_000 / value).clamp(1000, 50_000), ..self }
            }
            Axis::Threads => Self { threads: value, ..self },
            Axis::Shuffled => Self { shuffled: true, ..self },
        }
    }

    /// C, the columns that a pass computes.
    pub fn columns(&self) -> usize {
        self.runs * self.classes
    }

    /// Times an epoch of training and an evaluation of `samples`, on the engine `simd`.
    ///
    /// # Errors
    /// Threads that the system does not give.
    ///
    /// # Panics
    /// If the samples are not the job's.
    pub fn time(self, samples: &Samples, budget: Budget) -> onelayer::Result<(Timing, Timing)> {
        assert_eq!((samples.len(), samples.features()), (self.images, self.features), "images of the job");
        let team = Team::new(self.threads.try_into().expect("at least one thread"))?;
        let lead = team.handle();
        // What the pixels' statistics are changes nothing about the time.
        let standardization =
            Standardization { mean: vec![0.5; self.features], std: vec![0.25; self.features] };
        let initial = vec![Parameters::random(self.classes, self.features, 0); self.runs];
        let objective = &Objective::default();
        let problem =
            Problem { initial: &initial, standardization: &standardization, objective, element: Element::U8 };
        let mut engine = Machine { engine: EngineKind::Simd, isa: None, team }.engine(&problem)?;
        let steps = vec![Step { eta: 1e-6, ..Step::default() }; self.images.div_ceil(self.batch) * self.runs];
        let kind = if self.shuffled { Order::Shuffled { seed: 0 } } else { Order::Sequential };
        let mut order = vec![0; self.images];
        kind.fill(1, &mut order);
        lead.lead(|| {
            let batches = Batches { order: &order, size: self.batch, steps: &steps };
            let epoch = budget.time(|| engine.train(samples, batches))?;
            let evaluation = budget.time(|| engine.evaluate(samples).map(drop))?;
            Ok((epoch, evaluation))
        })?
    }
}

/// Random pixels and labels, as many as the largest job needs.
pub struct Pool {
    bytes: Vec<u8>,
}

impl Pool {
    /// `bytes` random bytes.
    pub fn new(bytes: usize) -> Self {
        let mut pool = vec![0; bytes];
        Xoshiro256PlusPlus::seed_from_u64(0).fill_bytes(&mut pool);
        Self { bytes: pool }
    }

    /// Calls `work` with a job's images.
    ///
    /// # Panics
    /// If there are not enough bytes.
    pub fn with<R>(&self, job: &Job, work: impl FnOnce(&Samples) -> R) -> R {
        let labels: Vec<u8> =
            self.bytes[..job.images].iter().map(|byte| (usize::from(*byte) % job.classes) as u8).collect();
        let images = Rows::new(&self.bytes, job.images, job.features, job.features);
        work(&Samples::new(images, Rows::contiguous(&labels, 1)))
    }
}
