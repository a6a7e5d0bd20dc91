//! The mathematics once more, from the formulas alone: nothing of it is the library's.

use onelayer::model::Standardization;
use onelayer::objective::Loss;
use onelayer::samples::Element;

use super::case::Case;

/// A batch and the shape of the layer that scores it; parameters are flat, weights `[K, D]`, then biases `[K]`.
pub struct Layer {
    pub features: usize,
    pub classes: usize,
    /// `[B, D]`, standardized.
    pub x: Vec<f64>,
    pub labels: Vec<usize>,
    /// `[B]`: what the loss of each sample is multiplied by.
    pub weights: Vec<f64>,
    pub lambda: f64,
    pub loss: Loss,
    pub smoothing: f64,
}

impl Layer {
    /// That of the first run.
    pub fn new(case: &Case) -> Self {
        Self::of(case, 0)
    }

    pub fn of(case: &Case, run: usize) -> Self {
        let (samples, Standardization { mean, std }) = (case.samples(), &case.standardization);
        let unit = if samples.element() == Element::U8 { 255.0 } else { 1.0 };
        let standardize = |((value, &mean), &std): ((f32, &f32), &f32)| {
            (f64::from(value) / unit - f64::from(mean)) / f64::from(std)
        };
        let image = |index| samples.image(index).iter().zip(mean).zip(std).map(standardize);
        Self {
            features: case.sizes.features,
            classes: case.sizes.classes,
            x: (0..samples.len()).flat_map(image).collect(),
            labels: case.labels.iter().map(|&label| label.into()).collect(),
            weights: (0..samples.len()).map(|sample| case.weight(sample)).collect(),
            lambda: case.lambda[run].into(),
            loss: case.objective.loss,
            smoothing: case.objective.smoothing,
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

    /// The target of a class.
    fn target(&self, class: usize, label: usize) -> f64 {
        f64::from(u8::from(class == label)) * (1.0 - self.smoothing) + self.smoothing / self.classes as f64
    }

    /// `[B]`: of softmax `ln(sum exp(s)) - sum t s`, of hinge the positive margins, of sigmoid the mean of K
    /// cross-entropies.
    pub fn losses(&self, theta: &[f64]) -> Vec<f64> {
        let loss = |(scores, &label): (&[f64], &usize)| -> f64 {
            let each = || scores.iter().enumerate();
            match self.loss {
                Loss::Softmax => {
                    let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let sum = scores.iter().map(|s| (s - max).exp()).sum::<f64>().ln();
                    each().map(|(class, s)| self.target(class, label) * (sum - (s - max))).sum()
                }
                Loss::Hinge => each()
                    .map(|(class, s)| if class == label { 0.0 } else { (s - scores[label] + 1.0).max(0.0) })
                    .sum(),
                _ => {
                    // -ln of a sigmoid, without overflow.
                    let minus_ln = |s: f64| (-s).max(0.0) + (-s.abs()).exp().ln_1p();
                    let all = each().map(|(class, &s)| minus_ln(if class == label { s } else { -s }));
                    all.sum::<f64>() / self.classes as f64
                }
            }
        };
        let losses = self.scores(theta);
        let losses = losses.chunks(self.classes).zip(&self.labels).map(loss);
        losses.zip(&self.weights).map(|(loss, weight)| weight * loss).collect()
    }

    /// `[B, K]`: of softmax `p - t`, of hinge 1 for each positive margin and minus their number for the label, of sigmoid
    /// `(p - t) / K`.
    pub fn dlogits(&self, theta: &[f64]) -> Vec<f64> {
        let mut dlogits = self.scores(theta);
        let rows = dlogits.chunks_mut(self.classes).zip(self.labels.iter().zip(&self.weights));
        for (row, (&label, weight)) in rows {
            match self.loss {
                Loss::Softmax => {
                    let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let sum: f64 = row.iter().map(|s| (s - max).exp()).sum();
                    for (class, s) in row.iter_mut().enumerate() {
                        *s = (*s - max).exp() / sum - self.target(class, label);
                    }
                }
                Loss::Hinge => {
                    let of_label = row[label];
                    for s in row.iter_mut() {
                        *s = f64::from(u8::from(*s - of_label + 1.0 > 0.0));
                    }
                    row[label] = 1.0 - row.iter().sum::<f64>();
                }
                _ => {
                    for s in row.iter_mut() {
                        *s = 1.0 / (1.0 + (-*s).exp()) / self.classes as f64;
                    }
                    row[label] -= 1.0 / self.classes as f64;
                }
            }
            row.iter_mut().for_each(|dlogit| *dlogit *= weight);
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
        self.gradient_of(&self.dlogits(theta), theta)
    }

    /// What the gradient would be with these dlogits.
    pub fn gradient_of(&self, dlogits: &[f64], theta: &[f64]) -> Vec<f64> {
        let batch = self.labels.len() as f64;
        let mut gradient = self.outer(dlogits, &self.x);
        gradient.iter_mut().zip(theta).for_each(|(g, w)| *g = *g / batch + 2.0 * self.lambda * w);
        let bias = |class| dlogits.iter().skip(class).step_by(self.classes).sum::<f64>() / batch;
        gradient.extend((0..self.classes).map(bias));
        gradient
    }
}
