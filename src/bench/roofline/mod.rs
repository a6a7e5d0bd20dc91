//! What this machine can do at most: multiply-adds a second, and bytes a second from each cache and from memory.
//!
//! The roofline model (Williams, Waterman, Patterson, 2009): work of F operations on B bytes takes at least
//! F over the peak rate and at least B over the bandwidth. The larger of the two is its bound. Peak and bandwidth
//! are measured, with the instructions and on the threads that the work itself uses.

mod measure;
mod model;
mod timing;

pub use measure::measure;
pub use model::{Bandwidth, Limit, Numbers, Peak, Roofline, Work};
pub use timing::{Budget, Timing};
