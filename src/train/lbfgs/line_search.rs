//! How far to go along a direction: a line search that asks for evaluations, one at a time.
//!
//! With phi(a) the cost at the step a, and phi'(a) its slope, a step is accepted that satisfies the strong Wolfe conditions
//!
//! ```text
//! phi(a) <= phi(0) + DECREASE a phi'(0)        |phi'(a)| <= CURVATURE |phi'(0)|
//! ```
//!
//! A step is too far where the first condition does not hold or the cost rises. Steps grow until one is too far; then the
//! interval between `low`, the last step that was not, and `high`, the first one that was, shrinks. Between them, some step
//! satisfies both conditions (Nocedal and Wright, "Numerical Optimization", section 3.5). New steps are minima of cubics.
//!
//! Near the optimum the decrease is smaller than the rounding of the cost, and the slope is still known well. So costs that
//! differ by no more than [`ROUNDING`] count as equal: the second condition alone then decides, as in Hager and Zhang's
//! approximate Wolfe conditions ("A new conjugate gradient method with guaranteed descent", 2005), and new steps are where a
//! straight line says that the slope is 0. The cost is convex, and lower where its slope is flatter.

/// The part of the first slope's decrease that a step must have.
const DECREASE: f64 = 1e-4;
/// The part of the first slope that may be left. Quasi-Newton directions need no more.
const CURVATURE: f64 = 0.9;
/// The part of a cost that its rounding may hide: that of f32, in which engines compute logits. Of sums over 10,000 images
/// a third of it was found.
pub(super) const ROUNDING: f64 = 1.0 / (1 << 24) as f64;
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
    /// Whether the step is `low` once more, to be accepted: its gradient was not kept.
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
        let is_lower = cost <= bound || cost <= self.start.cost + self.rounding();
        if is_lower && slope.abs() <= -CURVATURE * self.start.slope {
            return Verdict::Accepted;
        }
        // What is no number is too far.
        if is_lower && slope < 0.0 && slope.is_finite() {
            self.low = trial;
        } else {
            self.high = Some(trial);
        }
        if self.evaluations == MOST {
            return self.close();
        }
        self.step = match self.high {
            None => {
                let [least, most] = GROWTH.map(|factor| factor * self.low.step);
                self.minimum(self.start, self.low).unwrap_or(most).clamp(least, most)
            }
            Some(high) => {
                let length = high.step - self.low.step;
                let part =
                    self.minimum(self.low, high).map_or(MARGIN, |step| (step - self.low.step) / length);
                self.low.step + length * part.clamp(MARGIN, 1.0 - MARGIN)
            }
        };
        if self.step == self.low.step || self.high.is_some_and(|high| self.step == high.step) {
            return self.close();
        }
        Verdict::Next
    }

    /// Ends with the farthest step that is not too far.
    fn close(&mut self) -> Verdict {
        if self.low.step == 0.0 || self.low.cost > self.start.cost {
            return Verdict::Nothing;
        }
        (self.step, self.closing) = (self.low.step, true);
        Verdict::Next
    }

    /// By how much costs differ that count as equal.
    fn rounding(&self) -> f64 {
        ROUNDING * self.start.cost.abs()
    }

    /// Where two trials say that the minimum is: that of the cubic that has their costs and slopes, or, where rounding hides
    /// how the costs differ, of the parabola that has their slopes.
    fn minimum(&self, a: Trial, b: Trial) -> Option<f64> {
        let length = b.step - a.step;
        let step = if (b.cost - a.cost).abs() <= self.rounding() {
            a.step - length * a.slope / (b.slope - a.slope)
        } else {
            let d = a.slope + b.slope - 3.0 * (b.cost - a.cost) / length;
            let root = (d * d - a.slope * b.slope).sqrt();
            b.step - length * (b.slope + root - d) / (b.slope - a.slope + 2.0 * root)
        };
        (step.is_finite() && step > a.step).then_some(step)
    }
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
            // A convex function whose minimum is anywhere from far below to far beyond the first step. It begins with 0, which
            // has no rounding.
            let (curvature, first) = (10f64.powi(curvature), 10f64.powi(first));
            let f = |a: f64| [
                -a + curvature * a * a / 2.0 + fourth * a.powi(4) / 4.0,
                -1.0 + curvature * a + fourth * a.powi(3),
            ];
            let (steps, accepted) = search(f, first);
            prop_assert!(accepted && steps.len() <= MOST, "{:?}", steps);
            let step = *steps.last().unwrap();
            let [cost, slope] = f(step);
            prop_assert!(cost <= -DECREASE * step, "{:?}: {}", steps, cost);
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
    fn where_rounding_hides_the_decrease_the_slope_decides() {
        // Of a cost around 1 only what is above its rounding is seen, and noise beside it.
        let noise = |a: f64| if (a * 1e3) as i64 % 2 == 0 { 0.5 } else { -0.5 } * ROUNDING;
        let f = |a: f64| [1.0 + noise(a), 1e-12 * (a - 3.0)];
        for first in [1e-3, 1.0, 100.0] {
            let (steps, accepted) = search(f, first);
            let step = *steps.last().unwrap();
            assert!(accepted && (0.3..5.7).contains(&step), "{steps:?}");
        }
    }

    #[test]
    fn where_the_slope_never_flattens_the_farthest_step_is_taken() {
        let (steps, accepted) = search(|a| [-a, -1.0], 1.0);
        assert!(accepted, "{steps:?}");
        assert_eq!(steps.last(), steps.iter().max_by(|a, b| a.total_cmp(b)), "the farthest one");
    }
}
