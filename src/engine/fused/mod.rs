//! The fused engines: bytes in, trained weights out, and nothing in between but registers and caches.
//!
//! With ten classes a matrix product is so narrow that packing its operands costs as much as multiplying them.
//! These engines pack nothing but the weights, once, and read every pixel as the byte that it is:
//!
//! ```text
//! for each batch, on every thread:                                    train.rs; who does what: partition.rs
//!     for each of its feature blocks, two images by ten columns:      kernels/forward.rs
//!         twenty sums += (pixel - mean) * weight          16 features at a time
//!         partial logits <- the sum of the sixteen lanes of each
//!     barrier: all partial logits are there
//!     dlogits = softmax(bias + partial logits, two blocks by two) - y   kernels/objective.rs, 16 images at a time
//!     for each 32 of its features, by ten columns:                    kernels/backward.rs
//!         twenty sums += (pixel - mean) * dlogit          image after image
//!         weight -= rate * (sum + penalty * weight)       the gradient never leaves the registers
//! ```
//!
//! 1. Weights are stored scaled, `V = W / (unit std)`, so that `(pixel - unit mean) V` is the product with the
//!    standardized pixel. A gradient is scaled once a step, not once an image.
//! 2. Lanes run along the features, of which there are thousands, and never along the classes.
//! 3. A thread owns features: their weights and updates stay in the cache of its core. One barrier a step is enough.
//! 4. Pixels are prefetched sixteen images ahead.
//!
//! `simd` multiplies f32 ([`f32`](mod@f32)), `fixed` 16-bit fixed-point numbers ([`fixed`]). Everything else is the same
//! code, in particular the order of the work.
//!
//! The order of every sum is defined: sixteen virtual lanes, fused multiply-adds, blocks of features added two by
//! two and in order, images added in order, one polynomial for `exp`. So the bits of the result are the same for any
//! number of threads and on any instruction set, and those of a run do not depend on the runs beside it.

mod arithmetic;
mod element;
mod engine;
mod evaluate;
mod f32;
mod fixed;
mod gathered;
mod gradient;
mod isa;
mod kernels;
mod layer;
mod layout;
mod lent;
mod partition;
mod probe;
mod stages;
mod train;

pub use engine::Fused;
pub(crate) use fixed::{QUANTUM, suitability};
pub use isa::Isa;
pub use probe::Buffer;
pub use stages::{Share, Stage, Stages};
