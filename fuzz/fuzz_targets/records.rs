//! A file of CIFAR-10 records. The first byte says how many classes there are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onelayer::data::layout::{FEATURES, RECORD};
use onelayer::data::mapped::MappedRecords;
use onelayer_fuzz::{Scratch, accepted};

fuzz_target!(|bytes: &[u8]| {
    let Some((&last, bytes)) = bytes.split_first() else { return };
    let classes = usize::from(last) + 1;
    let scratch = Scratch::of(bytes);
    let path = scratch.file();
    let Some(records) = accepted(&path, MappedRecords::open(&path, classes)) else { return };
    assert_eq!(records.len() * RECORD, bytes.len());
    let samples = records.samples();
    for index in 0..samples.len() {
        assert!(usize::from(samples.label(index)) < classes);
        assert_eq!(samples.image(index), &bytes[RECORD * index + 1..][..FEATURES]);
    }
});
