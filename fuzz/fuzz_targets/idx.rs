//! An array as MNIST's files have it: of samples, and of labels.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use onelayer::data::idx;
use onelayer_fuzz::check_array;

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("file");
    check_array(path, bytes, idx::parse(path, bytes));
});
