//! L-BFGS: the optimum of a smooth cost, without a learning rate (Liu and Nocedal, "On the limited memory BFGS method for
//! large scale optimization", 1989).
//!
//! ```text
//! the gradient g of the cost at the parameters x
//! for each iteration
//!     p = -H g                    H: the inverse Hessian, as the last ten steps tell it       memory.rs
//!     x' = x + a p                a: by a line search, most often 1                           line_search.rs
//!     remember x' - x and g' - g
//!     end where no entry of g' is larger than tol
//! ```
//!
//! A [`Descent`] computes no cost itself: it asks for those of parameters, and is told. Thus descents side by side share
//! every pass over the images. It moves on the grid of f32, on which the engines compute: what is evaluated is where it
//! stands, and a step is what was really moved. Gradient, direction, products and decisions are in f64.

mod line_search;
mod memory;
mod saved;

pub use self::saved::SavedDescent;

use serde::{Deserialize, Serialize};

use self::line_search::{LineSearch, ROUNDING, Verdict};
use self::memory::{Memory, Pair, dot};
use super::history::Metrics;
use crate::engine::Gradient;
use crate::model::Parameters;

/// A descent that gets no further for so many iterations is stuck.
const PATIENCE: usize = 20;

/// The descent of one run.
#[derive(Clone, Debug)]
pub(crate) struct Descent {
    /// The weight of the penalty.
    lambda: f64,
    parameters: Parameters,
    /// What is known of them; none before the first evaluation.
    known: Option<Known>,
    memory: Memory,
    progress: Progress,
    /// The evaluations so far, and those before this iteration.
    evaluations: usize,
    before: usize,
    search: Option<Search>,
    /// How the search ended, until the iteration does, and whether the memory has misled it.
    found: Option<Found>,
    misled: bool,
}

/// How a search ended.
#[derive(Clone, Debug)]
enum Found {
    /// With these parameters.
    Step(Parameters, Known),
    /// No step is lower.
    Nothing,
}

/// The cost at some parameters, and its gradient.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    metrics: Metrics,
    /// `[K, D]`, then `[K]`.
    gradient: Vec<f64>,
}

/// What the descent has reached, and whether it gets any further.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Progress {
    /// The lowest cost, of those that differ by more than rounding, and the smallest of the largest entries of the gradient.
    #[serde(deserialize_with = "null_is_infinite")]
    cost: f64,
    #[serde(deserialize_with = "null_is_infinite")]
    steepness: f64,
    /// The iterations since one of them was reached.
    since: usize,
}

impl Progress {
    const NONE: Self = Self { cost: f64::INFINITY, steepness: f64::INFINITY, since: 0 };

    fn note(&mut self, cost: f64, steepness: f64) {
        let lower = cost < self.cost - ROUNDING * cost.abs();
        self.since = if lower || steepness < self.steepness { 0 } else { self.since + 1 };
        if lower {
            self.cost = cost;
        }
        self.steepness = self.steepness.min(steepness);
    }
}

/// A search along a direction.
#[derive(Clone, Debug)]
struct Search {
    direction: Vec<f64>,
    line: LineSearch,
    trial: Parameters,
}

impl Descent {
    /// A descent of the cost with this penalty, from `parameters` on.
    pub(crate) fn new(parameters: Parameters, lambda: f64) -> Self {
        Self {
            lambda,
            parameters,
            known: None,
            memory: Memory::default(),
            progress: Progress::NONE,
            evaluations: 0,
            before: 0,
            search: None,
            found: None,
            misled: false,
        }
    }

    /// Where it stands.
    pub(crate) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Loss, cost and accuracy there; of no number before the first evaluation.
    pub(crate) fn metrics(&self) -> Metrics {
        self.known.as_ref().map_or(Metrics::NONE, |known| known.metrics)
    }

    /// The largest entry of the gradient there.
    pub(crate) fn steepness(&self) -> f64 {
        let largest = |largest: f64, g: &f64| if g.is_nan() { *g } else { largest.max(g.abs()) };
        self.known.as_ref().map_or(f64::NAN, |known| known.gradient.iter().fold(0.0, largest))
    }

    /// Whether it gets no further, as rounding hides what is left to gain: neither the cost nor the gradient became smaller
    /// for many iterations, or no step is lower.
    pub(crate) fn is_stuck(&self) -> bool {
        self.progress.since >= PATIENCE
    }

    /// How often it has asked.
    pub(crate) fn evaluations(&self) -> usize {
        self.evaluations
    }

    /// The parameters whose cost and gradient it asks for.
    pub(crate) fn asks(&self) -> Option<&Parameters> {
        match (&self.search, &self.known) {
            (Some(search), _) => Some(&search.trial),
            (None, None) => Some(&self.parameters),
            (None, Some(_)) => None,
        }
    }

