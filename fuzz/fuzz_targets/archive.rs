//! A gzipped tar archive. The first byte says whether the rest is one, or a tar archive that is yet to be compressed:
//! the fuzzer does not find its way through compression.
#![no_main]

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use onelayer::data::archive::SUMS_FILE;
use onelayer_fuzz::{Scratch, accepted, archive};

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, rest)) = bytes.split_first() else { return };
    let mut compressed = rest.to_vec();
    if kind % 2 == 1 {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
        encoder.write_all(rest).expect("memory takes it");
        compressed = encoder.finish().expect("memory takes it");
    }
    let (scratch, archive) = (Scratch::of(&compressed), archive());
    let (path, target) = (scratch.file(), scratch.path("small"));
    let unpacked = accepted(&path, archive.unpack(&path, &target)).is_some();
    let in_folder = |folder: &Path| -> Vec<_> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(target.exists(), unpacked);
    if unpacked {
        assert_eq!(in_folder(&target), [SUMS_FILE, "a.bin", "names.txt"]);
        archive.verify(&target).expect("what it unpacked itself");
    }
    let beside = if unpacked { vec!["file", "small"] } else { vec!["file"] };
    assert_eq!(in_folder(path.parent().expect("a folder")), beside);
});
