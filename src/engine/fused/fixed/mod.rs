//! The passes in 16-bit fixed point: pixels are bytes, and machines multiply bytes several times as fast as floats.
//!
//! A weight is rounded to a 16-bit number times a power of two, which the weights of its column in a feature block have
//! in common; a dlogit to a 16-bit number times a power of two, which the dlogits of its column in the batch have in
//! common. Products of 16-bit numbers with pixels are added without rounding. Master weights, losses and updates stay f32:
//!
//! ```text
//! for each batch, on every thread:
//!     for each of its feature blocks:
//!         scale, 16-bit weights, mean's part <- weights                       quantize.rs
//!         for each four images by five columns:                               forward.rs
//!             sums += pixels * 16-bit weights         exact, 64 features at a time
//!             partial logits <- (sums - mean's part) * scale
//!     barrier; softmax
//!     scale, 16-bit dlogits <- dlogits                                        quantize.rs
//!     for each 64 of its features:                                            backward.rs
//!         for each five columns:
//!             lines <- bytes of the images, four by four          only for the first five
//!             sums += lines * 16-bit dlogits          exact, 4 images at a time
//!         weight -= rate * (sums * scale - mean * sum of the dlogits + penalty * weight)
//! ```
//!
//! 1. A 16-bit number consists of two *limbs*, signed bytes: `high * 256 + low`. VNNI multiplies pixels with all high
//!    limbs, and shifts the sums before it continues with the low limbs. AVX2 multiplies 16-bit numbers as they are, in
//!    two passes, each over every other number. The sums are the same integers, and so are the bits.
//! 2. A scale depends on a block alone, not on the thread that owns it: every thread that multiplies a block quantizes it
//!    again, which costs less than communication. So the bits of a run depend on no other run and on no number of threads.
//!    Scales are powers of two, so that products with them are exact: the partial logits of two blocks have the same sum
//!    whether it is rounded once, by a fused multiply-add, or after each (for weights between 1e-30 and 1e30).
//! 3. The part of the mean is subtracted with the same rounded numbers that the pixels are multiplied with. So a
//!    constant that is added to a pixel and to its mean changes nothing.

mod backward;
mod dot;
mod forward;
mod isa;
mod outliers;
mod passes;
mod peak;
mod quantize;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "x86_64")]
pub(crate) use isa::avxvnni::AvxVnni;
pub(crate) use outliers::{QUANTUM, suitability};
pub(crate) use passes::{Fixed, passes};
