//! An array as NumPy saves it: of samples, and of labels.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use onelayer::data::npy;
use onelayer_fuzz::accepted;

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("file");
    let Some(array) = accepted(path, npy::parse(path, bytes)) else { return };
    let numbers = array.shape.iter().product::<usize>();
    assert_eq!(numbers * array.kind.size, bytes.len() - array.offset);
    if let Some((count, features, _)) = accepted(path, npy::images(path, bytes)) {
        assert_eq!(count * features, numbers);
        let _ = accepted(path, npy::pair((path, bytes), (path, bytes)));
    }
});
