//! Training.

use std::collections::BTreeMap;

use onelayer::engine::{EngineKind, Machine};
use onelayer::train::record::{Ended, Reason};
use onelayer::train::{Control, EpochRecord, Fate, Optimizer, Run, Session, Settings, Splits, Which};
use onelayer::{Error, model};
use pyo3::exceptions::PyFloatingPointError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::Labelled;
use crate::enter::{Caller, enter};
use crate::model::{Model, team};
use crate::{history, rate, settings};

/// X, y and weights.
pub type Arrays<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);

/// What a fit begins with, if not with random weights: a model, and whether its standardization is kept.
type Start<'py> = (PyRef<'py, Model>, bool);

/// What a session leaves.
struct Trained {
    /// None where none was finite.
    model: Option<model::Model>,
    history: Vec<EpochRecord>,
    fate: Fate,
    ended: Option<Ended>,
    epochs: usize,
    eta: f64,
    engine: [String; 2],
}

/// Trains one model. Returns it, its history, and what else there is to say.
#[pyfunction]
#[pyo3(signature = (train, classes, arguments, *, validation=None, start=None, threads=1, engine="auto", callback=None, notes=None))]
#[expect(clippy::too_many_arguments, reason = "Python's keywords")]
pub fn train<'py>(
    py: Python<'py>,
    train: Arrays<'py>,
    classes: Vec<String>,
    arguments: &Bound<'py, PyDict>,
    validation: Option<Arrays<'py>>,
    start: Option<Start<'py>>,
    threads: usize,
    engine: &str,
    callback: Option<Py<PyAny>>,
    notes: Option<BTreeMap<String, String>>,
) -> PyResult<(Model, Bound<'py, PyDict>, Bound<'py, PyDict>)> {
    let train = Labelled::of("X", train)?;
    let validation = validation.map(|arrays| Labelled::of("validation", arrays)).transpose()?;
    let samples = train.samples()?;
    let validation = match &validation {
        Some(validation) => validation.samples()?,
        None => samples.slice(0..0),
    };
    let is_auto = rate::takes_auto(arguments)?;
    let settings = settings::of(arguments)?;
    let Settings { optimizer, lambda, .. } = settings;
    let engine = engine_of(engine).map_err(crate::error::raised)?;
    let start = start.as_ref().map(|(model, keeps)| (&model.0, *keeps));
    let splits = Splits { train: samples, validation, classes: &classes };
    let by_epoch = callback.is_some();
    let trained = enter(py, callback.as_ref(), |caller| {
        let mut settings = settings;
        let samples = match settings.optimizer {
            Optimizer::Sgd => settings.batch,
            Optimizer::Lbfgs => splits.train.len(),
        };
        let step = samples * splits.train.features() * splits.classes.len();
        let machine = Machine { engine, isa: None, team: team(threads, step)? };
        if is_auto {
            let kept = start.filter(|(_, keeps)| *keeps).map(|(model, _)| model.standardization.clone());
            settings.eta = rate::of(&splits, &settings, kept, &machine.team)?;
        }
        fit(splits, settings, start, &machine, by_epoch, caller)
    })?;
    let Trained { model, history, fate, ended, epochs, eta, engine: [engine, isa] } = trained;
    let mut model = model.ok_or_else(|| match optimizer {
        Optimizer::Sgd => {
            crate::error::raised(Error::Diverged { run: "fit".into(), epoch: epochs.max(1), eta, lambda })
        }
        Optimizer::Lbfgs => PyFloatingPointError::new_err(
            "training diverged: the cost or its gradient is not finite; features may be too large for float32",
        ),
    })?;
    model.metadata.extend(notes.unwrap_or_default());
    let info = PyDict::new(py);
    info.set_item("epochs", epochs)?;
    info.set_item("eta", (optimizer == Optimizer::Sgd).then_some(eta))?;
    info.set_item("engine", engine)?;
    info.set_item("isa", isa)?;
    info.set_item("diverged", fate.is_diverged())?;
    info.set_item("ended", ended.map(|ended| name(ended.reason)))?;
    info.set_item("gradient", ended.and_then(|ended| ended.gradient))?;
    Ok((Model(model), history::columns(py, &history)?, info))
}

fn fit(
    splits: Splits,
    settings: Settings,
    start: Option<(&model::Model, bool)>,
    machine: &Machine,
    by_epoch: bool,
    caller: &mut Caller,
) -> onelayer::Result<Trained> {
    let eta = settings.eta;
    let runs = Run::single(settings);
    let mut session = match start {
        None => Session::new(splits, runs, machine)?,
        Some((model, false)) => Session::from_model(splits, runs, model, machine)?,
        Some((model, true)) => Session::continuing(splits, runs, model, machine)?,
    };
    if by_epoch {
        // A callback stops training where an epoch ends, and nowhere else.
        while !caller.stop() {
            let before = session.epoch();
            session.run_to(before + 1, caller)?;
            if session.epoch() == before {
                break;
            }
        }
    } else {
        session.run(caller)?;
    }
    let (epochs, fate, info) = (session.epoch(), session.fates()[0], session.engine());
    let (history, ended) = (session.histories()[0].clone(), session.ended(0));
    let model = session.models(Which::Wanted).swap_remove(0);
    Ok(Trained { model, history, fate, ended, epochs, eta, engine: [info.name, info.isa] })
}

/// The name of a reason.
fn name(reason: Reason) -> &'static str {
    match reason {
        Reason::Epochs => "epochs",
        Reason::Iterations => "iterations",
        Reason::Tol => "tol",
        Reason::EarlyStop => "early_stop",
        Reason::Rounding => "rounding",
    }
}

/// The engine of that name.
pub fn engine_of(name: &str) -> onelayer::Result<EngineKind> {
    EngineKind::from_name(name).ok_or_else(|| {
        let names = EngineKind::ALL.map(EngineKind::name).join(", ");
        Error::setting("engine", format_args!("one of {names}"), name)
    })
}
