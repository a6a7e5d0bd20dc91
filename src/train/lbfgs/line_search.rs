//! How far to go along a direction: a line search that asks for evaluations, one at a time.
//!
//! With phi(a) the cost at the step a, and phi'(a) its slope, a step is accepted that satisfies the strong Wolfe conditions
//!
//! ```text
//! phi(a) <= phi(0) + DECREASE a phi'(0)        |phi'(a)| <= CURVATURE |phi'(0)|
//! ```
//!
//! Steps grow until such a step must lie below the last one; then the interval between the best step so far, `low`, and
//! one beyond the minimum, `high`, shrinks (Nocedal and Wright, "Numerical Optimization", algorithms 3.5 and 3.6). New steps
//! are minima of cubics. Where rounding hides the conditions, the lowest step that was found is taken, if it is lower than
//! where the search began.

/// The part of the first slope's decrease that a step must have.
const DECREASE: f64 = 1e-4;
/// The part of the first slope that may be left. Quasi-Newton directions need no more.
const CURVATURE: f64 = 0.9;
/// A search that needs more evaluations than these has come to where rounding hides the slope.
const MOST: usize = 20;
/// A new step is no closer to the ends of the interval than this part of its length.
const MARGIN: f64 = 0.1;
/// The factors by which a step grows.
const GROWTH: [f64; 2] = [2.0, 10.0];

/// The cost at a step.
#[derive(Clone, Copy, Debug)]
struct Trial {
    step: f64,
    cost: f64,
    slope: f64,
}

/// A search in progress: the cost and the slope at [`LineSearch::step`] are to be told next.
#[derive(Clone, Debug)]
pub(super) struct LineSearch {
    start: Trial,
    step: f64,
    low: Trial,
    /// None while steps grow.
    high: Option<Trial>,
    evaluations: usize,
    /// Whether the step is `low` once more, to be accepted.
    closing: bool,
}

/// What a search says to an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Another step is to be evaluated.
    Next,
    /// This is the step.
    Accepted,
    /// No step is lower than the beginning.
    Nothing,
}

impl LineSearch {
    /// A search from where the cost is `cost` and its slope, below 0, `slope`. It tries `first` first.
    pub(super) fn new(cost: f64, slope: f64, first: f64) -> Self {
        let start = Trial { step: 0.0, cost, slope };
        Self { start, step: first, low: start, high: None, evaluations: 0, closing: false }
    }

    /// The step to be evaluated.
    pub(super) fn step(&self) -> f64 {
        self.step
    }

    /// Takes the cost and the slope at the step.
    pub(super) fn tell(&mut self, cost: f64, slope: f64) -> Verdict {
        if self.closing {
            return Verdict::Accepted;
        }
        self.evaluations += 1;
        let trial = Trial { step: self.step, cost, slope };
        let bound = self.start.cost + DECREASE * trial.step * self.start.slope;
        // What is no number is too far.
        let too_far = !(cost <= bound && slope.is_finite()) || (self.low.step > 0.0 && cost >= self.low.cost);
        if too_far {
            self.high = Some(trial);
        } else if slope.abs() <= -CURVATURE * self.start.slope {
            return Verdict::Accepted;
        } else {
            let rises = match self.high {
                None => slope >= 0.0,
                Some(high) => slope * (high.step - self.low.step) >= 0.0,
            };
            let former = std::mem::replace(&mut self.low, trial);
            if rises {
                self.high = Some(former);
            }
        }
        if self.evaluations == MOST {
            return self.close();
        }
        self.step = match self.high {
            None => {
                let [least, most] = GROWTH.map(|factor| factor * self.low.step);
                minimum(self.start, self.low).unwrap_or(most).clamp(least, most)
            }
            Some(high) => between(self.low, high),
        };
        if self.step == self.low.step || self.high.is_some_and(|high| self.step == high.step) {
            return self.close();
        }
        Verdict::Next
    }

