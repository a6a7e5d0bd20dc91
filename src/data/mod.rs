//! Data sets: files on disk become labelled images in training, validation and test splits.
//!
//! [`mapped`] maps a file into memory. [`binary`] and [`pickle`] read CIFAR's files, [`npy`] and [`idx`] the
//! [arrays](mod@array) of `.npy` and `.npz` files and of MNIST's; `picture_folder` decodes pictures. Each finds the images and
//! labels in bytes; the result is an [`image_file`]. Labels of arrays may be any integers: [`ClassValues`] tells their
//! classes. [`format`](mod@format) detects the format of a folder, and [`dataset`] makes splits of its files. [`layout`]
//! describes a CIFAR image. `standardize` measures the training split, [`resident`] copies it to memory that is faster to
//! read, [`levels`] rounds floats to bytes, and [`augmentation`] mirrors and moves pictures. [`synthetic`] draws a data set
//! for machines without CIFAR. [`fetch`](mod@fetch) downloads and unpacks an official [`archive`].

#[cfg(feature = "cli")]
pub mod archive;
pub mod array;
pub mod array_file;
pub mod augmentation;
pub mod binary;
mod class_names;
mod class_values;
pub mod dataset;
mod draw;
#[cfg(feature = "cli")]
pub mod fetch;
pub mod format;
pub mod idx;
pub mod image_file;
mod labels;
pub mod layout;
pub mod levels;
pub mod mapped;
pub mod npy;
mod npz;
pub mod numpy_type;
mod origin;
pub mod pickle;
mod picture_folder;
mod plan;
pub mod random;
pub(crate) mod read_ahead;
pub mod resident;
mod source;
mod split;
mod split_files;
mod standardize;
pub mod synthetic;

pub use augmentation::{Augmentation, PictureShape};
pub use class_values::ClassValues;
pub use dataset::{Dataset, Excerpt};
pub use draw::Draw;
pub use format::{Format, Reading};
pub use image_file::ImageFile;
pub use labels::Labels;
pub use levels::{Levels, Rounding};
pub use origin::Origin;
pub use resident::Resident;
pub use source::Source;
pub use split::Split;
pub use split_files::{Part, SplitFiles, Validation};
