//! How far rounding may carry an engine's gradient from the exact one.
//!
//! A sum of n products in arithmetic of unit roundoff u is off by at most `n u sum |t|`, whatever the order of
//! its terms t. That is far too much for long sums: each addition errs by u times a partial sum, roundings
//! rarely conspire, and so `6 sqrt(n) u sqrt(M^2 + sum t^2)` bounds the error in practice, M being the largest
//! partial sum (Hoeffding's inequality, with a chance of 3e-8 for each sum; see Higham and Mary, "A new approach
//! to probabilistic rounding error analysis", 2019). The smaller of the two counts. From it:
//!
//! 1. a logit is off by the error `ds` of its sum of 2 D + 1 terms `w x/255/std`, `w mean/std` and b, which holds
//!    whether or not an engine folds the mean into the bias;
//! 2. so p is off by a factor of `exp(2 ds)` at most, and so is 1 - p, of softmax and of each sigmoid; exponentials and
//!    their sum add a few roundings, and one for the size of the exponent. A margin of hinge is off by `2 ds` and a
//!    rounding: where that reaches 0, its slope of 1 may be there or not;
//! 3. the gradient is a sum over B images of `dlogit x^`: it has the errors of step 2 times the magnitude `m` of
//!    `x^`, `(x/255 + |mean|) / std`, and that of a sum of B terms of `|dlogit| m`;
//! 4. the penalty, and reading the gradient off a step, cost a few roundings of what they add.
//!
//! The fixed engine also rounds to 16 bits: its weights over std, and its dlogits, each by up to `QUANTUM` of the
//! largest of its class. Step 1 then adds what the weights are off by times the sum of `|x/255 - mean|`, and step 3
//! what the dlogits are off by times `m`. These are bounds, not likelihoods: for CIFAR they are hundreds of times
//! what is found.

use super::one_step::ETA;
use crate::engine::{EngineKind, QUANTUM};
use crate::model::{Parameters, Standardization};
use crate::objective::{Loss, Objective};
use crate::samples::{Samples, Values};

/// The unit roundoff of f32.
pub const UNIT_F32: f64 = 1.0 / (1u64 << 24) as f64;
/// The unit roundoff of f64.
pub const UNIT_F64: f64 = 1.0 / (1u64 << 53) as f64;

/// What an engine's arithmetic rounds to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Precision {
    /// The unit roundoff.
    pub unit: f64,
    /// What a factor of a product may be off by, relative to the largest of its class.
    pub quantum: f64,
}

impl Precision {
    /// That of simd and gemm.
    pub const F32: Self = Self { unit: UNIT_F32, quantum: 0.0 };
    /// That of the fixed engine.
    pub const FIXED: Self = Self { unit: UNIT_F32, quantum: QUANTUM };

    /// That of this engine; `auto` is one of f32.
    pub fn of(engine: EngineKind) -> Self {
        match engine {
            EngineKind::Reference => Self { unit: UNIT_F64, quantum: 0.0 },
            EngineKind::Fixed => Self::FIXED,
            EngineKind::Auto | EngineKind::Simd | EngineKind::Gemm => Self::F32,
        }
    }
}

/// The roundings beside a sum's own: standardization, folding, the division by B, the step's own arithmetic.
pub(super) const BESIDE: usize = 8;
/// Exponentials below this may be flushed to zero.
const FLUSHED: f64 = 1e-37;

