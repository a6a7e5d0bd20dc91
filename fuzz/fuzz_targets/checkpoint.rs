//! `checkpoint.bin`, as it is and with the SHA-256 that it should end with. What is read is written again, and read
//! again as the same; and the questions that resuming asks of it have answers.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use onelayer::samples::{Rows, Samples};
use onelayer::train::{Checkpoint, Run};
use onelayer_fuzz::{accepted, signed};

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("file");
    assert!(accepted(path, Checkpoint::from_bytes(path, bytes)).is_none(), "a forged SHA-256");
    let Some(checkpoint) = accepted(path, Checkpoint::from_bytes(path, &signed(bytes))) else { return };
    let written = checkpoint.to_bytes();
    let again = Checkpoint::from_bytes(path, &written).expect("what it wrote itself");
    // Not the two themselves: a cost may be NaN.
    assert!(again.to_bytes() == written);
    checkpoint.clone().go_on_with(again.runs).expect("its own settings");
    let bytes = [0; 50_000];
    for images in [1, 100, 50_000] {
        let train = Samples::new(Rows::contiguous(&bytes[..images], 1), Rows::contiguous(&bytes[..images], 1));
        if Run::check(&checkpoint.runs, &train, 2).is_ok() {
            checkpoint.reached.fits(&checkpoint.runs, images);
        }
    }
});
