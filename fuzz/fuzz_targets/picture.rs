//! A picture: PNG, JPEG, WebP, GIF or BMP, for a model of colours or of greys.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onelayer::picture::{Picture, Shape};
use onelayer_fuzz::{Scratch, accepted};

fuzz_target!(|bytes: &[u8]| {
    let scratch = Scratch::of(bytes);
    let path = scratch.file();
    for (shape, features) in [(Shape::CIFAR, 3072), (Shape { side: 28, colour: false }, 784)] {
        let Some(picture) = accepted(&path, Picture::read(&path, shape)) else { return };
        assert!(picture.width > 0 && picture.height > 0);
        assert_eq!(picture.features.len(), features);
    }
});
