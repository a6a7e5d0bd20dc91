//! The probability that a model gives to the true class: histograms for its right and its wrong answers.

use super::axes::{Axes, Scale};
use super::number::count;
use super::svg::{Anchor, BLUE, Svg, TEXT, VERMILION};
use crate::error::Result;
use crate::objective::Objective;
use crate::samples::{Rows, Samples};

/// The most logits that are computed at a time: 1 MiB of them.
const LOGITS: usize = 1 << 18;
/// Bins of the histograms, each 1 / BINS wide.
const BINS: usize = 20;
const WIDTH: f64 = 520.0;
const PANEL: f64 = 160.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 34.0;
const GAP: f64 = 68.0;

/// How many images got a probability for their true class in each of 20 bins from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrueClassProbabilities {
    /// Images whose predicted class is the true one.
    pub right: [u64; BINS],
    /// The other images.
    pub wrong: [u64; BINS],
}

impl TrueClassProbabilities {
    /// Counts all of `samples` for each of `runs` models of K `classes`, block by block, so that the memory it takes
    /// does not grow with the number of images. `forward` computes the `logits [N, R * K]` of some of the images. None for
    /// an objective whose scores are no probabilities.
    ///
    /// # Errors
    /// What `forward` fails with.
    ///
    /// # Panics
    /// If a label is not below K.
    pub fn of(
        samples: &Samples,
        (runs, classes): (usize, usize),
        objective: &Objective,
        mut forward: impl FnMut(&Rows, &mut [f32]) -> Result<()>,
    ) -> Result<Option<Vec<Self>>> {
        if objective.activations(&[0.0, 0.0]).is_none() {
            return Ok(None);
        }
        let columns = runs * classes;
        let block = (LOGITS / columns).max(1);
        let mut counts = vec![Self::default(); runs];
        let mut logits = Vec::new();
        let mut labels = (0..samples.len()).map(|image| samples.label(image));
        for rows in samples.images() {
            for first in (0..rows.len()).step_by(block) {
                let rows = rows.slice(first..rows.len().min(first + block));
                logits.resize(rows.len() * columns, 0.0);
                forward(&rows, &mut logits)?;
                for (image, label) in logits.chunks(columns).zip(&mut labels) {
                    let runs = counts.iter_mut().zip(image.chunks(classes));
                    runs.for_each(|(counts, logits)| counts.count(objective, logits, label));
                }
            }
        }
        Ok(Some(counts))
    }

    /// Counts an image, given its K logits and its label. `objective` says what the logits stand for.
    ///
    /// # Panics
    /// If a label is not below K, or the objective has no probabilities.
    pub fn count(&mut self, objective: &Objective, logits: &[f32], label: u16) {
        let label = usize::from(label);
        let probability = objective.activations(logits).expect("an objective with probabilities")[label];
        // The first of several equal logits is the predicted class, as in every evaluation.
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let right = logits.iter().position(|&logit| logit == largest) == Some(label);
        let bins = if right { &mut self.right } else { &mut self.wrong };
        bins[((probability * BINS as f64) as usize).min(BINS - 1)] += 1;
    }

    /// Both histograms, one above the other, over one axis of probability.
    pub fn svg(&self) -> String {
        let mut svg = Svg::new(WIDTH, TOP + 2.0 * PANEL + 2.0 * GAP - 8.0);
        let panels = [("right answers", &self.right, BLUE), ("wrong answers", &self.wrong, VERMILION)];
        for (panel, (name, bins, colour)) in panels.into_iter().enumerate() {
            let top = TOP + panel as f64 * (PANEL + GAP);
            let axes = Axes {
                x: Scale::round([0.0, 1.0].into_iter(), 5.0),
                y: Scale::round(
                    [0.0, bins.iter().copied().max().unwrap_or(0).max(4) as f64].into_iter(),
                    3.0,
                ),
                corner: (LEFT, top),
                size: (WIDTH - LEFT - RIGHT, PANEL),
            };
            let x_name = if panel == 1 { "probability given to the true class" } else { "" };
            axes.draw(&mut svg, x_name, "images");
            let total = count(bins.iter().sum::<u64>());
            svg.text((LEFT, top - 0.8 * TEXT), Anchor::Start, format_args!("{total} {name}"));
            draw_bars(&mut svg, &axes, bins, colour);
        }
        svg.finish("Histograms of the probability given to the true class, for right and wrong answers")
    }
}

fn draw_bars(svg: &mut Svg, axes: &Axes, bins: &[u64; BINS], colour: &str) {
    let style = format!(" fill=\"{colour}\"");
    for (bin, &images) in bins.iter().enumerate().filter(|(_, images)| **images > 0) {
        let (left, top) = axes.place((bin as f64 / BINS as f64, images as f64));
        let (right, bottom) = axes.place(((bin + 1) as f64 / BINS as f64, 0.0));
        svg.rectangle((left + 0.5, top), (right - left - 1.0, bottom - top), &style);
    }
}
