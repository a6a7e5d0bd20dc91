//! Finished runs to report on, made up.

use onelayer::data::layout::{CLASSES, FEATURES};
use onelayer::engine::{Counts, EngineInfo};
use onelayer::gradient_check::{Criterion, Entry};
use onelayer::model::Parameters;
use onelayer::objective::Objective;
use onelayer::report::{Contents, RunDetails, TrueClassProbabilities};
use onelayer::train::record::{DatasetRecord, Seconds, Status, Throughput};
use onelayer::train::{EpochRecord, EpochSeconds, Metrics, Run, RunRecord};

/// What a report is made from, owned.
pub struct Runs {
    pub records: Vec<RunRecord>,
    pub parameters: Vec<Parameters>,
    pub counts: Vec<Counts>,
    pub probabilities: Vec<TrueClassProbabilities>,
    pub folders: Vec<String>,
    pub gradients: Vec<Criterion>,
}

impl Runs {
    /// The lab's four runs.
    pub fn lab() -> Self {
        let records: Vec<RunRecord> = Run::lab().into_iter().enumerate().map(record).collect();
        let classes = CLASSES.len();
        // Class c is right 50 + c times, and taken for the next class otherwise.
        let confusion = |right: usize| {
            let mut counts = vec![0; classes * classes];
            for class in 0..classes {
                counts[class * classes + class] = (right + class) as u64;
                counts[class * classes + (class + 1) % classes] = (100 - right - class) as u64;
            }
            Counts::of_matrix(counts)
        };
        let logits = [[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]];
        let mut probabilities = TrueClassProbabilities::default();
        logits
            .iter()
            .zip([0, 2])
            .for_each(|(logits, label)| probabilities.count(&Objective::default(), logits, label));
        let criterion = |name: &str, error| Criterion {
            name: name.into(),
            threshold: 1e-6,
            checked: 30_730,
            failed: 0,
            worst: Some(Entry { index: 7, analytic: 0.5, numerical: 0.5, error }),
        };
        Self {
            folders: records.iter().map(|run| format!("{}/", run.name.as_deref().unwrap())).collect(),
            records,
            parameters: (0..4).map(|seed| Parameters::random(classes, FEATURES, seed)).collect(),
            counts: [30, 40, 41, 38].map(confusion).to_vec(),
            probabilities: vec![probabilities; 4],
            gradients: vec![criterion("absolute error", 2e-10), criterion("relative error (Eq. 1)", 3e-7)],
        }
    }

    /// Only the first run, in a folder of its own.
    pub fn one() -> Self {
        let mut runs = Self::lab();
        runs.records.truncate(1);
        runs.records[0].name = None;
        runs.folders[0].clear();
        runs.gradients.clear();
        runs
    }

    /// Calls `see` with what borrows from this.
    pub fn contents<T>(&self, see: impl FnOnce(&Contents) -> T) -> T {
        let details: Vec<RunDetails> = (0..self.records.len())
            .map(|run| RunDetails {
                record: &self.records[run],
                parameters: &self.parameters[run],
                counts: &self.counts[run],
                probabilities: Some(&self.probabilities[run]),
                folder: &self.folders[run],
            })
            .collect();
        see(&Contents {
            runs: &details,
            gradients: &self.gradients,
            machine: "a machine of 2 cores",
            command: "onelayer reproduce --data 'A & B' --seed 0",
        })
    }
}

/// A run whose loss falls, jumping where eta is large.
fn record((run, Run { name, settings }): (usize, Run)) -> RunRecord {
    let metrics = |epoch: usize, offset: f64| {
        let jump = if settings.eta > 0.01 && epoch.is_multiple_of(3) { 1.5 } else { 0.0 };
        let loss = 1.6 + offset + 0.7 / epoch as f64 + jump;
        Metrics {
            top5: None,
            loss,
            cost: loss + settings.lambda / epoch as f64,
            accuracy: 0.45 - offset - 0.1 / epoch as f64,
        }
    };
    let history = (1..=settings.epochs).map(|epoch| EpochRecord {
        epoch,
        train: metrics(epoch, 0.0),
        validation: metrics(epoch, 0.15),
        seconds: EpochSeconds { train: 0.0025, evaluate: 0.003 },
    });
    let dataset = DatasetRecord {
        name: "CIFAR-10".into(),
        path: Some("data/cifar-10-batches-bin".into()),
        train: 10_000,
        validation: 10_000,
        test: 1_000,
        classes: CLASSES.map(String::from).to_vec(),
        files: Default::default(),
    };
    RunRecord {
        name: Some(name),
        status: Status::Done,
        version: "0.1.0".into(),
        date: "2026-11-27T21:00:00Z".into(),
        machine: "a machine of 2 cores".into(),
        earlier: Vec::new(),
        from: None,
        fingerprint: None,
        history: history.collect(),
        ended: None,
        test: metrics(35 + run, 0.1),
        engine: EngineInfo { name: "simd".into(), isa: "avx512".into(), threads: 2, reason: None },
        seconds: Seconds { load: 0.031, train: 0.106, evaluate: 0.133, write: 0.02, total: 0.29 },
        throughput: Throughput::new(40 * dataset.train, FEATURES, 40, 0.106),
        weights_sha256: format!("{run}").repeat(64),
        out: "runs/made-up".into(),
        config: settings,
        dataset,
    }
}
