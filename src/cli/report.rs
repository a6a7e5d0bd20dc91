//! The report of a pass: what it holds beyond the records of the runs, and where its figures go.

use std::slice;

use super::args::TrainingArgs;
use crate::data::Dataset;
use crate::engine::{Engine, Problem, Team};
use crate::error::Result;
use crate::gradient_check::{Criterion, Examination, Options, Precision};
use crate::machine::MachineRecord;
use crate::model::{Parameters, Standardization};
use crate::objective::Objective;
use crate::report::{self, Contents, RunDetails, RunFolder, TrueClassProbabilities};
use crate::samples::Samples;
use crate::train::{Config, Finished, RunRecord};

/// The images on which the gradient is examined: few enough not to be waited for.
const GRADIENT_IMAGES: usize = 5;

/// What is measured for the report alone, once training is over.
pub(super) struct Extras {
    /// Of each run, on the test split.
    probabilities: Vec<TrueClassProbabilities>,
    gradients: Vec<Criterion>,
}

impl Extras {
    /// What `engine`, which trained the runs of `config`, answers on the test split; and the examination,
    /// where training began, of the gradient of an engine like it, with the largest penalty among the runs.
    pub(super) fn measure(
        engine: &mut dyn Engine,
        team: &mut Team,
        args: &TrainingArgs,
        config: &Config,
        dataset: &Dataset,
        standardization: &Standardization,
    ) -> Result<Self> {
        let train = dataset.train.samples();
        let parameters = Parameters::random(dataset.classes.len(), train.features(), config.seed);
        let examination = Examination {
            samples: &train.slice(0..train.len().min(GRADIENT_IMAGES)),
            standardization,
            parameters: &parameters,
            objective: Objective::default(),
            options: Options::default(),
        };
        let lambda = config.runs.iter().map(|run| run.step().lambda).fold(0.0, f32::max);
        let mut gradients = team.install(|| examination.reference(lambda))??;
        let initial = slice::from_ref(&parameters);
        let problem = Problem { initial, standardization, objective: examination.objective };
        let mut single = args.engine.create(&problem, team.handle())?;
        gradients.push(examination.engine(&mut *single, Precision::of(args.engine.kind()), lambda)?);
        let test = dataset.test.samples();
        let probabilities = probabilities(engine, &test, config.runs.len(), parameters.classes)?;
        Ok(Self { probabilities, gradients })
    }

    /// Writes the report of `records` into `folder`, and each run's figures into its own folder, which lies
    /// within `folder` or is it.
    pub(super) fn write(
        &self,
        folder: &RunFolder,
        records: &[RunRecord],
        finished: &[Finished],
        command: &str,
    ) -> Result<()> {
        let prefix = |record: &RunRecord| match record.out.strip_prefix(folder.path()) {
            Ok(inner) if !inner.as_os_str().is_empty() => format!("{}/", inner.display()),
            _ => String::new(),
        };
        let prefixes: Vec<String> = records.iter().map(prefix).collect();
        let details = |run: usize| RunDetails {
            record: &records[run],
            parameters: &finished[run].parameters,
            confusion: &finished[run].evaluation.confusion,
            probabilities: &self.probabilities[run],
            folder: &prefixes[run],
        };
        let runs: Vec<RunDetails> = (0..records.len()).map(details).collect();
        let machine = &MachineRecord::here().name;
        report::write(folder, &Contents { runs: &runs, gradients: &self.gradients, machine, command })
    }
}

/// How probable each of the engine's runs, of K classes, holds the true classes of `samples`.
fn probabilities(
    engine: &mut dyn Engine,
    samples: &Samples,
    runs: usize,
    classes: usize,
) -> Result<Vec<TrueClassProbabilities>> {
    let mut probabilities = vec![TrueClassProbabilities::default(); runs];
    let mut labels = (0..samples.len()).map(|image| samples.label(image));
    for rows in samples.images() {
        let mut logits = vec![0.0; rows.len() * runs * classes];
        engine.forward(&rows, &mut logits)?;
        for (image, label) in logits.chunks(runs * classes).zip(&mut labels) {
            for (counts, logits) in probabilities.iter_mut().zip(image.chunks(classes)) {
                counts.count(Objective::default(), logits, label);
            }
        }
    }
    Ok(probabilities)
}
