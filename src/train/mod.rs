//! Training: a session of epochs, each followed by an evaluation, and the record of it all.

mod augmented;
mod average;
pub mod checkpoint;
mod class_weights;
mod control;
mod evaluate;
pub(crate) mod groups;
pub mod history;
mod lbfgs;
mod optimizer;
pub mod order;
mod phase;
mod reached;
pub mod record;
mod regroup;
mod schedule;
pub mod session;
pub mod settings;
pub(crate) mod splits;
mod warm_start;

pub use checkpoint::{Checkpoint, Fingerprint, Notes};
pub use class_weights::ClassWeights;
pub use control::{Control, End};
pub use evaluate::{evaluate, evaluator, top5};
pub use history::{EpochRecord, EpochSeconds, Fate, Metrics};
pub use lbfgs::SavedDescent;
pub use optimizer::Optimizer;
pub use order::Order;
pub use phase::{Earlier, Phase};
pub use reached::{Reached, Snapshot};
pub use record::{ReproductionRecord, RunRecord};
pub use schedule::{Schedule, When};
pub use session::{Session, Which};
pub use settings::{Run, Scope, Setting, Settings};
pub use splits::{Prepared, Splits};
pub use warm_start::WarmStart;
