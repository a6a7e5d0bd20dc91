//! How fast this machine trains, and how close that is to what it can do.
//!
//! First the machine is measured ([`roofline`]), then each engine on it: its kernels one at a time, an epoch, and
//! the lab's whole run. [`oracle`] compares every result with the reference engine's; a wrong one has no time.
//! [`record`] is what was measured, and [`compare()`] compares it with an earlier record.

pub mod compare;
pub mod contender;
pub mod oracle;
pub mod record;
pub mod roofline;
pub mod task;
#[cfg(test)]
mod tests;
pub mod workload;

pub use compare::{Comparison, Verdict, compare};
pub use contender::{Contender, instruction_sets};
pub use oracle::Oracle;
pub use record::{BenchRecord, Measurement};
pub use task::Task;
pub use workload::Workload;
