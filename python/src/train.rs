//! Training.

use std::collections::BTreeMap;

use onelayer::engine::{EngineKind, Machine};
use onelayer::train::{Control, EpochRecord, Fate, Run, Session, Settings, Splits, Which};
use onelayer::{Error, model};
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
    model: model::Model,
    history: Vec<EpochRecord>,
    fate: Fate,
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
    let engine = engine_of(engine).map_err(crate::error::raised)?;
    let start = start.as_ref().map(|(model, keeps)| (&model.0, *keeps));
    let splits = Splits { train: samples, validation, classes: &classes };
    let by_epoch = callback.is_some();
    let trained = enter(py, callback.as_ref(), |caller| {
        let mut settings = settings;
        let step = settings.batch * splits.train.features() * splits.classes.len();
        let machine = Machine { engine, isa: None, team: team(threads, step)? };
        if is_auto {
            let kept = start.filter(|(_, keeps)| *keeps).map(|(model, _)| model.standardization.clone());
            settings.eta = rate::of(&splits, &settings, kept, &machine.team)?;
        }
        fit(splits, settings, start, &machine, by_epoch, caller)
    })?;
    let Trained { mut model, history, fate, epochs, eta, engine: [engine, isa] } = trained;
    model.metadata.extend(notes.unwrap_or_default());
    let info = PyDict::new(py);
    info.set_item("epochs", epochs)?;
    info.set_item("eta", eta)?;
    info.set_item("engine", engine)?;
    info.set_item("isa", isa)?;
    info.set_item("diverged", fate.is_diverged())?;
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
    let Settings { eta, lambda, .. } = settings;
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
    let history = session.histories()[0].clone();
    let Some(model) = session.models(Which::Wanted).swap_remove(0) else {
        return Err(Error::Diverged { run: "fit".into(), epoch: epochs.max(1), eta, lambda });
    };
    Ok(Trained { model, history, fate, epochs, eta, engine: [info.name, info.isa] })
}

/// The engine of that name.
pub fn engine_of(name: &str) -> onelayer::Result<EngineKind> {
    EngineKind::from_name(name).ok_or_else(|| {
        let names = EngineKind::ALL.map(EngineKind::name).join(", ");
        Error::setting("engine", format_args!("one of {names}"), name)
    })
}
