//! Sweeps: many settings in one command, on all threads and on many machines.
//!
//! ```text
//! space: lists of values -> settings                                       space.rs, list.rs
//! the part of them that is this shard's                                    plan.rs, shard.rs
//! until each rung, and then to the last epoch:
//!     groups of runs that can share a pass, as many as the caches hold     train/groups.rs
//!     each group by an engine of one thread; no thread waits for another   trainer.rs, worker.rs
//!     what was reached goes into the books, and to disk                    books.rs, store.rs
//!     the best go on, the others are dropped                               halving.rs
//! the best of all is the winner                                            outcome.rs
//! ```
//!
//! The bits of a run depend on nothing but its settings and the data: every model of a sweep is the one that a session of
//! its own trains, however the runs are grouped, sharded, stopped and resumed. Only along a path of penalties do they depend
//! on the penalties before it.

mod books;
mod halving;
mod images;
mod list;
pub mod merge;
mod outcome;
mod plan;
mod progress;
pub mod record;
mod shard;
mod space;
mod store;
mod trainer;
mod worker;

pub use halving::{Rung, rungs};
pub use images::Images;
pub use merge::Shards;
pub use outcome::{Ending, Outcome};
pub use plan::{Header, Plan};
pub use progress::{End, Progress, Watch};
pub use record::SweepRecord;
pub use shard::Shard;
pub use space::{Lists, Space};
pub use store::{BEST_MODEL, Journal};
pub use trainer::Sweep;

use sha2::{Digest, Sha256};

use crate::train::Settings;

/// What a run is called: sixteen hexadecimal digits of the SHA-256 of its settings.
pub fn id(settings: &Settings) -> String {
    let row = |name| format!("{name}={}\n", settings.get(name));
    let text: String = Settings::TABLE.iter().map(|setting| row(setting.name)).collect();
    Sha256::digest(text)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
