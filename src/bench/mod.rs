//! How fast this machine trains, and how much of it is left unused.
//!
//! The machine is measured first ([`roofline`]), then each engine on it: its kernels one at a time, an
//! epoch, the lab's whole run. [`oracle`] holds every result to the reference engine's before its time is
//! reported. [`record`] is what comes of it; [`compare()`] holds it against an earlier one.

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
