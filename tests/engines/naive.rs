//! The mathematics once more, from the formulas alone: nothing of it is the library's.

use onelayer::model::Standardization;

use super::case::Case;

/// A batch and the shape of the layer that scores it; parameters are flat, weights `[K, D]`, then biases `[K]`.
pub struct Layer {
    pub features: usize,
    pub classes: usize,
    /// `[B, D]`, standardized.
    pub x: Vec<f64>,
    pub labels: Vec<usize>,
    pub lambda: f64,
}

impl Layer {
    /// That of the first run.
    pub fn new(case: &Case) -> Self {
        Self::of(case, 0)
    }

    pub fn of(case: &Case, run: usize) -> Self {
        let (samples, Standardization { mean, std }) = (case.samples(), &case.standardization);
        let standardize = |((&pixel, &mean), &std): ((&u8, &f32), &f32)| {
            (f64::from(pixel) / 255.0 - f64::from(mean)) / f64::from(std)
        };
        let image = |index| samples.image(index).iter().zip(mean).zip(std).map(standardize);
        Self {
            features: case.sizes.features,
            classes: case.sizes.classes,
            x: (0..samples.len()).flat_map(image).collect(),
            labels: case.labels.iter().map(|&label| label.into()).collect(),
            lambda: case.lambda[run].into(),
        }
    }

    pub fn weights(&self) -> usize {
        self.classes * self.features
    }

    /// `[B, K]`
    pub fn scores(&self, theta: &[f64]) -> Vec<f64> {
        let (weight, bias) = theta.split_at(self.weights());
        let mut scores = Vec::with_capacity(self.labels.len() * self.classes);
        for x in self.x.chunks(self.features) {
            for (w, b) in weight.chunks(self.features).zip(bias) {
                scores.push(w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + b);
            }
        }
        scores
    }

    /// `[B]`: `ln(sum exp(s)) - s_y`
    pub fn losses(&self, theta: &[f64]) -> Vec<f64> {
        let loss = |(scores, &label): (&[f64], &usize)| {
            let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            scores.iter().map(|s| (s - max).exp()).sum::<f64>().ln() - (scores[label] - max)
        };
        self.scores(theta).chunks(self.classes).zip(&self.labels).map(loss).collect()
    }

    /// `[B, K]`: `p - y`
    pub fn dlogits(&self, theta: &[f64]) -> Vec<f64> {
        let mut dlogits = self.scores(theta);
        for (row, &label) in dlogits.chunks_mut(self.classes).zip(&self.labels) {
            let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = row.iter().map(|s| (s - max).exp()).sum();
            row.iter_mut().for_each(|s| *s = (*s - max).exp() / sum);
            row[label] -= 1.0;
        }
        dlogits
    }

    /// `sum over the images of dlogit x`, `[K, D]`, for any `[B, D]` inputs.
    pub fn outer(&self, dlogits: &[f64], x: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.weights()];
        for (x, dlogits) in x.chunks(self.features).zip(dlogits.chunks(self.classes)) {
            for (row, dlogit) in sum.chunks_mut(self.features).zip(dlogits) {
                row.iter_mut().zip(x).for_each(|(sum, x)| *sum += dlogit * x);
            }
        }
        sum
    }

    /// The gradient of the cost.
    pub fn gradient(&self, theta: &[f64]) -> Vec<f64> {
        let dlogits = self.dlogits(theta);
        let batch = self.labels.len() as f64;
        let mut gradient = self.outer(&dlogits, &self.x);
        gradient.iter_mut().zip(theta).for_each(|(g, w)| *g = *g / batch + 2.0 * self.lambda * w);
        let bias = |class| dlogits.iter().skip(class).step_by(self.classes).sum::<f64>() / batch;
        gradient.extend((0..self.classes).map(bias));
        gradient
    }
}
