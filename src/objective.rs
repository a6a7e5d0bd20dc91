//! What training minimizes, beside the penalty: the loss of one sample as a function of its logits, and its gradient;
//! and the class probabilities that the same logits stand for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A loss of a sample, given its K logits s and its label y.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Loss {
    /// Cross-entropy of the softmax: `-sum_k t_k ln softmax(s)_k`, where t is the label's one-hot vector, smoothed or not.
    #[default]
    Softmax,
    /// The multi-class hinge loss of a support vector machine: `sum_{k != y} max(0, s_k - s_y + 1)`.
    Hinge,
    /// The mean of K binary cross-entropies: `-(1/K) sum_k [t_k ln p_k + (1 - t_k) ln(1 - p_k)]`, `p = sigmoid(s)`.
    Sigmoid,
}

impl Loss {
    /// Every loss.
    pub const ALL: [Self; 3] = [Self::Softmax, Self::Hinge, Self::Sigmoid];

    /// Its name in settings and model files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::Hinge => "hinge",
            Self::Sigmoid => "sigmoid",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Loss {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|loss| loss.name() == name).ok_or(())
    }
}

/// A loss, what it aims at, and what the classes weigh in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objective {
    /// The loss of one sample.
    pub loss: Loss,
    /// Label smoothing a, of softmax alone: the target is `t = (1 - a) y + a/K` instead of the one-hot vector y.
    pub smoothing: f64,
    /// `[K]`: what the loss of a sample of each class is multiplied by; empty where every class weighs 1.
    pub class_weights: Vec<f32>,
}

impl From<Loss> for Objective {
    fn from(loss: Loss) -> Self {
        Self { loss, ..Self::default() }
    }
}

impl Objective {
    /// What the loss of a sample with this label is multiplied by.
    #[inline]
    pub fn class_weight(&self, label: usize) -> f32 {
        if self.class_weights.is_empty() { 1.0 } else { self.class_weights[label] }
    }

    /// The targets of K classes: that of the label, and that of every other class.
    pub fn targets(&self, classes: usize) -> [f64; 2] {
        let other = self.smoothing / classes as f64;
        [1.0 - self.smoothing + other, other]
    }

    /// The mean loss of guessing: K equal logits for every sample. Where classes have weights, that of the heaviest.
    pub fn guessing(&self, classes: usize) -> f64 {
        let loss = match self.loss {
            Loss::Softmax => libm::log(classes as f64),
            Loss::Hinge => classes as f64 - 1.0,
            Loss::Sigmoid => std::f64::consts::LN_2,
        };
        loss * self.class_weights.iter().copied().reduce(f32::max).map_or(1.0, f64::from)
    }

    /// The defining formula, in f64: the loss; `logits` becomes `dlogits`, the loss's gradient. Both are multiplied by
    /// the class's weight.
    ///
    /// - softmax: `dlogits = p - t`; the maximum is subtracted first, so that logits of any size are safe;
    /// - hinge: `dlogits_k = 1` where a class k other than the label has `s_k - s_y + 1 > 0`, else 0; `dlogits_y` is minus
    ///   their number. At a kink, where the margin is exactly 0, it is 0;
    /// - sigmoid: `dlogits = (p - t) / K`.
    ///
    /// # Panics
    /// If `label` is not below the number of logits.
    pub fn loss_and_gradient(&self, logits: &mut [f64], label: usize) -> f64 {
        let weight = f64::from(self.class_weight(label));
        let loss = match self.loss {
            Loss::Softmax => softmax(logits, label, self.targets(logits.len())),
            Loss::Hinge => hinge(logits, label),
            Loss::Sigmoid => sigmoid(logits, label),
        };
        logits.iter_mut().for_each(|dlogit| *dlogit *= weight);
        weight * loss
    }

    /// `p [K]`, in f64: how probable a model with these logits holds each class to be. They sum to 1. None for hinge, whose
    /// scores are no probabilities.
    pub fn probabilities(&self, logits: &[f32]) -> Option<Vec<f64>> {
        let mut p = self.activations(logits)?;
        let sum: f64 = p.iter().sum();
        // Where every sigmoid is 0, the model says nothing.
        let equal = 1.0 / p.len() as f64;
        p.iter_mut().for_each(|p| *p = if sum > 0.0 { *p / sum } else { equal });
        Some(p)
    }

    /// `p [K]`, in f64, as the loss has them: `softmax(logits)`, or the sigmoid of each logit. None for hinge.
    pub fn activations(&self, logits: &[f32]) -> Option<Vec<f64>> {
        match self.loss {
            Loss::Softmax => {
                let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let mut p: Vec<f64> = logits.iter().map(|&logit| f64::from(logit - max).exp()).collect();
                let sum: f64 = p.iter().sum();
                p.iter_mut().for_each(|p| *p /= sum);
                Some(p)
            }
            Loss::Hinge => None,
            Loss::Sigmoid => Some(logits.iter().map(|&logit| logistic(logit.into())).collect()),
        }
    }
}

