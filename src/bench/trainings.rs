//! Whole trainings that are timed: the lab's run, the optimum, and files to accuracy.

use super::oracle::Oracle;
use super::roofline::{Budget, Timing};
use super::workload::Workload;
use crate::engine::Machine;
use crate::error::{Error, Result};
use crate::model::{Init, Model};
use crate::objective::Loss;
use crate::train::{
    Metrics, Optimizer, Run, Schedule, Session, Settings, Splits, Which, evaluate, evaluator,
};

/// The penalty of the optimum, that of the lab's third run; and the largest entry of the gradient that L-BFGS ends at.
const LAMBDA: f64 = 0.1;
const TOL: f64 = 2e-5;
/// How much lower the accuracy on test may be than that of the lab's run, and how much higher the loss.
const AS_GOOD: (f64, f64) = (0.002, 0.008);

/// Times whole runs, and checks the last of them.
pub fn time_run(
    machine: &Machine,
    workload: &Workload,
    oracle: &mut Oracle,
    what: &str,
    budget: Budget,
) -> Result<Timing> {
    let mut session = session(workload.splits.clone(), &workload.settings, machine)?;
    let timing = time(&mut session, budget)?;
    let model = model(&mut session, what)?;
    oracle.run(what, &session.histories()[0], &model.parameters)?;
    Ok(timing)
}

/// Times L-BFGS from zeros to the optimum. None for an objective that is not smooth, and where rounding ends it too early.
pub fn time_optimum(
    machine: &Machine,
    workload: &Workload,
    oracle: &Oracle,
    what: &str,
    budget: Budget,
) -> Result<Option<Timing>> {
    let objective = workload.settings.objective;
    if objective == Loss::Hinge {
        return Ok(None);
    }
    let settings = Settings {
        optimizer: Optimizer::Lbfgs,
        lambda: LAMBDA,
        tol: TOL,
        objective,
        evaluate_every: usize::MAX,
        ..Settings::default()
    };
    let mut session = session(workload.splits.clone(), &settings, machine)?;
    let timing = time(&mut session, budget)?;
    let found = model(&mut session, what)?;
    Ok(oracle.is_optimum(&found.parameters, LAMBDA)?.then_some(timing))
}

/// Times three epochs with momentum and a falling rate, from the files to the saved model. None where there are no files,
/// or where that is not as good on test as the lab's run.
pub fn time_accuracy(
    machine: &Machine,
    workload: &Workload,
    what: &str,
    budget: Budget,
) -> Result<Option<Timing>> {
    let Some(files) = &workload.files else { return Ok(None) };
    let lab = &workload.settings;
    let settings = Settings {
        eta: 3.0 * lab.eta,
        momentum: 0.9,
        schedule: Schedule::Linear,
        init: Init::Zero,
        epochs: 3,
        evaluate_every: usize::MAX,
        ..lab.clone()
    };
    let train = |settings: &Settings| {
        let dataset = (files.open)()?;
        let mut session = session(Splits::from(&dataset), settings, machine)?;
        session.run(&mut ())?;
        let model = model(&mut session, what)?;
        let mut engine = evaluator(std::slice::from_ref(&model), dataset.test.samples().element(), machine)?;
        let found = evaluate(&mut *engine, &dataset.test.samples(), &mut ())?.expect("nobody stops it");
        let metrics = Metrics::of_model(&found[0], &model);
        Ok::<_, Error>((model, metrics))
    };
    let [wanted, reached] = [train(lab)?.1, train(&settings)?.1];
    let (accuracy, loss) = AS_GOOD;
    if reached.accuracy < wanted.accuracy - accuracy || reached.loss > wanted.loss + loss {
        return Ok(None);
    }
    budget.time(|| (files.save)(&train(&settings)?.0)).map(Some)
}

fn session<'a>(splits: Splits<'a>, settings: &Settings, machine: &Machine) -> Result<Session<'a>> {
    Session::new(splits, Run::single(settings.clone()), machine)
}

/// Times the training of `session`, from its beginning to its end.
fn time(session: &mut Session, budget: Budget) -> Result<Timing> {
    budget.time(|| {
        session.restart();
        session.run(&mut ()).map(drop)
    })
}

/// What `session` has trained.
fn model(session: &mut Session, what: &str) -> Result<Model> {
    session.models(Which::Last).swap_remove(0).ok_or_else(|| Error::Incorrect {
        what: what.into(),
        expected: "finite model".into(),
        found: "a run that diverged".into(),
    })
}
