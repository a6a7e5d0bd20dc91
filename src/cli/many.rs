//! Many runs that need not be trained side by side: in groups, each by a thread of its own, and all tested.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use super::console::Progress;
use super::inputs::Inputs;
use super::signals::Signals;
use crate::engine::{Crew, EngineInfo, Evaluation, Machine, Team};
use crate::error::{Error, Result};
use crate::machine::Caches;
use crate::model::{Model, Parameters};
use crate::sweep::Images;
use crate::train::groups::{groups, share_out};
use crate::train::{Control, End, EpochRecord, Metrics, Run, Session, Which, evaluate, evaluator};

/// What became of a run.
pub(super) struct Trained {
    pub(super) run: Run,
    /// What it reached, epoch by epoch.
    pub(super) history: Vec<EpochRecord>,
    /// None where it diverged.
    pub(super) test: Option<Tested>,
    /// The seconds of training, on one thread: the run's share of its group's.
    pub(super) seconds: f64,
}

/// A model, and what it reaches on the test split.
pub(super) struct Tested {
    pub(super) model: Model,
    pub(super) metrics: Metrics,
}

/// Trains `runs` on the images of `inputs`, and tests their models. In the order of the runs; and what trained them.
///
/// # Errors
/// A setting that cannot be used, what an engine fails with, and a signal.
pub(super) fn train(
    inputs: &Inputs,
    runs: &[Run],
    progress: &Progress,
) -> Result<(Vec<Trained>, EngineInfo)> {
    let Inputs { machine, .. } = inputs;
    let images = Images::new(&inputs.splits(), runs.iter().map(|run| &run.settings), machine)?;
    let threads = NonZeroUsize::new(machine.team.threads()).expect("a team has a thread");
    let caches = Caches::detect();
    let groups = groups(runs, |settings| images.side_by_side(settings, &caches), threads.get());
    let progress = Mutex::new(progress);
    let work = |group: Vec<usize>, team: &Team| {
        let of_group: Vec<Run> = group.iter().map(|&run| runs[run].clone()).collect();
        let one = Machine { engine: machine.engine, isa: machine.isa, team: team.handle() };
        let mut session = Session::on(images.of(&of_group[0].settings), of_group, &one)?;
        let mut watch = Watch { signals: &inputs.signals, progress: &progress, runs: group.len() };
        if session.run(&mut watch)? == End::Stopped {
            return Err(interrupted(inputs));
        }
        let seconds = session.seconds().train / group.len() as f64;
        let models = session.models(Which::Wanted).into_iter().zip(session.fates());
        let models: Vec<Option<Model>> =
            models.map(|(model, fate)| model.filter(|_| !fate.is_diverged())).collect();
        Ok((group, models, session.histories().to_vec(), seconds, session.engine()))
    };
    let teams = NonZeroUsize::new(groups.len()).unwrap_or(NonZeroUsize::MIN);
    let done = share_out(&Crew::new(threads, teams)?, groups, work)?;
    let engine = done.first().map(|group| group.4.clone());
    let mut found: Vec<Option<Trained>> = runs.iter().map(|_| None).collect();
    for (group, models, histories, seconds, _) in done {
        for ((place, model), history) in group.into_iter().zip(models).zip(histories) {
            let test = model.map(|model| test(inputs, model)).transpose()?;
            found[place] = Some(Trained { run: runs[place].clone(), history, test, seconds });
        }
    }
    let found = found.into_iter().map(|trained| trained.expect("every run is in a group")).collect();
    Ok((found, engine.expect("at least one run")))
}

/// Evaluates `model` on the test split.
pub(super) fn test(inputs: &Inputs, model: Model) -> Result<Tested> {
    let samples = inputs.dataset.test.samples();
    let mut engine = evaluator(std::slice::from_ref(&model), samples.element(), &inputs.machine)?;
    let mut watch = Stop(&inputs.signals);
    let Some(found) = evaluate(&mut *engine, &samples, &mut watch)? else { return Err(interrupted(inputs)) };
    let found: Vec<Evaluation> = found;
    Ok(Tested { metrics: Metrics::of_model(&found[0], &model), model })
}

/// The model whose logits are the means of those of the trained ones, all of which have one standardization; none where one
/// diverged.
pub(super) fn average(trained: &[Trained]) -> Option<Model> {
    let models: Option<Vec<&Model>> =
        trained.iter().map(|trained| trained.test.as_ref().map(|test| &test.model)).collect();
    let models = models?;
    let parameters: Vec<&Parameters> = models.iter().map(|model| &model.parameters).collect();
    let mean = Parameters::mean(&parameters);
    models.first().map(|first| Model { parameters: mean, ..(*first).clone() })
}

/// The error of the first run that diverged, if one did.
pub(super) fn diverged(trained: &[Trained]) -> Result<()> {
    trained.iter().filter(|trained| trained.test.is_none()).take(1).try_for_each(|trained| {
        let Run { name, settings } = trained.run.clone();
        let epoch = trained.history.last().map_or(1, |last| last.epoch);
        Err(Error::Diverged { run: name, epoch, eta: settings.eta, lambda: settings.lambda })
    })
}

fn interrupted(inputs: &Inputs) -> Error {
    Error::Interrupted { signal: inputs.signals.received().unwrap_or_default() }
}

/// Counts what one of several sessions trains, and stops it when a signal comes.
struct Watch<'a> {
    signals: &'a Signals,
    progress: &'a Mutex<&'a Progress<'a>>,
    runs: usize,
}

impl Control for Watch<'_> {
    fn trained(&mut self, images: usize) {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).count(images * self.runs);
    }

    fn stop(&mut self) -> bool {
        self.signals.received().is_some()
    }
}

/// Stops when a signal comes.
struct Stop<'a>(&'a Signals);

impl Control for Stop<'_> {
    fn stop(&mut self) -> bool {
        self.0.received().is_some()
    }
}
