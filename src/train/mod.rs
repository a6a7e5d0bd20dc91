//! Training: epochs of steps, an evaluation after each, and the record of it all.

pub mod checkpoint;
pub mod config;
mod evaluating;
pub mod history;
pub mod record;
pub mod trainer;

pub use checkpoint::{Checkpoint, Fingerprint, Reached};
pub use config::{Config, Run};
pub use evaluating::evaluate;
pub use history::{EpochRecord, EpochSeconds, Metrics};
pub use record::{ReproductionRecord, RunRecord};
pub use trainer::{Finished, Progress, Trainer};
