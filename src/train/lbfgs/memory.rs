//! The memory of the last steps, and the direction that follows from it: the two-loop recursion (Nocedal and Wright,
//! "Numerical Optimization", algorithm 7.4).
//!
//! Steps and changes of the gradient are kept in f32, which is half the memory to read; every sum of products is in f64,
//! in one order.

use std::collections::VecDeque;

/// The steps that are remembered.
const MOST: usize = 10;
/// A step is remembered where the cost curves up along it by more than this part of the change of the gradient.
const CURVED: f64 = 1e-10;

/// A step and what it changed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pair {
    /// s: how the parameters changed.
    pub(super) step: Vec<f32>,
    /// y: how the gradient changed.
    pub(super) change: Vec<f32>,
    /// `1 / (s . y)`
    reciprocal: f64,
    /// `(s . y) / (y . y)`
    scale: f64,
}

impl Pair {
    /// A pair; none where the cost does not curve up along the step.
    pub(super) fn new(step: Vec<f32>, change: Vec<f32>) -> Option<Self> {
        let [curvature, square] = [&step, &change].map(|other| dot(&change, other));
        let curved = curvature > CURVED * square && (1.0 / curvature).is_finite();
        curved.then(|| Self { step, change, reciprocal: 1.0 / curvature, scale: curvature / square })
    }
}

/// The last steps, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Memory(VecDeque<Pair>);

impl Memory {
    pub(super) fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.0.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Remembers a step, and forgets the oldest one where there are too many.
    pub(super) fn push(&mut self, pair: Pair) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(pair);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// `-H gradient`, with H what the memory makes of the inverse Hessian; the steepest descent where it is empty.
    pub(super) fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut coefficients = Vec::with_capacity(self.0.len());
        for Pair { step, change, reciprocal, .. } in self.0.iter().rev() {
            let coefficient = reciprocal * dot(step, &direction);
            add(&mut direction, -coefficient, change);
            coefficients.push(coefficient);
        }
        if let Some(Pair { scale, .. }) = self.0.back() {
            direction.iter_mut().for_each(|d| *d *= scale);
        }
        for (Pair { step, change, reciprocal, .. }, coefficient) in
            self.0.iter().zip(coefficients.into_iter().rev())
        {
            let other = reciprocal * dot(change, &direction);
            add(&mut direction, coefficient - other, step);
        }
        direction
    }
}

/// Sums that go on side by side.
const LANES: usize = 8;

/// `a . b`
pub(super) fn dot<A: Copy + Into<f64>, B: Copy + Into<f64>>(a: &[A], b: &[B]) -> f64 {
    let ((a, rest_of_a), (b, rest_of_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for (sum, (&a, &b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a.into() * b.into();
        }
    }
    for (sum, (&a, &b)) in sums.iter_mut().zip(rest_of_a.iter().zip(rest_of_b)) {
        *sum += a.into() * b.into();
    }
    sums.iter().sum()
}

/// `sum <- sum + factor values`
fn add(sum: &mut [f64], factor: f64, values: &[f32]) {
    sum.iter_mut().zip(values).for_each(|(sum, &value)| *sum += factor * f64::from(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direction_satisfies_the_secant_equation_and_is_one_of_descent() {
        // The newest pair determines H along its change of the gradient: H y = s.
        let mut memory = Memory::default();
        for round in 0..2 * MOST {
            let value = |index: usize| ((7 * index + 3 * round) % 11) as f32 - 5.0;
            let step: Vec<f32> = (0..21).map(value).collect();
            let change: Vec<f32> = step.iter().enumerate().map(|(i, s)| s * (1.0 + i as f32)).collect();
            memory.push(Pair::new(step.clone(), change.clone()).unwrap());
            assert!(memory.pairs().count() <= MOST);
            let change: Vec<f64> = change.iter().map(|&y| -f64::from(y)).collect();
            for (found, expected) in memory.direction(&change).iter().zip(&step) {
                assert!((found - f64::from(*expected)).abs() < 1e-12, "{found}, not {expected}");
            }
            let gradient: Vec<f64> = (0..21).map(|index| (f64::from(index) * 0.7).sin()).collect();
            assert!(dot(&memory.direction(&gradient), &gradient) < 0.0);
        }
    }

    #[test]
    fn a_step_along_which_nothing_curves_up_is_no_pair() {
        for change in [[0.0, 0.0], [-1.0, 0.0], [f32::NAN, 0.0], [1e-19, 0.0]] {
            assert_eq!(Pair::new(vec![1e-30, 0.0], change.to_vec()), None, "{change:?}");
        }
    }
}
