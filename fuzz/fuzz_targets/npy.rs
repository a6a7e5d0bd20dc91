//! An array as NumPy saves it.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use onelayer::data::npy;
use onelayer_fuzz::accepted;

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("file");
    let Some(array) = accepted(path, npy::parse(path, bytes)) else { return };
    assert_eq!(array.shape.iter().product::<usize>(), bytes.len() - array.offset);
});
