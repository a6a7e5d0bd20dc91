//! An archive of arrays. The first byte says whether one of its arrays is named.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use onelayer::data::array_file;
use onelayer_fuzz::{Scratch, accepted, split};

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = split(bytes) else { return };
    let scratch = Scratch::of(&[]);
    let archive = scratch.path("file.npz");
    fs::write(&archive, bytes).expect("a temporary file");
    let path = if kind % 2 == 0 { archive.clone() } else { archive.join("x") };
    if let Some(images) = accepted_below(&archive, array_file::open_unlabelled(&path)) {
        let samples = images.samples();
        assert!((0..samples.len()).all(|index| samples.image(index).len() == images.features()));
    }
});

/// As [`accepted`]; the file that is to blame is the archive, or an array in it.
fn accepted_below<T>(archive: &std::path::Path, result: onelayer::Result<T>) -> Option<T> {
    let message = result.as_ref().err().map(ToString::to_string);
    let blamed = message.is_some_and(|message| message.starts_with(&format!("{}/", archive.display())));
    if blamed { None } else { accepted(archive, result) }
}