fn softmax(logits: &mut [f64], label: usize, [hit, miss]: [f64; 2]) -> f64 {
    let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let target = |class: usize| if class == label { hit } else { miss };
    assert!(label < logits.len(), "label {label} of {} classes", logits.len());
    // A target of 0 has no part in it, however small its logit is.
    let aimed = |(class, logit): (usize, &f64)| match target(class) {
        0.0 => 0.0,
        target => target * (logit - max),
    };
    let aim: f64 = logits.iter().enumerate().map(aimed).sum();
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = libm::exp(*logit - max);
        sum += *logit;
    }
    for (class, p) in logits.iter_mut().enumerate() {
        *p = *p / sum - target(class);
    }
    libm::log(sum) - aim
}

fn hinge(logits: &mut [f64], label: usize) -> f64 {
    let bound = logits[label] - 1.0;
    let (mut loss, mut count) = (0.0, 0.0);
    for (class, logit) in logits.iter_mut().enumerate() {
        let margin = *logit - bound;
        *logit = 0.0;
        // A margin that is no number makes the loss none.
        if class != label && (margin > 0.0 || margin.is_nan()) {
            (loss, *logit, count) = (loss + margin, 1.0, count + 1.0);
        }
    }
    logits[label] = -count;
    loss
}

fn sigmoid(logits: &mut [f64], label: usize) -> f64 {
    let (scale, mut loss) = (1.0 / logits.len() as f64, 0.0);
    loss -= logits[label];
    for logit in logits.iter_mut() {
        // ln(1 + e^s), which is -ln(1 - p).
        loss += logit.max(0.0) + libm::log1p(libm::exp(-logit.abs()));
        *logit = scale * logistic(*logit);
    }
    logits[label] -= scale;
    scale * loss
}

/// `1 / (1 + e^-x)`, without overflow.
fn logistic(x: f64) -> f64 {
    let e = libm::exp(-x.abs());
    if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_logits_lose_what_guessing_does() {
        for (loss, expected, gradient) in [
            (Loss::Softmax, 4f64.ln(), [0.25, 0.25, -0.75, 0.25]),
            (Loss::Hinge, 3.0, [1.0, 1.0, -3.0, 1.0]),
            (Loss::Sigmoid, 2f64.ln(), [0.125, 0.125, -0.125, 0.125]),
        ] {
            let (objective, mut logits) = (Objective::from(loss), [0.0; 4]);
            let found = objective.loss_and_gradient(&mut logits, 2);
            assert!((found - expected).abs() < 1e-15 && found == objective.guessing(4), "{loss}: {found}");
            assert_eq!(logits, gradient, "{loss}");
        }
    }

    #[test]
    fn huge_logits_are_safe() {
        for (loss, expected) in [(Loss::Softmax, 0.0), (Loss::Hinge, 0.0), (Loss::Sigmoid, 0.0)] {
            let mut logits = [1e300, -1e300, -1e300];
            assert_eq!(Objective::from(loss).loss_and_gradient(&mut logits, 0), expected, "{loss}");
            assert_eq!(logits, [0.0, 0.0, 0.0], "{loss}");
        }
    }

    #[test]
    fn at_a_kink_of_the_hinge_loss_the_gradient_is_0() {
        let mut logits = [1.0, 2.0, 1.0 + f64::EPSILON];
        assert_eq!(Objective::from(Loss::Hinge).loss_and_gradient(&mut logits, 1), f64::EPSILON);
        assert_eq!(logits, [0.0, -1.0, 1.0]);
    }

    #[test]
    fn smoothing_takes_from_the_label_what_it_gives_to_all() {
        let objective = Objective { smoothing: 0.2, ..Objective::default() };
        let mut logits = [0.0; 4];
        objective.loss_and_gradient(&mut logits, 1);
        for (found, expected) in logits.into_iter().zip([0.2, 0.25 - 0.85, 0.2, 0.2]) {
            assert!((found - expected).abs() < 1e-15, "{found}");
        }
    }

    #[test]
    fn a_class_weight_multiplies_loss_and_gradient() {
        let weighted = Objective { class_weights: vec![1.0, 3.0], ..Objective::default() };
        let [mut once, mut thrice] = [[0.5, -0.5]; 2];
        let loss = Objective::default().loss_and_gradient(&mut once, 1);
        assert_eq!(weighted.loss_and_gradient(&mut thrice, 1), 3.0 * loss);
        assert_eq!(thrice, once.map(|dlogit| 3.0 * dlogit));
    }

    #[test]
    fn probabilities_sum_to_1_and_hinge_has_none() {
        let logits = [-1.0, 0.0, 3.0];
        for loss in [Loss::Softmax, Loss::Sigmoid] {
            let p = Objective::from(loss).probabilities(&logits).unwrap();
            assert!(
                (p.iter().sum::<f64>() - 1.0).abs() < 1e-15 && p[2] > p[1] && p[1] > p[0],
                "{loss}: {p:?}"
            );
        }
        assert_eq!(Objective::from(Loss::Sigmoid).activations(&[0.0]).unwrap(), [0.5]);
        assert_eq!(Objective::from(Loss::Sigmoid).probabilities(&[-1e30; 2]).unwrap(), [0.5; 2]);
        assert_eq!(Objective::from(Loss::Hinge).probabilities(&logits), None);
    }
}
