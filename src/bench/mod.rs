//! How fast this machine trains, and how close that is to what it can do.
//!
//! First the machine is measured ([`roofline`]), then each engine on it: its kernels one at a time, an epoch, and
//! whole trainings. `oracle` compares every result with the reference engine's; a wrong one has no time.
//! `record` is what was measured, and `compare` compares it with an earlier record.

mod compare;
mod contender;
mod oracle;
mod record;
pub mod roofline;
mod task;
#[cfg(test)]
mod tests;
mod trainings;
mod workload;

pub(crate) use compare::{Comparison, Verdict, compare};
pub(crate) use contender::{Contender, instruction_sets};
pub(crate) use oracle::Oracle;
pub(crate) use record::{BenchRecord, Measurement, NOISY, Rates};
pub(crate) use task::Task;
pub(crate) use workload::{Files, Workload};
