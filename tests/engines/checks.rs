//! The checks, each a function that returns what is wrong: so that planted mistakes can be put to them too.

use onelayer::gradient_check::{UNIT_F64, flat};
use onelayer::objective::Loss;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::case::Case;
use super::contender::Contender;
use super::naive::Layer;

/// `Ok`, or what is wrong.
pub type Verdict = Result<(), String>;

/// `Ok` where `holds`.
pub fn ensure(holds: bool, wrong: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(wrong()) }
}

/// Every entry of `found` is within its tolerance of `expected`.
pub fn close(found: &[f64], expected: &[f64], tolerance: &[f64]) -> Verdict {
    assert_eq!((found.len(), tolerance.len()), (expected.len(), expected.len()), "entries");
    for (index, ((found, expected), tolerance)) in found.iter().zip(expected).zip(tolerance).enumerate() {
        // A comparison that NaN fails.
        ensure((found - expected).abs() <= *tolerance, || {
            format!("entry {index}: {found:e}, expected {expected:e} within {tolerance:e}")
        })?;
    }
    Ok(())
}

/// `gradient` is the slope of the cost: along a random direction, and at sampled coordinates.
pub fn differences(case: &Case, gradient: &[f64], seed: u64) -> Verdict {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let layer = Layer::new(case);
    let parameters = gradient.len();
    let direction: Vec<f64> = (0..parameters).map(|_| random.random_range(-1.0..1.0)).collect();
    let mut slope = Slope::new(case, &layer);
    slope.check(gradient, &direction, "a random direction")?;
    let bias = random.random_range(layer.weights()..parameters);
    for index in [random.random_range(0..layer.weights()), random.random_range(0..layer.weights()), bias] {
        let mut direction = vec![0.0; parameters];
        direction[index] = 1.0;
        slope.check(gradient, &direction, &format!("parameter {index}"))?;
    }
    Ok(())
}

/// Central differences of the cost of a problem.
struct Slope<'a> {
    layer: &'a Layer,
    theta: Vec<f64>,
    /// What the analytic gradient may be off by: it is computed, too.
    analytic: Vec<f64>,
    /// The largest `sum |w x| + |b|` of any score.
    magnitude: f64,
}

impl<'a> Slope<'a> {
    fn new(case: &Case, layer: &'a Layer) -> Self {
        let theta = flat(&case.parameters[0]);
        let magnitudes = Layer {
            x: layer.x.iter().map(|x| x.abs()).collect(),
            labels: Vec::new(),
            weights: Vec::new(),
            ..*layer
        };
        let absolute: Vec<f64> = theta.iter().map(|w| w.abs()).collect();
        Self {
            magnitude: magnitudes.scores(&absolute).into_iter().fold(0.0, f64::max),
            analytic: Contender::REFERENCE.tolerance(case, 0),
            layer,
            theta,
        }
    }

