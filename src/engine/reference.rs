//! The oracle: the mathematics, one image at a time, in f64. Short and obvious, never optimized.

use super::contract::{Batches, Engine, EngineInfo, Planes, RunState, Step};
use super::evaluation::{Evaluation, argmax};
use super::gradient::Gradient;
use super::problem::{Problem, Shape};
use crate::error::Result;
use crate::model::{Parameters, Standardization};
use crate::objective::Objective;
use crate::samples::{Rows, Sample, Samples, Values};

/// The samples after which a gradient asks whether it is to stop.
const ASKED: usize = 64;

/// The naive engine: one thread, f64 throughout.
pub struct Reference {
    shape: Shape,
    objective: Objective,
    standardization: Standardization,
    /// `[R * K, D]`
    weight: Vec<f64>,
    /// `[R * K]`
    bias: Vec<f64>,
    /// The velocity of each parameter, weights first; empty before there was momentum.
    velocity: Vec<f64>,
}

impl Reference {
    /// An engine for `problem`.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn new(problem: &Problem) -> Self {
        let mut engine = Self {
            shape: problem.shape(),
            objective: problem.objective.clone(),
            standardization: problem.standardization.clone(),
            weight: Vec::new(),
            bias: Vec::new(),
            velocity: Vec::new(),
        };
        engine.load(problem.initial);
        engine
    }

    /// The parameters as this engine holds them: weights `[R * K, D]`, then biases `[R * K]`.
    pub fn exact_parameters(&self) -> Vec<f64> {
        self.weight.iter().chain(&self.bias).copied().collect()
    }

    /// `x^ [D] <- (x/unit - mean) / std`
    fn standardize(&self, image: Values) -> Vec<f64> {
        assert_eq!(image.len(), self.shape.features, "features of an image");
        let Standardization { mean, std } = &self.standardization;
        let standardized = |((x, &mean), &std)| (x - f64::from(mean)) / f64::from(std);
        image.exact().zip(mean).zip(std).map(standardized).collect()
    }

    /// `logits [R * K] <- weight [R * K, D] . x^ [D] + bias [R * K]`
    fn logits(&self, x: &[f64]) -> Vec<f64> {
        let dot = |weight: &[f64]| weight.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        self.weight
            .chunks(self.shape.features)
            .zip(&self.bias)
            .map(|(weight, bias)| dot(weight) + bias)
            .collect()
    }

    /// Adds one sample's gradient: `dweight [R * K, D] += dlogits x^T`, `dbias [R * K] += dlogits`.
    fn add_gradient(&self, sample: Sample, dweight: &mut [f64], dbias: &mut [f64]) {
        let x = self.standardize(sample.image);
        let mut dlogits = self.logits(&x);
        for run in dlogits.chunks_mut(self.shape.classes) {
            self.objective.loss_and_gradient(run, sample.label.into());
        }
        dlogits.iter_mut().for_each(|dlogit| *dlogit *= f64::from(sample.weight));
        for ((dweight, dbias), dlogit) in dweight.chunks_mut(self.shape.features).zip(dbias).zip(dlogits) {
            dweight.iter_mut().zip(&x).for_each(|(dw, x)| *dw += dlogit * x);
            *dbias += dlogit;
        }
    }
}

impl Engine for Reference {
    fn info(&self) -> EngineInfo {
        EngineInfo { name: "reference".into(), isa: "portable".into(), threads: 1, reason: None }
    }

