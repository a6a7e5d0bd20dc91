//! An array as NumPy saves it.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use onelayer::data::npy::{self, Content};
use onelayer_fuzz::accepted;

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("file");
    let _ = accepted(path, npy::parse(path, bytes, Content::Labels));
    let Some(array) = accepted(path, npy::parse(path, bytes, Content::Images)) else { return };
    assert_eq!(array.shape.iter().product::<usize>(), bytes.len() - array.offset);
    if let Some((count, features, _)) = accepted(path, npy::images(path, bytes)) {
        assert_eq!(count * features, bytes.len() - array.offset);
    }
});
