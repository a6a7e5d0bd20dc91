//! The oracle: the mathematics, one image at a time, in f64. Short and obvious, never optimized.

use super::contract::{Batches, Engine, EngineInfo, RunState, Step};
use super::evaluation::{Evaluation, argmax};
use super::problem::{Problem, Shape};
use crate::error::Result;
use crate::model::{Parameters, Standardization};
use crate::objective::Objective;
use crate::samples::{Rows, Samples};

/// The naive engine: one thread, f64 throughout.
pub struct Reference {
    shape: Shape,
    objective: Objective,
    standardization: Standardization,
    /// `[R * K, D]`
    weight: Vec<f64>,
    /// `[R * K]`
    bias: Vec<f64>,
}

impl Reference {
    /// An engine for `problem`.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn new(problem: &Problem) -> Self {
        let mut engine = Self {
            shape: problem.shape(),
            objective: problem.objective,
            standardization: problem.standardization.clone(),
            weight: Vec::new(),
            bias: Vec::new(),
        };
        engine.load(problem.initial);
        engine
    }

    /// The parameters as this engine holds them: weights `[R * K, D]`, then biases `[R * K]`.
    pub fn exact_parameters(&self) -> Vec<f64> {
        self.weight.iter().chain(&self.bias).copied().collect()
    }

    /// `x^ [D] <- (x/255 - mean) / std`
    fn standardize(&self, image: &[u8]) -> Vec<f64> {
        assert_eq!(image.len(), self.shape.features, "features of an image");
        let Standardization { mean, std } = &self.standardization;
        let standardized = |((&x, &mean), &std)| (f64::from(x) / 255.0 - f64::from(mean)) / f64::from(std);
        image.iter().zip(mean).zip(std).map(standardized).collect()
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

    /// Adds one image's gradient: `dweight [R * K, D] += dlogits x^T`, `dbias [R * K] += dlogits`.
    fn add_gradient(&self, image: &[u8], label: u8, dweight: &mut [f64], dbias: &mut [f64]) {
        let x = self.standardize(image);
        let mut dlogits = self.logits(&x);
        for run in dlogits.chunks_mut(self.shape.classes) {
            self.objective.loss_and_gradient(run, label.into());
        }
        for ((dweight, dbias), dlogit) in dweight.chunks_mut(self.shape.features).zip(dbias).zip(dlogits) {
            dweight.iter_mut().zip(&x).for_each(|(dw, x)| *dw += dlogit * x);
            *dbias += dlogit;
        }
    }
}

impl Engine for Reference {
    fn info(&self) -> EngineInfo {
        EngineInfo { name: "reference".into(), isa: "portable".into(), threads: 1 }
    }

    fn train(&mut self, samples: &Samples, batches: Batches) -> Result<()> {
        let Shape { features, classes, runs } = self.shape;
        for (batch, steps) in batches.iter(runs) {
            let mut dweight = vec![0.0; self.weight.len()];
            let mut dbias = vec![0.0; self.bias.len()];
            for &index in batch {
                let index = index as usize;
                self.add_gradient(samples.image(index), samples.label(index), &mut dweight, &mut dbias);
            }
            for (i, w) in self.weight.iter_mut().enumerate() {
                let (eta, lambda) = rates(steps[i / (classes * features)]);
                *w -= eta * (dweight[i] / batch.len() as f64 + 2.0 * lambda * *w);
            }
            for (i, b) in self.bias.iter_mut().enumerate() {
                let (eta, _) = rates(steps[i / classes]);
                *b -= eta * dbias[i] / batch.len() as f64;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, samples: &Samples) -> Result<Vec<Evaluation>> {
        let mut evaluations = vec![Evaluation::empty(self.shape.classes); self.shape.runs];
        for index in 0..samples.len() {
            let label = samples.label(index).into();
            let mut logits = self.logits(&self.standardize(samples.image(index)));
            for (evaluation, logits) in evaluations.iter_mut().zip(logits.chunks_mut(self.shape.classes)) {
                let predicted = argmax(logits);
                evaluation.count(self.objective.loss_and_gradient(logits, label), label, predicted);
            }
        }
        Ok(evaluations)
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
    }

    fn state(&self) -> Vec<RunState> {
        let Shape { features, classes, .. } = self.shape;
        let plane = |values: &[f64]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let runs = self.weight.chunks(classes * features).zip(self.bias.chunks(classes));
        runs.map(|(weight, bias)| RunState { weight: plane(weight), bias: plane(bias) }).collect()
    }

    fn restore(&mut self, states: &[RunState]) -> Result<(), usize> {
        let Shape { features, classes, runs } = self.shape;
        RunState::check(states, runs, size_of::<f64>() * classes * features, size_of::<f64>() * classes)?;
        let values = |plane: fn(&RunState) -> &[u8]| -> Vec<f64> {
            let values = states.iter().flat_map(|state| plane(state).as_chunks().0);
            values.map(|&bytes| f64::from_le_bytes(bytes)).collect()
        };
        (self.weight, self.bias) = (values(|state| &state.weight), values(|state| &state.bias));
        Ok(())
    }
}

fn rates(step: Step) -> (f64, f64) {
    (step.eta.into(), step.lambda.into())
}
