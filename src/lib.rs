//! `onelayer`: the fastest way to train a one-layer network on a CPU.
//!
//! The network is one matrix: `W x^ + b`, with `x^` the standardized features of a sample: the bytes of an image, or f32
//! numbers of any kind. Training minimizes the mean of a loss (cross-entropy of the softmax, hinge, or K sigmoids) plus
//! `lambda ||W||^2` by mini-batch gradient descent.
//!
//! # Training a model
//!
//! ```
//! use std::num::NonZeroUsize;
//!
//! use onelayer::data::{Dataset, Source, SplitFiles};
//! use onelayer::engine::{EngineKind, Machine, Team};
//! use onelayer::train::{Run, Session, Settings, Splits, Which};
//!
//! # fn main() -> onelayer::Result<()> {
//! // The built-in images; `Source::Folder` reads CIFAR's own files.
//! let data = Dataset::open(&Source::Synthetic(0), &SplitFiles::default())?;
//!
//! // Two runs, side by side in one pass over the images.
//! let run = |lambda: f64| {
//!     let settings = Settings { lambda, epochs: 2, ..Settings::default() };
//!     Run { name: format!("lambda {lambda}"), settings }
//! };
//! let team = Team::new(NonZeroUsize::new(2).unwrap())?;
//! let machine = Machine { engine: EngineKind::Auto, isa: None, team };
//!
//! let mut session = Session::new(Splits::from(&data), vec![run(0.0), run(1.0)], &machine)?;
//! session.run(&mut ())?;
//! for history in session.histories() {
//!     assert!(history[1].validation.accuracy > 0.35);
//! }
//! for model in session.models(Which::Last) {
//!     let _file = model.expect("a run that did not diverge").to_bytes();
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Shapes
//!
//! | letter | what | the lab's |
//! |---|---|---|
//! | N | images of a split | 10,000 |
//! | D | features of a sample: of an image its bytes; of CIFAR's, channel by channel | 3,072 |
//! | K | classes | 10 |
//! | R | runs trained side by side, each with its own learning rate and penalty | 4 |
//! | C | columns, R x K: what an engine computes for each image | 40 |
//! | B | images of a batch; the last of an epoch may be smaller | 100 |
//!
//! Shapes are written row-major, and an arrow says what becomes what:
//! `logits [B, K] <- x^ [B, D] . weight^T + bias`. A gradient carries a `d`: `dlogits`, `dweight`.
//!
//! # The rooms
//!
//! Data flows one way, and no room knows the ones below it in this list.
//!
//! | room | what happens there |
//! |---|---|
//! | [`samples`] | rows of bytes or f32 numbers in memory: all that an engine sees of a data set |
//! | [`files`] | files are read within bounds, written whole, and collected in run folders |
//! | [`data`] | bytes on disk become splits of samples, mapped and checked; standardization; mirrored and moved pictures |
//! | [`objective`] | the loss of a sample, and its gradient |
//! | [`model`] | weights, bias and standardization, drawn at random, saved, loaded |
//! | [`engine`] | steps of training and evaluations, by one contract: simd, fixed, gemm, reference |
//! | [`train`] | epochs, histories, and the record of a run |
//! | [`sweep`] | many runs: grids, random points, halving, shards, and what of it survives an interruption |
//! | [`gradient_check`] | analytic gradients against numerical ones |
//! | [`picture`] | PNG, JPEG, WebP, GIF and BMP files become images like a model's |
//! | [`bench`](mod@bench) | engines against each other, the reference and the roofline of this machine |
//! | [`report`] | run folders, tables, figures, the page |
//! | [`cli`] | the command: one file per verb |
//!
//! [`Error`](enum@Error) says what is wrong with which file or setting; [`machine`] names the processor.
//!
//! # Features
//!
//! The last four rooms, [`data::fetch`](mod@data::fetch) and [`data::archive`] belong to the command. They, and the
//! crates that only they need, are behind the feature `cli`, which is on by default. A program that only uses the
//! library turns it off:
//!
//! ```toml
//! onelayer = { version = "0.1", default-features = false }
//! ```

#[cfg(feature = "cli")]
pub mod bench;
#[cfg(feature = "cli")]
pub mod cli;
pub mod data;
pub mod engine;
pub mod error;
pub mod files;
pub mod gradient_check;
pub mod machine;
pub mod model;
pub mod objective;
pub mod picture;
#[cfg(feature = "cli")]
pub mod report;
pub mod samples;
pub mod sweep;
pub mod train;

pub use error::{Error, Result};
