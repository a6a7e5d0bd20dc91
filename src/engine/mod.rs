//! The engines: one contract, and what all of them share.
//!
//! An engine owns the parameters of one or more *runs* while they train. All runs see the same images in the
//! same order; each has its own learning rate and penalty. To an engine R runs of K classes are R x K
//! *columns*, so that one pass over the images trains them all.

mod barrier;
mod contract;
mod evaluation;
mod gemm;
mod kind;
mod machine;
mod placement;
mod problem;
mod reference;
mod simd;
mod team;

pub use contract::{Batches, Engine, EngineInfo, RunState, Step};
pub use evaluation::Evaluation;
pub use gemm::Gemm;
pub use kind::EngineKind;
pub use machine::Machine;
pub use problem::{Problem, Shape};
pub use reference::Reference;
pub use simd::{Ground, Isa, Simd, Stage, Stages};
pub use team::{Member, Team};