/// What each entry of an engine's gradient may be off by, in arithmetic of this precision: weights `[K, D]`, then
/// biases `[K]`.
///
/// # Panics
/// If the shapes do not fit together.
pub fn tolerance(
    samples: &Samples,
    standardization: &Standardization,
    objective: &Objective,
    parameters: &Parameters,
    lambda: f32,
    precision: Precision,
) -> Vec<f64> {
    let unit = precision.unit;
    let Parameters { classes, features, weight, bias } = parameters;
    // [K, D + 1]: the errors of the summands, and their magnitudes. The bias is a weight of an input of 1.
    let mut error = vec![0.0; classes * (features + 1)];
    let mut magnitude = vec![0.0; classes * (features + 1)];
    let pixels = |image| Pixels::new(samples.image(image), standardization);
    let dlogits = |image| {
        Dlogits::new(&pixels(image), objective, parameters, samples.label(image).into(), precision)
            .times(samples.sample(image).weight)
    };
    let mut all: Vec<Dlogits> = (0..samples.len()).map(dlogits).collect();
    for class in 0..*classes {
        let size = |dlogits: &Dlogits| dlogits.value[class].abs() + dlogits.error[class];
        let rounded = precision.quantum * all.iter().map(size).fold(0.0, f64::max);
        all.iter_mut().for_each(|dlogits| dlogits.error[class] += rounded);
    }
    for (image, dlogits) in all.iter().enumerate() {
        let pixels = pixels(image);
        for class in 0..*classes {
            let row = class * (features + 1)..(class + 1) * (features + 1);
            let inputs = pixels.magnitude.iter().chain(&[1.0]);
            for ((error, magnitude), input) in
                error[row.clone()].iter_mut().zip(&mut magnitude[row]).zip(inputs)
            {
                *error += dlogits.error[class] * input;
                *magnitude += dlogits.value[class].abs() * input;
            }
        }
    }
    let batch = samples.len() as f64;
    let of_sum = gamma(samples.len() + BESIDE, unit);
    let of_step = BESIDE as f64 * unit;
    let entry = |class: usize, feature: usize, penalty: f64, value: f32| {
        let (error, magnitude) =
            (error[class * (features + 1) + feature], magnitude[class * (features + 1) + feature]);
        let read = penalty + f64::from(value.abs()) / f64::from(ETA);
        (error + of_sum * magnitude) / batch + of_step * read
    };
    let penalty = |w: f32| 2.0 * f64::from(lambda) * f64::from(w.abs());
    let weights = weight.iter().enumerate().map(|(i, &w)| entry(i / features, i % features, penalty(w), w));
    let biases = bias.iter().enumerate().map(|(class, &b)| entry(class, *features, 0.0, b));
    weights.chain(biases).collect()
}

/// What each of an engine's logits of `image` may be off by, in arithmetic of this precision.
///
/// # Panics
/// If the shapes do not fit together.
pub fn logit_tolerance(
    image: Values,
    standardization: &Standardization,
    parameters: &Parameters,
    precision: Precision,
) -> f64 {
    Pixels::new(image, standardization).logits(parameters, precision).1
}

/// The relative error of a sum of `n` terms of one sign.
pub(super) fn gamma(n: usize, unit: f64) -> f64 {
    unit * (n as f64).min(6.0 * (n as f64).sqrt())
}

/// What decides how far off a sum may be.
#[derive(Default)]
struct Sum {
    terms: usize,
    total: f64,
    largest_partial: f64,
    magnitude: f64,
    squares: f64,
}

impl Sum {
    fn of(terms: impl Iterator<Item = f64>) -> Self {
        let mut sum = Self::default();
        for term in terms {
            sum.terms += 1;
            sum.total += term;
            sum.largest_partial = sum.largest_partial.max(sum.total.abs());
            sum.magnitude += term.abs();
            sum.squares += term * term;
        }
        sum
    }

    /// This sum and `other`, taken apart from one another or term by term.
    fn beside(self, other: Self) -> Self {
        Self {
            terms: self.terms + other.terms,
            total: self.total + other.total,
            largest_partial: self.largest_partial + other.largest_partial,
            magnitude: self.magnitude + other.magnitude,
            squares: self.squares + other.squares,
        }
    }

    fn error(&self, unit: f64) -> f64 {
        let n = (self.terms + BESIDE) as f64;
        let probable = 6.0 * n.sqrt() * (self.largest_partial.powi(2) + self.squares).sqrt();
        unit * probable.min(n * self.magnitude)
    }
}

/// An image, standardized but not yet centred: `x^ = scaled - mean`.
struct Pixels {
    /// `[D]`: x / 255 / std
    scaled: Vec<f64>,
    /// `[D]`: mean / std
    mean: Vec<f64>,
    /// The sum of |x / 255 - mean|.
    centred: f64,
    /// `[D]`
    std: Vec<f64>,
    /// `[D]`: the magnitude of what `x^` is the difference of.
    magnitude: Vec<f64>,
}

impl Pixels {
    fn new(image: Values, Standardization { mean, std }: &Standardization) -> Self {
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        let (mean, std) = (wide(mean), wide(std));
        let pixels = || image.exact();
        let centred = pixels().zip(&mean).map(|(x, mean)| (x - mean).abs()).sum();
        let scaled: Vec<f64> = pixels().zip(&std).map(|(x, std)| x / std).collect();
        let mean: Vec<f64> = mean.iter().zip(&std).map(|(mean, std)| mean / std).collect();
        let magnitude = scaled.iter().zip(&mean).map(|(x, mean)| x.abs() + mean.abs()).collect();
        Self { scaled, mean, centred, std, magnitude }
    }