    fn check(&mut self, gradient: &[f64], direction: &[f64], name: &str) -> Verdict {
        const STEP: f64 = 3e-5;
        let (layer, theta) = (self.layer, &self.theta);
        // Scaled so that no score moves faster than 1: the third derivative is then bounded.
        let speed = layer.scores(direction).into_iter().fold(0.0, |max: f64, speed| max.max(speed.abs()));
        let scale = STEP / if speed > 0.0 { speed } else { 1.0 };
        let moved = |sign: f64| -> Vec<f64> {
            theta.iter().zip(direction).map(|(theta, d)| theta + sign * scale * d).collect()
        };
        let (up, down) = (moved(1.0), moved(-1.0));
        // What was moved, as it was rounded, per step.
        let actual: Vec<f64> = up.iter().zip(&down).map(|(up, down)| (up - down) / (2.0 * STEP)).collect();

        let (loss_up, loss_down) = (layer.losses(&up), layer.losses(&down));
        let change: f64 = loss_up.iter().zip(&loss_down).map(|(up, down)| up - down).sum();
        let squares = up.iter().zip(&down).map(|(up, down)| (up - down) * (up + down));
        let penalty = layer.lambda * squares.take(layer.weights()).sum::<f64>();
        let numerical = (change / layer.labels.len() as f64 + penalty) / (2.0 * STEP);

        let products = || gradient.iter().zip(&actual).map(|(g, d)| g * d);
        let analytic: f64 = products().sum();
        // The third derivative of log-sum-exp is the third cumulant of the scores' speeds, at most r^3 / (6 sqrt 3)
        // for speeds within a range of r = 2. A score is a sum of D terms, a loss a few of K.
        let truncation = STEP * STEP / 6.0 * 8.0 / (6.0 * 3f64.sqrt());
        let roundings = (layer.features + layer.classes + 16) as f64;
        let roundoff = UNIT_F64 * roundings * (self.magnitude + 4.0) / STEP;
        let of_analytic: f64 = self.analytic.iter().zip(&actual).map(|(t, d)| t * d.abs()).sum();
        let of_sums = UNIT_F64 * theta.len() as f64 * products().map(f64::abs).sum::<f64>();
        let heaviest = layer.weights.iter().copied().fold(0.0, f64::max);
        let terms = if layer.loss == Loss::Hinge { layer.classes as f64 } else { 1.0 };
        let of_loss = heaviest * terms * (truncation + roundoff + self.kinks(&up, &down));
        let tolerance = of_loss + of_analytic + of_sums;
        ensure((analytic - numerical).abs() <= tolerance, || {
            format!("along {name}: analytic {analytic:e}, numerical {numerical:e}, tolerance {tolerance:e}")
        })
    }
}

impl Slope<'_> {
    /// The share of margins that pass a kink of the hinge loss on the way: each has a slope of at most 2, of which the
    /// difference has a part, and the gradient all or nothing.
    fn kinks(&self, up: &[f64], down: &[f64]) -> f64 {
        let layer = self.layer;
        if layer.loss != Loss::Hinge {
            return 0.0;
        }
        let (up, down) = (layer.scores(up), layer.scores(down));
        let rows = up.chunks(layer.classes).zip(down.chunks(layer.classes)).zip(&layer.labels);
        let passes = |((up, down), &label): ((&[f64], &[f64]), &usize)| {
            let inside = |row: &[f64], class: usize| row[class] - row[label] + 1.0;
            let near = |class: &usize| {
                inside(up, *class).min(inside(down, *class)) <= 1e-9
                    && inside(up, *class).max(inside(down, *class)) >= -1e-9
            };
            (0..layer.classes).filter(|&class| class != label).filter(near).count()
        };
        2.0 * rows.map(passes).sum::<usize>() as f64 / layer.labels.len() as f64
    }
}

/// What every loss and its gradient must be, for any scores: finite, the loss 0 or more, `p - y` a distribution
/// less the label's, and both unmoved by a constant added to all scores.
pub fn score_properties(
    loss_and_gradient: impl Fn(&mut [f64], usize) -> f64,
    scores: &[f64],
    label: usize,
    constant: f64,
) -> Verdict {
    let mut p = scores.to_vec();
    let loss = loss_and_gradient(&mut p, label);
    ensure(loss.is_finite() && loss >= 0.0, || format!("a loss of {loss}"))?;
    p[label] += 1.0;
    // A few roundings of each p, and of their sum.
    let roundings = UNIT_F64 * (2 * scores.len() + 16) as f64;
    ensure(p.iter().all(|p| (0.0..=1.0 + roundings).contains(p)), || format!("p outside [0, 1]: {p:?}"))?;
    let sum: f64 = p.iter().sum();
    ensure((sum - 1.0).abs() <= roundings, || format!("a softmax that sums to {sum}"))?;

    let mut shifted: Vec<f64> = scores.iter().map(|score| score + constant).collect();
    let shifted_loss = loss_and_gradient(&mut shifted, label);
    shifted[label] += 1.0;
    // Adding the constant rounds each score.
    let size =
        scores.iter().fold(constant.abs(), |size, score| size.max((score + constant).abs()).max(score.abs()));
    let moved = roundings + 4.0 * UNIT_F64 * size;
    close(&shifted, &p, &vec![f64::exp_m1(moved); p.len()])?;
    ensure((shifted_loss - loss).abs() <= moved * (1.0 + loss), || {
        format!("a loss of {loss} became {shifted_loss}")
    })
}
