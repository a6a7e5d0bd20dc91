//! `model.safetensors`. What is read is written again, and read again as the same.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use onelayer::model::Model;
use onelayer_fuzz::accepted;

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("file");
    let Some(model) = accepted(path, Model::from_bytes(path, bytes)) else { return };
    assert_eq!(Model::from_bytes(path, &model.to_bytes()).expect("what it wrote itself"), model);
});
