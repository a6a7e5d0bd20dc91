//! The report of a pass: what it holds beyond the records of the runs, and where its figures go.

use std::slice;

use super::inputs::Inputs;
use crate::engine::{EngineKind, Evaluation, Machine, Problem};
use crate::error::Result;
use crate::files::RunFolder;
use crate::gradient_check::{Criterion, Examination, Given, Options, Precision};
use crate::machine::MachineRecord;
use crate::model::Model;
use crate::report::{self, Contents, RunDetails, TrueClassProbabilities};
use crate::samples::Rows;
use crate::train::{Metrics, Run, RunRecord, evaluator};

/// The images on which the gradient is examined: few enough not to be waited for.
const GRADIENT_IMAGES: usize = 5;
/// How many logits the examination may compute for each image: K for each parameter that it moves. All parameters of a
/// model of CIFAR-10 are fewer; of one of CIFAR-100, it takes 3,200 of 307,300.
const GRADIENT_LOGITS: usize = 320_000;

/// A trained model, and what it reaches on the test split.
pub(super) struct Test {
    pub(super) model: Model,
    pub(super) metrics: Metrics,
    pub(super) evaluation: Evaluation,
}

/// What is measured for the report alone, once training is over.
pub(super) struct Extras {
    /// Of each run, on the test split.
    /// None where scores are no probabilities.
    probabilities: Option<Vec<TrueClassProbabilities>>,
    gradients: Vec<Criterion>,
}

impl Extras {
    /// What the models of `tests` answer on the test split; and the examination, where training began, of the
    /// gradient of the engine that trained, with the largest penalty among the runs. `progress` is told what is
    /// being measured.
    pub(super) fn measure(
        tests: &[Option<Test>],
        engine: EngineKind,
        inputs: &Inputs,
        runs: &[Run],
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self> {
        progress("checking the gradient");
        let Inputs { machine, dataset, .. } = inputs;
        let models: Vec<Model> = tests.iter().flatten().map(|test| test.model.clone()).collect();
        let (train, Model { standardization, objective, .. }) = (dataset.train.samples(), &models[0]);
        let parameters = runs[0].settings.initial(dataset.classes.len(), train.features());
        let few = train.slice(0..train.len().min(GRADIENT_IMAGES));
        let given = machine.team.handle().install(|| Given::new(few, standardization, engine))??;
        let (few, standardization) = (given.samples(), given.standardization());
        let examination = Examination {
            samples: &few,
            standardization,
            parameters: &parameters,
            objective,
            options: Options::default(),
            most: GRADIENT_LOGITS / dataset.classes.len(),
        };
        let lambda = runs.iter().map(|run| run.settings.lambda as f32).fold(0.0, f32::max);
        let mut gradients = machine.team.handle().install(|| examination.reference(lambda))??;
        let (initial, element) = (slice::from_ref(&parameters), few.element());
        let trainer = Machine { engine, team: machine.team.handle(), ..*machine };
        let mut single = trainer.engine(&Problem { initial, standardization, objective, element })?;
        gradients.push(examination.engine(&mut *single, Precision::of(engine), lambda)?);
        progress("measuring probabilities");
        let mut evaluator = evaluator(&models, train.element(), machine)?;
        let shape = (models.len(), parameters.classes);
        let forward = |rows: &Rows, logits: &mut [f32]| evaluator.forward(rows, logits);
        let probabilities = TrueClassProbabilities::of(&dataset.test.samples(), shape, objective, forward)?;
        Ok(Self { probabilities, gradients })
    }

    /// Writes the report of `records` into `folder`, and each run's figures into its own folder, which lies
    /// within `folder` or is it.
    pub(super) fn write(
        &self,
        folder: &RunFolder,
        records: &[RunRecord],
        tests: &[Option<Test>],
        command: &str,
    ) -> Result<()> {
        let prefix = |record: &RunRecord| match record.out.strip_prefix(folder.path()) {
            Ok(inner) if !inner.as_os_str().is_empty() => format!("{}/", inner.display()),
            _ => String::new(),
        };
        let prefixes: Vec<String> = records.iter().map(prefix).collect();
        let tested = records.iter().zip(tests).zip(&prefixes);
        let tested = tested.filter_map(|((record, test), folder)| Some((record, test.as_ref()?, folder)));
        let runs: Vec<RunDetails> = tested
            .enumerate()
            .map(|(tested, (record, test, folder))| RunDetails {
                record,
                parameters: &test.model.parameters,
                counts: &test.evaluation.counts,
                probabilities: self.probabilities.as_ref().map(|of_runs| &of_runs[tested]),
                folder,
            })
            .collect();
        let machine = &MachineRecord::here().name;
        report::write(folder, &Contents { runs: &runs, gradients: &self.gradients, machine, command })
    }
}
