//! Engines that make one mistake each, and are right otherwise.

use onelayer::Result;
use onelayer::engine::{Batches, Engine, EngineInfo, Evaluation, Problem, Reference, RunState};
use onelayer::model::{Parameters, Standardization};
use onelayer::objective::Objective;
use onelayer::samples::{Rows, Samples};

/// What an engine, or the loop around it, may get wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    None,
    /// Every batch begins one image late.
    BatchOffByOne,
    /// A last batch that is smaller than the others is not used.
    LastBatchDropped,
    /// Every image has the label of the one before it.
    LabelsShifted,
    /// Whatever is evaluated is standardized with its own mean and deviation.
    OwnStatistics,
}

/// The reference engine, with a mistake.
pub struct Mistaken {
    mistake: Mistake,
    inner: Reference,
}

impl Mistaken {
    pub fn new(mistake: Mistake, parameters: &Parameters, standardization: &Standardization) -> Self {
        Self { mistake, inner: reference(std::slice::from_ref(parameters), standardization) }
    }
}

fn reference(initial: &[Parameters], standardization: &Standardization) -> Reference {
    Reference::new(&Problem { initial, standardization, objective: Objective::default() })
}

impl Engine for Mistaken {
    fn train(&mut self, samples: &Samples, batches: Batches) -> Result<()> {
        let Batches { order, size, steps } = batches;
        match self.mistake {
            Mistake::None | Mistake::OwnStatistics => self.inner.train(samples, batches),
            Mistake::BatchOffByOne => {
                let mut late = order.to_vec();
                late.rotate_left(1);
                self.inner.train(samples, Batches { order: &late, ..batches })
            }
            Mistake::LastBatchDropped => {
                let whole = order.len() / size;
                let (order, steps) = (&order[..whole * size], &steps[..whole]);
                self.inner.train(samples, Batches { order, size, steps })
            }
            Mistake::LabelsShifted => {
                let images: Vec<u8> = (0..samples.len()).flat_map(|i| samples.image(i)).copied().collect();
                let mut labels: Vec<u8> = (0..samples.len()).map(|i| samples.label(i)).collect();
                labels.rotate_right(1);
                let images = Rows::contiguous(&images, samples.features());
                self.inner.train(&Samples::new(images, Rows::contiguous(&labels, 1)), batches)
            }
        }
    }

    fn evaluate(&mut self, samples: &Samples) -> Result<Vec<Evaluation>> {
        if self.mistake == Mistake::OwnStatistics {
            let own = Standardization::measure(samples);
            return reference(&self.parameters(), &own).evaluate(samples);
        }
        self.inner.evaluate(samples)
    }

    fn info(&self) -> EngineInfo {
        self.inner.info()
    }

    fn forward(&mut self, rows: &Rows, logits: &mut [f32]) -> Result<()> {
        self.inner.forward(rows, logits)
    }

    fn parameters(&self) -> Vec<Parameters> {
        self.inner.parameters()
    }

    fn load(&mut self, parameters: &[Parameters]) {
        self.inner.load(parameters);
    }

    fn state(&self) -> Vec<RunState> {
        self.inner.state()
    }

    fn restore(&mut self, state: &[RunState]) -> Result<(), usize> {
        self.inner.restore(state)
    }
}
