//! The engines: one contract, several implementations.
//!
//! An engine owns the parameters of one or more *runs* while they train. All runs see the same images in the
//! same order; each has its own learning rate and penalty. To an engine R runs of K classes are R x K
//! *columns*, so that one pass over the images trains them all.
//!
//! `contract` says what every engine does, `problem` what it is built from, and `machine` builds it.

mod contract;
mod counts;
mod evaluation;
mod fused;
mod gemm;
mod gradient;
mod kind;
mod machine;
mod problem;
mod reference;
mod team;

pub use contract::{Batches, Engine, EngineInfo, Planes, RunState, Step};
pub use counts::{ClassCounts, Counts};
pub use evaluation::Evaluation;
pub(crate) use fused::QUANTUM;
pub use fused::{Buffer, Fused, Isa, Share, Stage, Stages};
pub use gemm::Gemm;
pub use gradient::Gradient;
pub use kind::EngineKind;
pub use machine::Machine;
pub use problem::{Problem, Shape};
pub use reference::Reference;
pub use team::{Crew, Member, Rank, Team};