    fn train(&mut self, samples: &Samples, batches: Batches) -> Result<()> {
        let Shape { features, classes, runs } = self.shape;
        for (batch, steps) in batches.iter(runs) {
            let mut dweight = vec![0.0; self.weight.len()];
            let mut dbias = vec![0.0; self.bias.len()];
            for &index in batch {
                self.add_gradient(samples.sample(index as usize), &mut dweight, &mut dbias);
            }
            if steps.iter().any(|step| step.momentum != 0.0) {
                self.velocity.resize(dweight.len() + dbias.len(), 0.0);
            }
            let weights = if self.velocity.is_empty() { 0 } else { dweight.len() };
            let (of_weight, of_bias) = self.velocity.split_at_mut(weights);
            let mean = 1.0 / batch.len() as f64;
            for (i, w) in self.weight.iter_mut().enumerate() {
                let step = steps[i / (classes * features)];
                let g = mean * dweight[i] + 2.0 * f64::from(step.lambda) * *w;
                *w -= f64::from(step.eta) * direction(step, g, of_weight.get_mut(i));
            }
            for (i, b) in self.bias.iter_mut().enumerate() {
                let step = steps[i / classes];
                *b -= f64::from(step.eta) * direction(step, mean * dbias[i], of_bias.get_mut(i));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, samples: &Samples) -> Result<Vec<Evaluation>> {
        let mut evaluations = vec![Evaluation::empty(self.shape.classes); self.shape.runs];
        for index in 0..samples.len() {
            let Sample { image, label, weight } = samples.sample(index);
            let mut logits = self.logits(&self.standardize(image));
            for (evaluation, logits) in evaluations.iter_mut().zip(logits.chunks_mut(self.shape.classes)) {
                let predicted = argmax(logits);
                let loss = f64::from(weight) * self.objective.loss_and_gradient(logits, label.into());
                evaluation.count(loss, label.into(), predicted);
            }
        }
        Ok(evaluations)
    }

    fn gradient(
        &mut self,
        samples: &Samples,
        at: &[Parameters],
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Vec<Gradient>>> {
        let Shape { features, classes, .. } = Shape::of(at);
        let mut found = Vec::new();
        for parameters in at {
            let mut point = Self {
                shape: Shape { features, classes, runs: 1 },
                objective: self.objective.clone(),
                standardization: self.standardization.clone(),
                weight: Vec::new(),
                bias: Vec::new(),
                velocity: Vec::new(),
            };
            point.load(std::slice::from_ref(parameters));
            let mut gradient = Gradient::empty(classes, features);
            for first in (0..samples.len()).step_by(ASKED) {
                if stop() {
                    return Ok(None);
                }
                let images = first..samples.len().min(first + ASKED);
                gradient.evaluation.add(&point.evaluate(&samples.slice(images.clone()))?[0]);
                for sample in images.map(|index| samples.sample(index)) {
                    point.add_gradient(sample, &mut gradient.weight, &mut gradient.bias);
                }
            }
            found.push(gradient);
        }
        Ok(Some(found))
    }

    fn forward(&mut self, rows: &Rows, logits: &mut [f32]) -> Result<()> {
        assert_eq!(logits.len(), rows.len() * self.shape.columns(), "logits [N, R * K]");
        for (index, logits) in logits.chunks_mut(self.shape.columns()).enumerate() {
            let exact = self.logits(&self.standardize(rows.row(index)));
            logits.iter_mut().zip(exact).for_each(|(logit, exact)| *logit = exact as f32);
        }
        Ok(())
    }

    fn parameters(&self) -> Vec<Parameters> {
        let Shape { features, classes, .. } = self.shape;
        let rounded = |values: &[f64]| values.iter().map(|&value| value as f32).collect();
        let weights = self.weight.chunks(classes * features);
        weights
            .zip(self.bias.chunks(classes))
            .map(|(weight, bias)| Parameters {
                classes,
                features,
                weight: rounded(weight),
                bias: rounded(bias),
            })
            .collect()
    }

    fn load(&mut self, parameters: &[Parameters]) {
        assert_eq!(Shape::of(parameters), self.shape);
        self.weight = parameters.iter().flat_map(|run| &run.weight).map(|&w| w.into()).collect();
        self.bias = parameters.iter().flat_map(|run| &run.bias).map(|&b| b.into()).collect();
        self.velocity.clear();
    }

    fn state(&self) -> Vec<RunState> {
        let Shape { features, classes, .. } = self.shape;
        let planes = |values: &[f64], run: usize| -> Planes {
            let plane = |values: &[f64]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
            let (weight, bias) = values.split_at(self.weight.len());
            let weight = plane(&weight[run * classes * features..][..classes * features]);
            Planes { weight, bias: plane(&bias[run * classes..][..classes]) }
        };
        let parameters = self.exact_parameters();
        let state = |run| RunState {
            parameters: planes(&parameters, run),
            velocity: (!self.velocity.is_empty()).then(|| planes(&self.velocity, run)),
        };
        (0..self.shape.runs).map(state).collect()
    }

    fn restore(&mut self, states: &[RunState]) -> Result<(), usize> {
        let Shape { features, classes, runs } = self.shape;
        let (weight, bias) = (size_of::<f64>() * classes * features, size_of::<f64>() * classes);
        RunState::check(states, runs, weight, bias)?;
        let values = |plane: &[u8]| -> Vec<f64> {
            plane.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect()
        };
        self.weight = states.iter().flat_map(|state| values(&state.parameters.weight)).collect();
        self.bias = states.iter().flat_map(|state| values(&state.parameters.bias)).collect();
        self.velocity.clear();
        if states.iter().any(|state| state.velocity.is_some()) {
            let still = Planes { weight: vec![0; weight], bias: vec![0; bias] };
            let planes: Vec<&Planes> =
                states.iter().map(|state| state.velocity.as_ref().unwrap_or(&still)).collect();
            self.velocity.extend(planes.iter().flat_map(|planes| values(&planes.weight)));
            self.velocity.extend(planes.iter().flat_map(|planes| values(&planes.bias)));
        }
        Ok(())
    }
}

/// What eta multiplies, given the gradient g: `g + m v`, after `v <- m v + g`; without momentum, g.
fn direction(step: Step, g: f64, velocity: Option<&mut f64>) -> f64 {
    let Some(v) = velocity else { return g };
    let m = f64::from(step.momentum);
    *v = m * *v + g;
    g + m * *v
}
