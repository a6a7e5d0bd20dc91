//! What a checkpoint keeps of a descent: between iterations, all of it.

use serde::{Deserialize, Serialize};

use super::memory::Pair;
use super::{Descent, Known, Progress, flat};
use crate::train::history::Metrics;

/// A descent between two iterations. In JSON the numbers alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedDescent {
    metrics: Metrics,
    evaluations: usize,
    progress: Progress,
    /// The parameters in f32, the gradient in f64, and the remembered steps and changes in f32, little-endian; empty where
    /// nothing is known yet: it then begins with the engine's parameters.
    #[serde(skip)]
    pub(crate) plane: Vec<u8>,
}

impl Descent {
    /// What is to be kept of it.
    pub(crate) fn save(&self) -> SavedDescent {
        let mut plane = Vec::new();
        if let Some(Known { gradient, .. }) = &self.known {
            plane.extend(flat(&self.parameters).flat_map(f32::to_le_bytes));
            plane.extend(gradient.iter().flat_map(|g| g.to_le_bytes()));
            for Pair { step, change, .. } in self.memory.pairs() {
                plane.extend(step.iter().chain(change).flat_map(|value| value.to_le_bytes()));
            }
        }
        SavedDescent {
            metrics: self.metrics(),
            evaluations: self.evaluations,
            progress: self.progress,
            plane,
        }
    }

    /// Goes on from what was kept; none where it does not fit.
    pub(crate) fn restore(&mut self, saved: &SavedDescent) -> Option<()> {
        let SavedDescent { metrics, evaluations, progress, plane } = saved;
        (self.evaluations, self.before, self.progress) = (*evaluations, *evaluations, *progress);
        if plane.is_empty() {
            return Some(());
        }
        let entries = self.parameters.weight.len() + self.parameters.bias.len();
        let (parameters, rest) = plane.split_at_checked(size_of::<f32>() * entries)?;
        let (gradient, pairs) = rest.split_at_checked(size_of::<f64>() * entries)?;
        let parameters = floats(parameters);
        let (weight, bias) = parameters.split_at(self.parameters.weight.len());
        self.parameters.weight.copy_from_slice(weight);
        self.parameters.bias.copy_from_slice(bias);
        let gradient = gradient.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect();
        self.known = Some(Known { metrics: *metrics, gradient });
        for pair in pairs.chunks(2 * size_of::<f32>() * entries) {
            let (step, change) = pair.split_at_checked(size_of::<f32>() * entries)?;
            if step.len() != change.len() {
                return None;
            }
            self.memory.push(Pair::new(floats(step), floats(change))?);
        }
        Some(())
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}
