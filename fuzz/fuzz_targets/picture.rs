//! A PNG or JPEG picture.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onelayer::data::layout::FEATURES;
use onelayer::picture::Picture;
use onelayer_fuzz::{Scratch, accepted};

fuzz_target!(|bytes: &[u8]| {
    let scratch = Scratch::of(bytes);
    let path = scratch.file();
    let Some(picture) = accepted(&path, Picture::read(&path)) else { return };
    assert!(picture.width > 0 && picture.height > 0);
    assert_eq!(picture.features.len(), FEATURES);
});