    /// Begins an iteration.
    ///
    /// # Panics
    /// If nothing is known of where it stands.
    pub(crate) fn begin(&mut self) {
        self.search = Some(self.searched());
    }

    /// The search that follows from what it remembers.
    fn searched(&mut self) -> Search {
        let Known { metrics, gradient } = self.known.as_ref().expect("a descent on known ground");
        let nothing = Memory::default();
        let mut memory = if self.misled { &nothing } else { &self.memory };
        let mut direction = memory.direction(gradient);
        let mut slope = dot(gradient, &direction);
        if !(slope < 0.0 && slope.is_finite()) {
            (self.misled, memory) = (true, &nothing);
            direction = memory.direction(gradient);
            slope = dot(gradient, &direction);
        }
        // Without a memory the size of the first step is a guess: at most of length 1.
        let first = if memory.is_empty() { (-slope).sqrt().recip().min(1.0) } else { 1.0 };
        let line = LineSearch::new(metrics.cost, slope, first);
        let trial = moved(&self.parameters, line.step(), &direction);
        Search { direction, line, trial }
    }

    /// Gives up the iteration, which then begins again where it began.
    pub(crate) fn abandon(&mut self) {
        (self.search, self.found, self.misled, self.evaluations) = (None, None, false, self.before);
    }

    /// Ends the iteration: moves to where the search ended.
    pub(crate) fn end(&mut self) {
        self.before = self.evaluations;
        if std::mem::take(&mut self.misled) {
            self.memory.clear();
        }
        match self.found.take() {
            Some(Found::Step(parameters, known)) => self.accept(parameters, known),
            Some(Found::Nothing) => self.progress.since = PATIENCE,
            None => {}
        }
    }

    /// Takes what was found at the parameters that it asked for, on so many samples.
    pub(crate) fn tell(&mut self, found: &Gradient, samples: usize) {
        self.evaluations += 1;
        let Some(mut search) = self.search.take() else {
            self.known = Some(Known::new(found, samples, &self.parameters, self.lambda));
            self.before = self.evaluations;
            return;
        };
        let known = Known::new(found, samples, &search.trial, self.lambda);
        let slope = dot(&known.gradient, &search.direction);
        match search.line.tell(known.metrics.cost, slope) {
            Verdict::Next => {
                search.trial = moved(&self.parameters, search.line.step(), &search.direction);
                self.search = Some(search);
            }
            Verdict::Accepted => self.found = Some(Found::Step(search.trial, known)),
            // What it remembers may mislead it: without, it goes the steepest way.
            Verdict::Nothing if !self.misled && !self.memory.is_empty() => {
                self.misled = true;
                self.search = Some(self.searched());
            }
            Verdict::Nothing => self.found = Some(Found::Nothing),
        }
    }

    fn accept(&mut self, parameters: Parameters, known: Known) {
        if let Some(former) = &self.known {
            let step = flat(&parameters).zip(flat(&self.parameters)).map(|(now, before)| now - before);
            let changes = known.gradient.iter().zip(&former.gradient);
            let change = changes.map(|(now, before)| (now - before) as f32);
            if let Some(pair) = Pair::new(step.collect(), change.collect()) {
                self.memory.push(pair);
            }
        }
        (self.parameters, self.known) = (parameters, Some(known));
        self.progress.note(self.metrics().cost, self.steepness());
    }
}

impl Known {
    fn new(found: &Gradient, samples: usize, parameters: &Parameters, lambda: f64) -> Self {
        let penalty = if lambda == 0.0 { 0.0 } else { lambda * parameters.squared_norm() };
        let mean = 1.0 / samples as f64;
        let weights = found.weight.iter().zip(&parameters.weight);
        let of_weights = weights.map(|(sum, &w)| mean * sum + 2.0 * lambda * f64::from(w));
        let of_bias = found.bias.iter().map(|sum| mean * sum);
        Self {
            metrics: Metrics::new(&found.evaluation, penalty),
            gradient: of_weights.chain(of_bias).collect(),
        }
    }
}

/// JSON has no number for infinity; it is written as null.
fn null_is_infinite<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
}

/// The parameters at a step along a direction.
fn moved(from: &Parameters, step: f64, direction: &[f64]) -> Parameters {
    let (weight, bias) = direction.split_at(from.weight.len());
    let moved = |values: &[f32], direction: &[f64]| -> Vec<f32> {
        values.iter().zip(direction).map(|(&value, d)| (f64::from(value) + step * d) as f32).collect()
    };
    Parameters { weight: moved(&from.weight, weight), bias: moved(&from.bias, bias), ..*from }
}

fn flat(parameters: &Parameters) -> impl Iterator<Item = f32> {
    parameters.weight.iter().chain(&parameters.bias).copied()
}