    /// `logits [K]`, and what each may be off by.
    fn logits(&self, parameters: &Parameters, precision: Precision) -> (Vec<f64>, f64) {
        let Precision { unit, quantum } = precision;
        let rows = || parameters.weight.chunks(parameters.features);
        let product =
            |w: &[f32], x: &[f64], sign: f64| Sum::of(w.iter().zip(x).map(|(&w, x)| sign * f64::from(w) * x));
        let logit = |(w, &b): (&[f32], &f32)| {
            let pixels = product(w, &self.scaled, 1.0).beside(product(w, &self.mean, -1.0));
            pixels.beside(Sum::of(std::iter::once(f64::from(b))))
        };
        let sums: Vec<Sum> = rows().zip(&parameters.bias).map(logit).collect();
        let rounded = |w: &[f32]| {
            let scaled = w.iter().zip(&self.std).map(|(&w, std)| f64::from(w.abs()) / std);
            quantum * scaled.fold(0.0, f64::max) * self.centred
        };
        let error = sums.iter().zip(rows()).map(|(sum, w)| sum.error(unit) + rounded(w)).fold(0.0, f64::max);
        (sums.iter().map(|sum| sum.total).collect(), error)
    }
}

/// `dlogits [K]` of an image, and what each may be off by.
struct Dlogits {
    value: Vec<f64>,
    error: Vec<f64>,
}

impl Dlogits {
    fn new(
        pixels: &Pixels,
        objective: &Objective,
        parameters: &Parameters,
        label: usize,
        precision: Precision,
    ) -> Self {
        let (logits, logit_error) = pixels.logits(parameters, precision);
        let mut value = logits.clone();
        objective.loss_and_gradient(&mut value, label);
        let scores = Scores { logits: &logits, logit_error, label, unit: precision.unit };
        let error = match objective.loss {
            Loss::Softmax => scores.of_softmax(objective.targets(logits.len())),
            Loss::Hinge => scores.of_hinge(),
            Loss::Sigmoid => scores.of_sigmoid(),
        };
        let weight = f64::from(objective.class_weight(label));
        Self { error: error.into_iter().map(|error| weight * error).collect(), value }
    }

    /// The same of a sample of this weight.
    fn times(mut self, weight: f32) -> Self {
        self.value.iter_mut().chain(&mut self.error).for_each(|value| *value *= f64::from(weight));
        self
    }
}

/// The logits of a sample, as an engine has them.
struct Scores<'a> {
    logits: &'a [f64],
    /// What each is off by.
    logit_error: f64,
    label: usize,
    unit: f64,
}

impl Scores<'_> {
    /// What `p` and `1 - p` are off by, where exponentials are of this size.
    fn of_probability(&self, p: f64, exponent: f64) -> f64 {
        let roundings = gamma(self.logits.len() + BESIDE, self.unit) + self.unit * exponent;
        (p.min(1.0 - p) * f64::exp_m1(2.0 * self.logit_error) + p * roundings).min(1.0) + FLUSHED
    }

    /// What `p - t` is off by; t itself is rounded where it is smoothed.
    fn of_softmax(&self, [hit, miss]: [f64; 2]) -> Vec<f64> {
        let max = self.logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = self.logits.iter().map(|logit| libm::exp(logit - max)).sum();
        let error = |(class, &logit): (usize, &f64)| {
            let target = if class == self.label { hit } else { miss };
            let of_target = if miss == 0.0 { 0.0 } else { 2.0 * self.unit * target };
            self.of_probability(libm::exp(logit - max) / sum, max - logit) + of_target
        };
        self.logits.iter().enumerate().map(error).collect()
    }

    fn of_sigmoid(&self) -> Vec<f64> {
        let classes = self.logits.len() as f64;
        let error = |&logit: &f64| {
            let e = libm::exp(-f64::abs(logit));
            let p = if logit < 0.0 { e } else { 1.0 } / (1.0 + e);
            self.of_probability(p, logit.abs()) / classes
        };
        self.logits.iter().map(error).collect()
    }

    /// 1 for each margin that may be on either side of 0.
    fn of_hinge(&self) -> Vec<f64> {
        let of_label = self.logits[self.label];
        let unsure = |(class, &logit): (usize, &f64)| {
            let size = logit.abs() + of_label.abs() + 1.0;
            let unsure = (logit - of_label + 1.0).abs() <= 2.0 * self.logit_error + 4.0 * self.unit * size;
            if class != self.label && unsure { 1.0 } else { 0.0 }
        };
        let mut error: Vec<f64> = self.logits.iter().enumerate().map(unsure).collect();
        error[self.label] = error.iter().sum();
        error
    }
}
