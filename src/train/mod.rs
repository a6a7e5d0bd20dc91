//! Training: a session of epochs, each followed by an evaluation, and the record of it all.

pub mod checkpoint;
mod control;
mod evaluate;
pub(crate) mod groups;
pub mod history;
pub mod order;
mod reached;
pub mod record;
mod regroup;
pub mod session;
pub mod settings;
pub(crate) mod splits;

pub use checkpoint::{Checkpoint, Fingerprint};
pub use control::{Control, End};
pub use evaluate::{evaluate, evaluator};
pub use history::{EpochRecord, EpochSeconds, Fate, Metrics};
pub use order::Order;
pub use reached::{Reached, Snapshot};
pub use record::{ReproductionRecord, RunRecord};
pub use session::{Session, Which};
pub use settings::{Run, Scope, Setting, Settings};
pub use splits::{Prepared, Splits};
