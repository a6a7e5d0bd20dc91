//! Bytes on disk become labelled images.
//!
//! [`mapped`] maps files; [`binary`], [`pickle`] and [`npy`] find the images and labels in the bytes of one,
//! a format each, which is then an [`image_file`]; [`format`](mod@format) tells them apart, and [`dataset`]
//! makes splits of such files. [`layout`] says what a CIFAR image is, [`standardize`] measures the training
//! split, [`order`] says in which order an epoch visits it, [`resident`] copies images to where they are read
//! fastest, [`synthetic`] writes a data set for a machine without CIFAR, and [`fetch`](mod@fetch) gets an
//! official [`archive`].

pub mod archive;
pub mod binary;
mod class_names;
pub mod dataset;
pub mod fetch;
pub mod format;
pub mod image_file;
mod labels;
pub mod layout;
pub mod mapped;
pub mod npy;
pub mod order;
pub mod pickle;
mod plan;
pub mod resident;
mod source;
mod split;
mod split_files;
pub mod standardize;
pub mod synthetic;

pub use dataset::{Dataset, Excerpt};
pub use format::Format;
pub use image_file::ImageFile;
pub use labels::Labels;
pub use order::Order;
pub use resident::Resident;
pub use source::Source;
pub use split::Split;
pub use split_files::{Part, SplitFiles, Validation};
pub use standardize::Standardization;
