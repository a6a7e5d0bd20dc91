//! The Python versions: pickles that Python 2 and 3 wrote, read as data.

use std::fs;
use std::path::Path;

use onelayer::data::layout::CLASSES;
use onelayer::data::{Labels, SplitFiles, pickle};
use tempfile::TempDir;

use super::support::data_sets::{Batch, CIFAR_10, CIFAR_100, copy, python};
use super::{assert_error, assert_refused, contents, open, open_as};

/// A folder with a copy of the small CIFAR-10.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    copy(&python("cifar-10-batches-py"), folder.path());
    folder
}

/// What is refused of the pickle `bytes`, as a batch of CIFAR-10.
#[track_caller]
fn assert_pickle_refused(bytes: &[u8], facts: &[&str]) {
    assert_error(pickle::parse(Path::new("batch"), bytes, "labels"), "batch", facts);
}

/// `batch` with the only occurrence of `from` changed to `to`.
#[track_caller]
fn changed(batch: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let places: Vec<usize> =
        (0..batch.len() - from.len()).filter(|&at| batch[at..].starts_with(from)).collect();
    let &[at] = &places[..] else { panic!("{} places", places.len()) };
    [&batch[..at], to, &batch[at + from.len()..]].concat()
}

#[test]
fn cifar_10_is_what_python_wrote() {
    let data = open(&python("cifar-10-batches-py")).unwrap();
    assert_eq!((data.name, &data.classes[..]), ("CIFAR-10", &CLASSES.map(String::from)[..]));
    for (split, batch) in [&data.train, &data.validation, &data.test].into_iter().zip(CIFAR_10) {
        assert!(contents(split) == batch.contents());
    }
}

#[test]
fn cifar_100_is_what_python_wrote_by_fine_and_by_coarse_labels() {
    for labels in Labels::ALL {
        let files = SplitFiles { labels, ..SplitFiles::default() };
        let data = open_as(&python("cifar-100-python"), &files).unwrap();
        assert_eq!((data.name, data.classes.len()), ("CIFAR-100", labels.classes()));
        let label = |batch: Batch, n| match labels {
            Labels::Fine => batch.fine(n),
            Labels::Coarse => batch.fine(n) / 5,
        };
        let expected = |batch: Batch| (0..batch.count).map(move |n| (batch.image(n), label(batch, n)));
        let train = [contents(&data.train), contents(&data.validation)].concat();
        assert!(train.into_iter().eq(expected(CIFAR_100[0])));
        assert!(contents(&data.test).into_iter().eq(expected(CIFAR_100[1])));
    }
}

#[test]
fn the_official_lists_of_names_are_read() {
    // python/write.py writes the two official files, byte for byte.
    let fine = open(&python("cifar-100-python")).unwrap().classes;
    assert_eq!([&fine[0], &fine[1], &fine[99]], ["apple", "aquarium_fish", "worm"]);
    let coarse = SplitFiles { labels: Labels::Coarse, ..SplitFiles::default() };
    let coarse = open_as(&python("cifar-100-python"), &coarse).unwrap().classes;
    assert_eq!(
        [&coarse[0], &coarse[9], &coarse[19]],
        ["aquatic_mammals", "large_man-made_outdoor_things", "vehicles_2"]
    );
}

#[test]
fn every_protocol_and_fortran_order_give_the_same_images() {
    let expected = contents(&open(&python("cifar-10-batches-py")).unwrap().train);
    for name in ["python3_batch", "fortran_batch", "protocol_3", "protocol_4", "protocol_5"] {
        let folder = folder();
        fs::copy(python(name), folder.path().join("data_batch_1")).unwrap();
        assert!(contents(&open(folder.path()).unwrap().train) == expected, "{name}");
    }
}

#[test]
fn images_in_the_order_of_rows_stay_in_the_file() {
    let path = python("cifar-10-batches-py/data_batch_1");
    let bytes = fs::read(&path).unwrap();
    let batch = pickle::parse(&path, &bytes, "labels").unwrap();
    let onelayer::data::image_file::Place::File { offset, stride: 3072 } = batch.images else {
        panic!("{:?}", batch.images)
    };
    assert!(bytes[offset..].starts_with(&CIFAR_10[0].images()));
}

#[test]
fn a_pickle_that_breaks_off_anywhere() {
    for name in ["cifar-10-batches-py/data_batch_1", "python3_batch", "protocol_4", "protocol_5"] {
        let bytes = fs::read(python(name)).unwrap();
        let pixels = 200..bytes.len().min(12_400);
        let places = (0..bytes.len()).filter(|at| !pixels.contains(at)).chain(pixels.clone().step_by(997));
        for length in places {
            assert_pickle_refused(
                &bytes[..length],
                &["a pickle like those of CIFAR's Python version", "at byte"],
            );
        }
    }
}

