//! Trained models.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use numpy::PyArray1;
use onelayer::engine::{EngineKind, Machine, Team};
use onelayer::files::whole::WholeFile;
use onelayer::model;
use onelayer::objective::Loss;
use onelayer::samples::Rows;
use onelayer::train::{Metrics, evaluate, evaluator};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rayon::prelude::*;

use crate::arrays::{Features, Labelled, shaped};
use crate::enter::{Caller, enter, guarded};
use crate::error::raised;
use crate::train::Arrays;

/// Rows between two looks at whether to go on.
const SLICE: usize = 1 << 14;

/// A trained model: the contents of a `model.safetensors`.
#[pyclass(frozen, module = "onelayer._onelayer")]
pub struct Model(pub model::Model);

#[pymethods]
impl Model {
    /// Reads a model file.
    #[staticmethod]
    fn load(py: Python, path: PathBuf) -> PyResult<Self> {
        py.detach(|| guarded(|| model::Model::load(&path).map(Self).map_err(raised)))
    }

    /// Writes a model file, which appears when it is complete.
    fn save(&self, py: Python, path: PathBuf) -> PyResult<()> {
        py.detach(|| guarded(|| self.0.save(&path).map_err(raised)))
    }

    /// Writes the model as an ONNX graph.
    fn to_onnx(&self, py: Python, path: PathBuf) -> PyResult<()> {
        let write = || WholeFile::new(&path, &self.0.to_onnx(), false)?.finish();
        py.detach(|| guarded(|| write().map_err(raised)))
    }

    /// The model of the bytes of a model file.
    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
        guarded(|| model::Model::from_bytes(Path::new("model"), bytes).map(Self).map_err(raised))
    }

    /// The bytes of a model file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to_bytes())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Self>().getattr("from_bytes")?, (self.to_bytes(py),)))
    }

    /// The weights `[K, D]`.
    #[getter]
    fn weight<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let parameters = &self.0.parameters;
        shaped(py, parameters.weight.clone(), [parameters.classes, parameters.features])
    }

    /// The bias `[K]`.
    #[getter]
    fn bias<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        PyArray1::from_slice(py, &self.0.parameters.bias)
    }

    /// The mean of each feature `[D]`.
    #[getter]
    fn mean<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        PyArray1::from_slice(py, &self.0.standardization.mean)
    }

    /// The deviation of each feature `[D]`.
    #[getter]
    fn std<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        PyArray1::from_slice(py, &self.0.standardization.std)
    }

    /// The names of the classes.
    #[getter]
    fn classes(&self) -> Vec<String> {
        self.0.classes.clone()
    }

    /// What its writer noted, the settings among it.
    #[getter]
    fn metadata(&self) -> BTreeMap<String, String> {
        self.0.metadata.clone()
    }

    /// The name of the loss that it was trained to minimize.
    #[getter]
    fn objective(&self) -> &'static str {
        self.0.objective.loss.name()
    }

    /// The model with other notes.
    fn noting(&self, metadata: BTreeMap<String, String>) -> Self {
        Self(model::Model { metadata, ..self.0.clone() })
    }

    /// The mean loss and the accuracy on samples, each with its weight in the loss.
    fn evaluate(&self, py: Python, samples: Arrays, threads: usize) -> PyResult<(f64, f64)> {
        let labelled = Labelled::of("X", samples)?;
        let samples = labelled.samples()?;
        if samples.is_empty() || samples.features() != self.0.parameters.features {
            let expected = format!("samples of {} features", self.0.parameters.features);
            let found = format!("{} of {}", samples.len(), samples.features());
            return Err(PyValueError::new_err(format!("X: expected {expected}, found {found}")));
        }
        let found = enter(py, None, |caller| {
            let team = team(threads, samples.len().min(SLICE) * self.0.parameters.weight.len())?;
            let machine = Machine { engine: EngineKind::Auto, isa: None, team };
            let models = std::slice::from_ref(&self.0);
            let mut engine = evaluator(models, samples.element(), &machine)?;
            let found = evaluate(&mut *engine, &samples, caller)?;
            Ok(found.map(|mut found| Metrics::new(&found.swap_remove(0), 0.0)))
        })?;
        let Metrics { loss, accuracy, .. } = found.unwrap_or(Metrics::NONE);
        Ok((loss, accuracy))
    }

    /// `logits [N, K]` of the rows of `x`, in f32.
    fn logits<'py>(
        &self,
        py: Python<'py>,
        x: Bound<'py, PyAny>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let features = Features::of("X", &x)?;
        let rows = self.checked(features.rows("X")?)?;
        let logits = enter(py, None, |caller| self.forward(&rows, threads, caller))?;
        shaped(py, logits, [rows.len(), self.0.parameters.classes])
    }

    /// `p [N, K]` of the rows of `x`, in f64: each row sums to 1.
    fn probabilities<'py>(
        &self,
        py: Python<'py>,
        x: Bound<'py, PyAny>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        if self.0.objective.loss == Loss::Hinge {
            let message = "objective: expected softmax or sigmoid, which have probabilities, found hinge";
            return Err(PyValueError::new_err(message));
        }
        let features = Features::of("X", &x)?;
        let rows = self.checked(features.rows("X")?)?;
        let classes = self.0.parameters.classes;
        let p = enter(py, None, |caller| {
            let logits = self.forward(&rows, threads, caller)?;
            let mut p = vec![0.0; logits.len()];
            let samples = p.par_chunks_mut(classes).zip(logits.par_chunks(classes));
            let row = |(p, logits): (&mut [f64], &[f32])| {
                p.copy_from_slice(&self.0.objective.probabilities(logits).expect("not hinge"));
            };
            self.team(&rows, threads)?.install(|| samples.with_min_len(256).for_each(row))?;
            Ok(p)
        })?;
        shaped(py, p, [rows.len(), classes])
    }
}

