//! Rounds of training on parts of the data, whose states are averaged in between.

use std::path::Path;

use numpy::PyReadonlyArray1;
use onelayer::engine::Machine;
use onelayer::model::Standardization;
use onelayer::train::{Checkpoint, Fate, Fingerprint, Prepared, Run, Session, Settings, Splits, Which};
use onelayer::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::arrays::Labelled;
use crate::enter::{enter, guarded};
use crate::error::raised;
use crate::model::{Model, team};
use crate::train::{Arrays, engine_of};
use crate::{rate, settings};

/// The mean and the deviation of all parts' samples; None where there is one part, which measures them itself.
type Measured<'py> = Option<(PyReadonlyArray1<'py, f32>, PyReadonlyArray1<'py, f32>)>;

/// A part of the samples, and how it is trained.
struct Part<'a> {
    splits: Splits<'a>,
    settings: Settings,
    standardization: Option<Standardization>,
    machine: Machine,
}

impl<'a> Part<'a> {
    fn new(
        train: &'a Labelled,
        classes: &'a [String],
        settings: Settings,
        measured: &Measured,
        (threads, engine): (usize, &str),
    ) -> PyResult<Self> {
        let train = train.samples()?;
        let step = settings.batch * train.features() * classes.len();
        let team = team(threads, step).map_err(raised)?;
        let machine = Machine { engine: engine_of(engine).map_err(raised)?, isa: None, team };
        let standardization = match measured {
            Some((mean, std)) => {
                Some(Standardization { mean: mean.as_slice()?.to_vec(), std: std.as_slice()?.to_vec() })
            }
            None => None,
        };
        let splits = Splits { validation: train.slice(0..0), train, classes };
        Ok(Self { splits, settings, standardization, machine })
    }

    fn session<'p>(&'p self, checkpoint: Option<Checkpoint>) -> Result<Session<'p>> {
        let Self { splits, settings, standardization, machine } = self;
        let images = match standardization.clone() {
            Some(standardization) => {
                Prepared::standardized(splits.clone(), settings, standardization, machine)?
            }
            None => Prepared::new(splits.clone(), settings, machine)?,
        };
        match checkpoint {
            Some(checkpoint) => Session::resume_on(&images, checkpoint, machine),
            None => Session::on(&images, Run::single(settings.clone()), machine),
        }
    }
}

/// The learning rate that `eta="auto"` means for a part.
#[pyfunction]
pub fn learning_rate<'py>(
    py: Python<'py>,
    train: Arrays<'py>,
    classes: Vec<String>,
    arguments: &Bound<'py, PyDict>,
    measured: Measured<'py>,
) -> PyResult<f64> {
    let train = Labelled::of("X", train)?;
    rate::takes_auto(arguments)?;
    let part = Part::new(&train, &classes, settings::of(arguments)?, &measured, (1, "auto"))?;
    let Part { splits, settings, standardization, machine: Machine { team, .. } } = part;
    enter(py, None, |_| rate::of(&splits, &settings, standardization, &team))
}

/// Trains a part to the end of epoch `until`, from the bytes of a checkpoint or from the beginning: a checkpoint.
#[pyfunction]
#[pyo3(signature = (train, classes, arguments, measured, checkpoint, until, *, threads=1, engine="auto"))]
#[expect(clippy::too_many_arguments, reason = "Python's keywords")]
pub fn advance<'py>(
    py: Python<'py>,
    train: Arrays<'py>,
    classes: Vec<String>,
    arguments: &Bound<'py, PyDict>,
    measured: Measured<'py>,
    checkpoint: Option<&[u8]>,
    until: usize,
    threads: usize,
    engine: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let train = Labelled::of("X", train)?;
    let part = Part::new(&train, &classes, settings::of(arguments)?, &measured, (threads, engine))?;
    let bytes = enter(py, None, |caller| {
        let mut session = part.session(checkpoint.map(read).transpose()?)?;
        session.run_to(until, caller)?;
        let Settings { eta, lambda, .. } = part.settings;
        if let Fate::Diverged { epoch } = session.fates()[0] {
            return Err(Error::Diverged { run: "fit".into(), epoch, eta, lambda });
        }
        // Parts differ in their data, and nobody resumes them elsewhere.
        let data = Fingerprint { train: String::new(), validation: String::new(), classes: Vec::new() };
        Ok(session.checkpoint(1, &data).to_bytes())
    })?;
    Ok(PyBytes::new(py, &bytes))
}

/// The checkpoint that is the mean of these, each with its weight.
#[pyfunction]
pub fn average<'py>(
    py: Python<'py>,
    parts: Vec<(Bound<'py, PyBytes>, f64)>,
) -> PyResult<Bound<'py, PyBytes>> {
    let read =
        |(bytes, weight): &(Bound<PyBytes>, f64)| Ok((read(bytes.as_bytes()).map_err(raised)?, *weight));
    let parts: Vec<(Checkpoint, f64)> = parts.iter().map(read).collect::<PyResult<_>>()?;
    let parts: Vec<(&Checkpoint, f64)> = parts.iter().map(|(part, weight)| (part, *weight)).collect();
    Ok(PyBytes::new(py, &guarded(|| Ok(Checkpoint::average(&parts).to_bytes()))?))
}

/// The model at a checkpoint, with any part of the samples.
#[pyfunction]
#[pyo3(signature = (train, classes, arguments, measured, checkpoint, *, engine="auto", notes=None))]
#[expect(clippy::too_many_arguments, reason = "Python's keywords")]
pub fn model_at<'py>(
    py: Python<'py>,
    train: Arrays<'py>,
    classes: Vec<String>,
    arguments: &Bound<'py, PyDict>,
    measured: Measured<'py>,
    checkpoint: &[u8],
    engine: &str,
    notes: Option<std::collections::BTreeMap<String, String>>,
) -> PyResult<Model> {
    let train = Labelled::of("X", train)?;
    let part = Part::new(&train, &classes, settings::of(arguments)?, &measured, (1, engine))?;
    let mut model = enter(py, None, |_| {
        let mut session = part.session(Some(read(checkpoint)?))?;
        let Settings { eta, lambda, .. } = part.settings;
        let epoch = session.epoch();
        let diverged = || Error::Diverged { run: "fit".into(), epoch, eta, lambda };
        session.models(Which::Last).swap_remove(0).ok_or_else(diverged)
    })?;
    model.metadata.extend(notes.unwrap_or_default());
    Ok(Model(model))
}

fn read(bytes: &[u8]) -> Result<Checkpoint> {
    Checkpoint::from_bytes(Path::new("checkpoint"), bytes)
}