#[test]
fn any_changed_byte_gives_data_or_one_line() {
    for name in ["cifar-10-batches-py/data_batch_1", "python3_batch", "protocol_5"] {
        let whole = fs::read(python(name)).unwrap();
        let pixels = 270..whole.len().min(12_400);
        for at in (0..whole.len()).filter(|at| !pixels.contains(at)) {
            let flipped = (0..8).map(|bit| whole[at] ^ (1 << bit));
            for byte in flipped.chain(*b"\x00\xff(.ehRbXq") {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                match pickle::parse(Path::new("batch"), &bytes, "labels") {
                    Ok(batch) => assert_eq!((batch.count, batch.features), (4, 3072)),
                    Err(error) => assert_error::<()>(Err(error), "batch", &["expected "]),
                }
            }
        }
    }
}

#[test]
fn what_is_no_pickle_of_this_kind() {
    let batch = fs::read(python("cifar-10-batches-py/data_batch_1")).unwrap();
    for (bytes, fact) in [
        (&b"pickle"[..], "found the unsupported opcode 0x70 at byte 0"),
        (b"\x80\x06\x95", "found protocol 6, not 2 to 5 at byte 0"),
        (b"\x80\x04\x95\x00", "found the end of the file within the pickle at byte 2"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "found the name \"os.system\", which is not allowed"),
        (b"\x80\x04K\x01K\x01\x93.", "found a name that is not text at byte 6"),
        (b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\xff", "found a string of 18446744073709551615 bytes"),
        (b"\x80\x02}q\x01.more", "found 4 bytes after its end at byte 6"),
        (b"\x80\x02].", "found a pickle of something other than a dictionary"),
        (b"\x80\x02.", "found an empty stack at byte 2"),
        (b"\x80\x02(}.", "found"),
        (b"\x80\x02(.", "found an empty stack at byte 3"),
        (b"\x80\x02e.", "found no mark at byte 2"),
        (b"\x80\x02}(K\x01u.", "found a key without a value at byte 6"),
        (b"\x80\x02h\x07.", "found the memo key 7, which was not set at byte 2"),
        (
            b"\x80\x02T\xff\xff\xff\x7f",
            "found a string of 2147483647 bytes, of which only 0 are there at byte 2",
        ),
        (
            b"\x80\x02cos\nsystem\n(U\x02lstR.",
            "found the name \"os.system\", which is not allowed (nothing in",
        ),
        (b"\x80\x02}R.", "found an empty stack at byte 3"),
        (b"\x80\x02}K\x01a.", "found items for something other than a list at byte 5"),
        (b"\x80\x02}q\x01.", "expected a dictionary with \"data\", found keys []"),
    ] {
        assert_pickle_refused(bytes, &[fact]);
    }
    let cases: [(&[u8], &[u8], &str); 8] = [
        (b"U\x02u1", b"U\x02u2", "found type \"u2\""),
        (b"K\x04M\x00\x0c", b"K\x05M\x00\x0c", "found shape [5, 3072] with 12288 values"),
        (b"K\x04M\x00\x0c", b"J\xff\xff\xff\x7fM\x00\x0c", "found shape [2147483647, 3072]"),
        (b"K\x04M\x00\x0c", b"J\xff\xff\xff\xffM\x00\x0c", "found shape [-1, 3072]"),
        (b"K\x04M\x00\x0c", b"K\x0cM\x00\x04", "found shape [12, 1024]"),
        (b"U\x06labels", b"U\x06labelz", "expected a dictionary with \"labels\", found keys ["),
        (b"K\x01K\x04K\x07K\x00e", b"K\x01K\x04K\x07e", "expected 4 numbers in \"labels\""),
        (b"K\x01K\x04K\x07K\x00e", b"K\x01K\x04M\x00\x01K\x00e", "found 256 in record 2 (counted from 0)"),
    ];
    for (from, to, fact) in cases {
        assert_pickle_refused(&changed(&batch, from, to), &[fact]);
    }
}

#[test]
fn a_pickle_of_endless_lists_has_an_end() {
    let bytes = [&b"\x80\x02"[..], &vec![b']'; 1 << 23]].concat();
    assert_pickle_refused(&bytes, &["found more than 4194304 operations"]);
}

#[test]
fn a_label_over_nine() {
    let folder = folder();
    let path = folder.path().join("data_batch_2");
    let bytes = changed(&fs::read(&path).unwrap(), b"K\x02K\x05K\x08e", b"K\x02K\x0aK\x08e");
    fs::write(&path, bytes).unwrap();
    assert_refused(folder.path(), &path, &["expected labels from 0 to 9", "found 10 in record 1"]);
}

#[test]
fn lists_of_names_that_are_missing_or_wrong() {
    let folder = folder();
    let path = folder.path().join("batches.meta");
    let meta = fs::read(&path).unwrap();
    for (from, to, fact) in [
        (&b"U\x08airplaneq\x05"[..], &b""[..], "expected 10 class names, in \"label_names\", found 9 names"),
        (b"U\x08airplane", b"U\x08air\nline", "of visible characters, found \"air\\nline\""),
        (b"U\x08airplane", b"M\x00\x00", "expected text for names in \"label_names\""),
        (b"U\x0blabel_names", b"U\x0blabel_namez", "expected a dictionary with \"label_names\""),
    ] {
        fs::write(&path, changed(&meta, from, to)).unwrap();
        assert_refused(folder.path(), &path, &[fact]);
    }
    fs::remove_file(&path).unwrap();
    assert_refused(folder.path(), &path, &["cannot open"]);
}