impl Model {
    fn team(&self, rows: &Rows, threads: usize) -> onelayer::Result<Team> {
        team(threads, rows.len().min(SLICE) * self.0.parameters.weight.len())
    }

    fn checked<'r>(&self, rows: Rows<'r>) -> PyResult<Rows<'r>> {
        let (expected, found) = (self.0.parameters.features, rows.features());
        match expected == found {
            true => Ok(rows),
            false => {
                let message = format!("X: expected {expected} features, as the model has, found {found}");
                Err(PyValueError::new_err(message))
            }
        }
    }

    /// The logits of `rows`; what is missing where the caller stops is 0.
    fn forward(&self, rows: &Rows, threads: usize, caller: &Caller) -> onelayer::Result<Vec<f32>> {
        let machine = Machine { engine: EngineKind::Auto, isa: None, team: self.team(rows, threads)? };
        let mut engine = onelayer::train::evaluator(std::slice::from_ref(&self.0), rows.element(), &machine)?;
        let classes = self.0.parameters.classes;
        let mut logits = vec![0.0; rows.len() * classes];
        for (slice, logits) in logits.chunks_mut(SLICE * classes).enumerate() {
            if caller.stops() {
                break;
            }
            let first = slice * SLICE;
            engine.forward(&rows.slice(first..first + logits.len() / classes), logits)?;
        }
        Ok(logits)
    }
}

/// A team of at most so many threads for work of so many multiplications between two barriers: fewer where waiting for one
/// another would take longer than the work.
pub fn team(threads: usize, multiplications: usize) -> onelayer::Result<Team> {
    /// A step of a batch of 100 in 10 classes takes two threads as long as one at D 768, and less from D 1,536 on.
    const WORTH_IT: usize = 100 * 10 * 768;
    all_threads(threads.min(multiplications / WORTH_IT).max(1))
}

/// A team of so many threads.
pub fn all_threads(threads: usize) -> onelayer::Result<Team> {
    Team::new(NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN))
}
