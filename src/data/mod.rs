//! Bytes on disk become labelled images.
//!
//! [`mapped`] maps files; [`binary`], [`pickle`] and [`npy`] find the images and labels in the bytes of one,
//! a format each, which is then an [`image_file`]; [`format`](mod@format) tells them apart, and [`dataset`]
//! makes splits of such files. [`layout`] says what a CIFAR image is, `standardize` measures the training
//! split, [`resident`] copies images to where they are read
//! fastest, [`synthetic`] writes a data set for a machine without CIFAR, and [`fetch`](mod@fetch) gets an
//! official [`archive`].

#[cfg(feature = "cli")]
pub mod archive;
pub mod binary;
mod class_names;
pub mod dataset;
#[cfg(feature = "cli")]
pub mod fetch;
pub mod format;
pub mod image_file;
mod labels;
pub mod layout;
pub mod mapped;
pub mod npy;
pub mod pickle;
mod plan;
pub mod resident;
mod source;
mod split;
mod split_files;
mod standardize;
pub mod synthetic;

pub use dataset::{Dataset, Excerpt};
pub use format::Format;
pub use image_file::ImageFile;
pub use labels::Labels;
pub use resident::Resident;
pub use source::Source;
pub use split::Split;
pub use split_files::{Part, SplitFiles, Validation};
