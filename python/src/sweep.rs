//! Sweeps: many settings in one pass over arrays.

use std::collections::BTreeMap;

use onelayer::engine::Machine;
use onelayer::sweep::{End, Outcome, Plan, Shard, Space, Sweep};
use onelayer::train::{EpochRecord, Settings, Splits};
use onelayer::{Error, model};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::arrays::Labelled;
use crate::enter::{Caller, enter};
use crate::error::raised;
use crate::model::{Model, all_threads};
use crate::train::{Arrays, engine_of};
use crate::{history, rate, settings};

/// What a sweep leaves.
struct Swept {
    /// The best first.
    outcomes: Vec<Outcome>,
    winner: Option<Winner>,
}

/// The best run's model, what it reached, and how far it was trained.
struct Winner {
    model: model::Model,
    history: Vec<EpochRecord>,
}

/// Trains all combinations of lists of arguments, or points drawn from them. Returns the runs, the best first, as columns;
/// and the best one's model and history, if some run has one. `lists` are texts: `0.1,0.01` or `1e-4..1e-1:8`.
#[pyfunction]
#[pyo3(signature = (train, validation, classes, arguments, lists, *, random=None, halving=None, path=false, shard=None, refit=false, threads=1, engine="auto", notes=None))]
#[expect(clippy::too_many_arguments, reason = "Python's keywords")]
#[expect(clippy::type_complexity, reason = "a tuple of Python's")]
pub fn sweep<'py>(
    py: Python<'py>,
    train: Arrays<'py>,
    validation: Arrays<'py>,
    classes: Vec<String>,
    arguments: &Bound<'py, PyDict>,
    lists: BTreeMap<String, String>,
    random: Option<usize>,
    halving: Option<usize>,
    path: bool,
    shard: Option<(u64, u64)>,
    refit: bool,
    threads: usize,
    engine: &str,
    notes: Option<BTreeMap<String, String>>,
) -> PyResult<(Bound<'py, PyDict>, Option<(Model, Bound<'py, PyDict>)>)> {
    let (train, validation) = (Labelled::of("X", train)?, Labelled::of("validation", validation)?);
    let splits = Splits { train: train.samples()?, validation: validation.samples()?, classes: &classes };
    let is_auto = rate::takes_auto(arguments)? && !lists.contains_key("eta");
    let base = settings::of(arguments)?;
    let lists = settings::lists(&lists)?;
    let engine = engine_of(engine).map_err(raised)?;
    let shard = shard.map(|(index, count)| format!("{index}/{count}"));
    let swept = enter(py, None, |caller| {
        let machine = Machine { engine, isa: None, team: all_threads(threads)? };
        let mut base = base;
        if is_auto {
            base.eta = rate::of(&splits, &base, None, &machine.team)?;
        }
        let shard = shard.map(|text| {
            text.parse::<Shard>()
                .map_err(|_| Error::setting("shard", "(i, n), shard i of n, counted from 1", text))
        });
        let space = Space::new(&base, &lists, random)?;
        let plan = Plan { space, halving, path, shard: shard.transpose()? };
        run(splits, &plan, &machine, refit, caller)
    })?;
    let columns = columns(py, &swept.outcomes)?;
    let winner = swept.winner.map(|Winner { mut model, history }| {
        model.metadata.extend(notes.unwrap_or_default());
        Ok::<_, PyErr>((Model(model), history::columns(py, &history)?))
    });
    Ok((columns, winner.transpose()?))
}

fn run(
    splits: Splits,
    plan: &Plan,
    machine: &Machine,
    refit: bool,
    caller: &mut Caller,
) -> onelayer::Result<Swept> {
    if plan.halving.is_some() && plan.shard.is_some() {
        let expected = "None with a shard: runs are compared with those of all shards";
        return Err(Error::setting("halving", expected, plan.halving.unwrap_or_default()));
    }
    let mut sweep = Sweep::new(splits, plan, machine)?;
    if sweep.run(caller)? == End::Stopped {
        return Ok(Swept { outcomes: Vec::new(), winner: None });
    }
    let mut outcomes: Vec<Outcome> = sweep.outcomes().cloned().collect();
    outcomes.sort_by(Outcome::compare);
    let winner = match sweep.winner()? {
        None => None,
        Some((outcome, model)) if !refit => Some(Winner { model, history: outcome.history.clone() }),
        Some((outcome, _)) => sweep.refit(outcome, caller)?.map(|(history, model)| Winner { model, history }),
    };
    Ok(Swept { outcomes, winner })
}

/// The runs as lists, by the names of their columns. Settings are texts, as they are typed.
fn columns<'py>(py: Python<'py>, outcomes: &[Outcome]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let text = |of: &dyn Fn(&Outcome) -> String| PyList::new(py, outcomes.iter().map(of));
    let number = |of: &dyn Fn(&Outcome) -> f64| PyList::new(py, outcomes.iter().map(of));
    dict.set_item("id", text(&|outcome| outcome.id.clone())?)?;
    for row in Settings::TABLE {
        dict.set_item(settings::argument(row.name), text(&|outcome| outcome.config.get(row.name))?)?;
    }
    dict.set_item("status", text(&|outcome| outcome.status.name().to_string())?)?;
    dict.set_item("epoch", PyList::new(py, outcomes.iter().map(|outcome| outcome.epoch))?)?;
    dict.set_item("validation_loss", number(&|outcome| outcome.validation().loss)?)?;
    dict.set_item("validation_accuracy", number(&|outcome| outcome.validation().accuracy)?)?;
    Ok(dict)
}
