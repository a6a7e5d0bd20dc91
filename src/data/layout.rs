//! The layout of CIFAR's images and of CIFAR-10's binary version.
//!
//! An image has three planes of 32 x 32 pixels, row by row: red, green, blue. A file of the binary version is a
//! sequence of records, each of a label byte and an image. The official files have 10,000 records.

/// The width and height of an image, in pixels.
pub const SIDE: usize = 32;
/// The colour planes of an image: red, green, blue.
pub const CHANNELS: usize = 3;
/// D: the pixel bytes of an image.
pub const FEATURES: usize = CHANNELS * SIDE * SIDE;
/// The label bytes before an image.
pub const LABEL: usize = 1;
/// The bytes of a record.
pub const RECORD: usize = LABEL + FEATURES;

/// The name of CIFAR-10 in every output.
pub const NAME: &str = "CIFAR-10";
/// The names of CIFAR-10's classes, in the order of their labels.
pub const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// What the data is and how to get it, for errors about missing files.
pub const OFFICIAL: &str = "the binary version of CIFAR-10: onelayer fetch gets it";
/// The official files whose SHA-256 is known.
pub const OFFICIAL_SHA256: [(&str, &str); 2] = [
    ("data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
    ("test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
];
/// The folder in CIFAR-10's official archive.
pub const FOLDER: &str = "cifar-10-batches-bin";
/// The folder in the archive of CIFAR-10's Python version.
pub const PYTHON_FOLDER: &str = "cifar-10-batches-py";
/// The folders in all official archives.
pub const FOLDERS: [&str; 4] = [FOLDER, "cifar-100-binary", PYTHON_FOLDER, "cifar-100-python"];
/// The file that lists the class names, one a line.
pub const NAMES_FILE: &str = "batches.meta.txt";
