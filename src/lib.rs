//! `onelayer`: the fastest way to train a one-layer softmax network on CIFAR on a CPU.

pub mod cli;
pub mod data;
pub mod engine;
pub mod error;
pub mod gradient_check;
pub mod model;
pub mod objective;
pub mod picture;
pub mod report;
pub mod roofline;
pub mod samples;
pub mod train;
pub mod whole_file;

pub use error::{Error, Result};