    /// Ends with the lowest step.
    fn close(&mut self) -> Verdict {
        if self.low.step == 0.0 || self.low.cost > self.start.cost {
            return Verdict::Nothing;
        }
        (self.step, self.closing) = (self.low.step, true);
        Verdict::Next
    }
}

/// A step between these two: the minimum of the cubic that has their costs and slopes, where that is well inside.
fn between(low: Trial, high: Trial) -> f64 {
    let length = high.step - low.step;
    let part = minimum(low, high).map_or(0.5, |step| (step - low.step) / length);
    low.step + length * if part.is_nan() { 0.5 } else { part.clamp(MARGIN, 1.0 - MARGIN) }
}

/// The minimum of the cubic that has the costs and slopes of two trials, if there is one.
fn minimum(a: Trial, b: Trial) -> Option<f64> {
    let length = b.step - a.step;
    let d = a.slope + b.slope - 3.0 * (b.cost - a.cost) / length;
    let root = (d * d - a.slope * b.slope).sqrt() * length.signum();
    let step = b.step - length * (b.slope + root - d) / (b.slope - a.slope + 2.0 * root);
    step.is_finite().then_some(step)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Searches along `f`, which returns cost and slope. The steps that were evaluated, and whether one was accepted.
    fn search(f: impl Fn(f64) -> [f64; 2], first: f64) -> (Vec<f64>, bool) {
        let [cost, slope] = f(0.0);
        let (mut line, mut steps) = (LineSearch::new(cost, slope, first), Vec::new());
        loop {
            steps.push(line.step());
            let [cost, slope] = f(line.step());
            match line.tell(cost, slope) {
                Verdict::Next => {}
                Verdict::Accepted => return (steps, true),
                Verdict::Nothing => return (steps, false),
            }
        }
    }

    proptest! {
        #[test]
        fn an_accepted_step_satisfies_the_strong_wolfe_conditions(
            curvature in -6..7i32, fourth in 0.0..10.0f64, first in -6..4i32,
        ) {
            // A convex function: its minimum is anywhere from far below to far beyond the first step.
            let (curvature, first) = (10f64.powi(curvature), 10f64.powi(first));
            let f = |a: f64| [
                3.0 - a + curvature * a * a / 2.0 + fourth * a.powi(4) / 4.0,
                -1.0 + curvature * a + fourth * a.powi(3),
            ];
            let (steps, accepted) = search(f, first);
            prop_assert!(accepted && steps.len() <= MOST, "{:?}", steps);
            let step = *steps.last().unwrap();
            let [cost, slope] = f(step);
            prop_assert!(cost <= 3.0 - DECREASE * step, "{:?}: {}", steps, cost);
            prop_assert!(slope.abs() <= CURVATURE, "{:?}: {}", steps, slope);
        }
    }

    #[test]
    fn a_good_first_step_is_accepted_at_once() {
        assert_eq!(search(|a| [(a - 1.0) * (a - 1.0), 2.0 * (a - 1.0)], 1.0), (vec![1.0], true));
    }

    #[test]
    fn what_is_no_number_is_too_far() {
        let f = |a: f64| if a > 0.5 { [f64::NAN; 2] } else { [-a, 2.0 * a - 0.5] };
        let (steps, accepted) = search(f, 1e6);
        assert!(accepted && *steps.last().unwrap() <= 0.5, "{steps:?}");
    }

    #[test]
    fn where_nothing_is_lower_it_ends_with_nothing() {
        // A slope that the costs do not know of.
        let (steps, accepted) = search(|a| [1.0 + a, -1.0], 1.0);
        assert!(!accepted && steps.len() <= MOST, "{steps:?}");
    }

    #[test]
    fn where_the_slope_never_flattens_the_lowest_step_is_taken() {
        let (steps, accepted) = search(|a| [-a, -1.0], 1.0);
        assert!(accepted, "{steps:?}");
        assert_eq!(steps.last(), steps.iter().max_by(|a, b| a.total_cmp(b)), "the lowest one");
    }
}
