//! What an engine is built from.

use crate::model::{Parameters, Standardization};
use crate::objective::Objective;
use crate::samples::Element;

/// The initial parameters of each run, the standardization of the images, and the loss to be minimized.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// The parameters that each run begins with, all of one shape.
    pub initial: &'a [Parameters],
    /// What every image is standardized by.
    pub standardization: &'a Standardization,
    /// What is minimized.
    pub objective: &'a Objective,
    /// What a feature of the images is stored as.
    pub element: Element,
}

impl Problem<'_> {
    /// The shape of the runs.
    ///
    /// # Panics
    /// If the runs have no shape in common (see [`Shape::of`]), or the standardization is of another D, or the class
    /// weights are of another K.
    pub fn shape(&self) -> Shape {
        let shape = Shape::of(self.initial);
        let weights = self.objective.class_weights.len();
        assert!(
            weights == 0 || weights == shape.classes,
            "{weights} class weights of {} classes",
            shape.classes
        );
        assert_eq!(self.standardization.mean.len(), shape.features, "mean [D]");
        assert_eq!(self.standardization.std.len(), shape.features, "std [D]");
        shape
    }
}

/// The sizes that an engine is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// D: the features of an image.
    pub features: usize,
    /// K: the classes of a run.
    pub classes: usize,
    /// R: the runs trained side by side.
    pub runs: usize,
}

impl Shape {
    /// The shape that all of `parameters`, one for each run, have in common.
    ///
    /// # Panics
    /// If there is none, or they differ, or K is not in 2..=65,536 (a label has 16 bits).
    pub fn of(parameters: &[Parameters]) -> Self {
        let first = parameters.first().expect("at least one run");
        let shape = Self { features: first.features, classes: first.classes, runs: parameters.len() };
        for run in parameters {
            assert_eq!((run.features, run.classes), (shape.features, shape.classes), "runs of one shape");
            assert_eq!(run.weight.len(), shape.classes * shape.features, "weight [K, D]");
            assert_eq!(run.bias.len(), shape.classes, "bias [K]");
        }
        assert!((2..=1 << 16).contains(&shape.classes), "{} classes", shape.classes);
        shape
    }

    /// R x K.
    pub fn columns(&self) -> usize {
        self.runs * self.classes
    }
}
