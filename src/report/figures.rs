//! The figures of one run, drawn once: for its folder and for the page.

use super::curves::{accuracy_curve, loss_curve, rate_curve};
use super::{RunDetails, Templates, TrueClassProbabilities};
use crate::error::Result;
use crate::files::RunFolder;

/// Figures as text of SVG files.
pub(super) struct Figures {
    pub loss: String,
    pub accuracy: String,
    /// The learning rate; none where it is constant.
    pub rate: Option<String>,
    /// None of more classes than fit into a matrix.
    pub confusion: Option<String>,
    /// None where scores are no probabilities.
    pub probabilities: Option<String>,
    /// The class templates, with the names of the classes, and as a PNG without; none where the features are not the
    /// pixels of an image.
    pub templates: Option<(String, Vec<u8>)>,
}

impl Figures {
    pub fn draw(run: &RunDetails) -> Self {
        let classes = &run.record.dataset.classes;
        Self {
            loss: loss_curve(run.record),
            accuracy: accuracy_curve(run.record),
            rate: rate_curve(run.record),
            confusion: run.confusion().heat_map(),
            probabilities: run.probabilities.map(TrueClassProbabilities::svg),
            templates: Templates::new(run.parameters)
                .map(|templates| (templates.svg(classes), templates.png())),
        }
    }

    /// Writes them into `prefix`, a folder in `folder`.
    pub fn write(&self, folder: &RunFolder, prefix: &str) -> Result<()> {
        let write = |name: &str, contents: &[u8]| folder.write(&format!("{prefix}{name}"), contents);
        write("loss.svg", self.loss.as_bytes())?;
        write("accuracy.svg", self.accuracy.as_bytes())?;
        if let Some(svg) = &self.rate {
            write("rate.svg", svg.as_bytes())?;
        }
        if let Some(svg) = &self.confusion {
            write("confusion.svg", svg.as_bytes())?;
        }
        if let Some(svg) = &self.probabilities {
            write("probabilities.svg", svg.as_bytes())?;
        }
        if let Some((svg, png)) = &self.templates {
            write("templates.svg", svg.as_bytes())?;
            write("templates.png", png)?;
        }
        Ok(())
    }
}
