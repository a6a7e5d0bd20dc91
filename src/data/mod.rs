//! Bytes on disk become labelled images.
//!
//! [`layout`] says what a record is, [`mapped`] maps a file of them, [`dataset`] makes splits of such files,
//! [`standardize`] measures the training split, [`order`] says in which order an epoch visits it, [`resident`]
//! copies images to where they are read fastest, [`synthetic`] writes a data set for a machine without CIFAR, and
//! [`fetch`](mod@fetch) gets an official [`archive`].

pub mod archive;
pub mod dataset;
pub mod fetch;
pub mod layout;
pub mod mapped;
pub mod order;
pub mod resident;
pub mod standardize;
pub mod synthetic;

pub use dataset::{Dataset, Source, Split, SplitFiles};
pub use order::Order;
pub use resident::Resident;
pub use standardize::Standardization;
