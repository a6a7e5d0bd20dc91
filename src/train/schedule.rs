//! How the learning rate changes while a run is trained: a pure function of the step.

use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

/// A schedule of the learning rate eta, over the T steps of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Schedule {
    /// eta, always.
    #[default]
    Constant,
    /// `eta (1 - t/T)`: straight down to 0.
    Linear,
    /// `eta (1 + cos(pi t/T)) / 2`: down to 0, slowly at both ends.
    Cosine,
    /// `eta factor^floor(epoch / every)`: a multiple of what it was, every so many epochs.
    Step {
        /// Epochs between two changes.
        every: usize,
        /// What eta is multiplied by.
        factor: f64,
    },
    /// `eta / (1 + e/E)`, with e epochs passed, fractions counted.
    Inverse {
        /// E: the epochs after which eta is half of what it was.
        epochs: f64,
    },
    /// Straight from `low` up to eta in E epochs, down to `low` in as many, and so on.
    Cyclic {
        /// The smallest rate.
        low: f64,
        /// E: epochs of half a cycle.
        epochs: f64,
    },
}

/// When a step is taken.
#[derive(Clone, Copy, Debug)]
pub struct When {
    /// t: the steps taken before it.
    pub step: usize,
    /// T: all steps of the run.
    pub steps: usize,
    /// The steps of an epoch.
    pub epoch: usize,
}

impl When {
    /// The first step of a run, where every schedule but `cyclic` has the rate eta.
    pub const START: Self = Self { step: 0, steps: 1, epoch: 1 };
}

impl Schedule {
    /// What a text must be to be read.
    pub const FORMS: &str =
        "constant, linear, cosine, step:EPOCHS:FACTOR, inverse:EPOCHS or cyclic:LOW:EPOCHS";

    /// The learning rate of a step.
    pub fn rate(self, eta: f64, when: When) -> f64 {
        let When { step, steps, epoch } = when;
        let part = step as f64 / steps as f64;
        let passed = step as f64 / epoch as f64;
        match self {
            Self::Constant => eta,
            Self::Linear => eta * (1.0 - part),
            Self::Cosine => eta * 0.5 * (1.0 + libm::cos(PI * part)),
            Self::Step { every, factor } => eta * libm::pow(factor, (step / epoch / every) as f64),
            Self::Inverse { epochs } => eta / (1.0 + passed / epochs),
            Self::Cyclic { low, epochs } => {
                let phase = (passed / epochs) % 2.0;
                low + (eta - low) * (1.0 - (phase - 1.0).abs())
            }
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Linear => f.write_str("linear"),
            Self::Cosine => f.write_str("cosine"),
            Self::Step { every, factor } => write!(f, "step:{every}:{factor}"),
            Self::Inverse { epochs } => write!(f, "inverse:{epochs}"),
            Self::Cyclic { low, epochs } => write!(f, "cyclic:{low}:{epochs}"),
        }
    }
}

impl FromStr for Schedule {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |text: &str, least: f64| {
            text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= least).ok_or(())
        };
        let epochs = |text| number(text, f64::MIN_POSITIVE);
        match text.split(':').collect::<Vec<_>>()[..] {
            ["constant"] => Ok(Self::Constant),
            ["linear"] => Ok(Self::Linear),
            ["cosine"] => Ok(Self::Cosine),
            ["step", every, factor] => {
                let every = every.parse().ok().filter(|every| *every > 0).ok_or(())?;
                Ok(Self::Step { every, factor: number(factor, 0.0)? })
            }
            ["inverse", of] => Ok(Self::Inverse { epochs: epochs(of)? }),
            ["cyclic", low, of] => Ok(Self::Cyclic { low: number(low, 0.0)?, epochs: epochs(of)? }),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rate at a step of a run of 10 epochs of 4 steps.
    fn rate(schedule: &str, step: usize) -> f64 {
        let schedule: Schedule = schedule.parse().unwrap();
        schedule.rate(0.5, When { step, steps: 40, epoch: 4 })
    }

    #[test]
    fn rates_are_those_of_the_formulas() {
        for (schedule, step, expected) in [
            ("constant", 39, 0.5),
            ("linear", 0, 0.5),
            ("linear", 10, 0.375),
            ("linear", 39, 0.0125),
            ("cosine", 0, 0.5),
            ("cosine", 20, 0.25),
            ("step:2:0.5", 7, 0.5),
            ("step:2:0.5", 8, 0.25),
            ("step:2:0.5", 39, 0.03125),
            ("inverse:2", 0, 0.5),
            ("inverse:2", 8, 0.25),
            ("inverse:2", 2, 0.4),
            ("cyclic:0.1:2", 0, 0.1),
            ("cyclic:0.1:2", 4, 0.3),
            ("cyclic:0.1:2", 8, 0.5),
            ("cyclic:0.1:2", 12, 0.3),
            ("cyclic:0.1:2", 16, 0.1),
        ] {
            let found = rate(schedule, step);
            assert!((found - expected).abs() < 1e-15, "{schedule} at {step}: {found}");
        }
    }

    #[test]
    fn a_schedule_comes_back_from_its_text_and_others_are_refused() {
        for text in ["constant", "linear", "cosine", "step:5:0.1", "inverse:2.5", "cyclic:0.00001:4"] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
        for text in ["", "Linear", "step", "step:0:0.1", "step:5:-1", "inverse:0", "cyclic:1:nan", "linear:2"]
        {
            assert_eq!(text.parse::<Schedule>(), Err(()), "{text}");
        }
    }
}
