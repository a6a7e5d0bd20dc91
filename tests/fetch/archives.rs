//! Archives, good and bad, and what `fetch` makes of a file that is already here.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use onelayer::data::archive::{Archive, Member};
use onelayer::data::fetch::Origin;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::Case;

/// The files of the archive `small`. They hardly compress: an archive of them can be cut in many places.
pub const FILES: [(&str, &[u8]); 3] =
    [("a.bin", &noise::<3000>(1)), ("b.bin", &noise::<2000>(2)), ("names.txt", b"cat\ndog\n")];

const fn noise<const N: usize>(seed: u32) -> [u8; N] {
    let (mut bytes, mut state, mut i) = ([0; N], seed, 0);
    while i < N {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes[i] = (state >> 24) as u8;
        i += 1;
    }
    bytes
}

/// The archive that these bytes are, as if they were known beforehand.
pub fn official(bytes: &[u8]) -> Archive {
    let member = |(name, contents): &(&str, &[u8])| {
        let length = contents.len() as u64;
        Member { name: (*name).into(), bytes: length..=length, sha256: None }
    };
    Archive {
        name: "small".into(),
        url: "http://127.0.0.1:1/".into(),
        bytes: bytes.len() as u64,
        sha256: Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        folder: "small".into(),
        members: FILES.iter().map(member).collect(),
    }
}

/// An archive of these files in the folder `small`, of the folder itself and of a page that nobody wants.
pub fn gzipped_tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    append(&mut tar, "small/", EntryType::Directory, b"");
    append(&mut tar, "small/readme.html", EntryType::Regular, b"<html>");
    for (name, contents) in files {
        append(&mut tar, &format!("small/{name}"), EntryType::Regular, contents);
    }
    gzipped(&tar.into_inner().unwrap())
}

fn append(tar: &mut Builder<Vec<u8>>, path: &str, kind: EntryType, contents: &[u8]) {
    let mut header = Header::new_gnu();
    // Set by hand: the library would refuse a path that leads out of the archive.
    header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_size(contents.len() as u64);
    header.set_mode(0o644);
    if kind == EntryType::Symlink {
        header.set_link_name("/etc/passwd").unwrap();
    }
    header.set_cksum();
    tar.append(&header, contents).unwrap();
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A case whose archive is `bytes`, whatever they are.
fn known(bytes: Vec<u8>) -> Case {
    Case { archive: official(&bytes), bytes, ..Case::new() }
}

/// What comes of the case's bytes as a file.
fn from_file(case: &Case) -> onelayer::Result<onelayer::data::fetch::Fetched> {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("my archive");
    fs::write(&path, &case.bytes).unwrap();
    let fetched = case.fetch_from(&Origin::File(path.clone()));
    assert_eq!(fs::read(path).unwrap(), case.bytes, "it stays");
    fetched
}

#[test]
fn a_file_that_is_already_here_serves_as_well() {
    let case = Case::new();
    case.assert_complete(from_file(&case));
}

#[test]
fn a_file_that_is_not_the_archive_is_refused_before_it_is_unpacked() {
    let mut case = Case::new();
    case.bytes.pop();
    let facts = [format!("{} bytes, found {}", case.archive.bytes, case.bytes.len())];
    case.assert_refused(from_file(&case), &["my archive: expected", &facts[0]]);
    case.bytes.push(0xFF);
    case.assert_refused(from_file(&case), &["my archive: expected SHA-256", &case.archive.sha256]);
    let gone = Origin::File("/nowhere/archive".into());
    case.assert_refused(case.fetch_from(&gone), &["/nowhere/archive: cannot open"]);
    let folder = Origin::File(case.folder.path().into());
    case.assert_refused(case.fetch_from(&folder), &["found a folder"]);
}

#[test]
fn members_that_are_missing_doubled_or_of_another_size_are_refused() {
    let [a, b, names] = FILES;
    let refused = |files: &[(&str, &[u8])], words: &[&str]| {
        let case = known(gzipped_tar(files));
        case.assert_refused(from_file(&case), words);
    };
    refused(&[a, b], &["expected a file small/names.txt, found none"]);
    refused(&[a, b, names, a], &["expected one a.bin, found two"]);
    refused(&[a, ("b.bin", b"short"), names], &["b.bin of 2000 bytes, found 5 bytes"]);
}

#[test]
fn only_regular_files_in_the_one_folder_are_taken() {
    let archive = |path: &str, kind: EntryType| {
        let mut tar = Builder::new(Vec::new());
        for (name, contents) in &FILES[1..] {
            append(&mut tar, &format!("small/{name}"), EntryType::Regular, contents);
        }
        append(&mut tar, path, kind, if kind == EntryType::Regular { FILES[0].1 } else { b"" });
        known(gzipped(&tar.into_inner().unwrap()))
    };
    let case = archive("./small/a.bin", EntryType::Regular);
    case.assert_complete(from_file(&case));
    for path in ["a.bin", "../small/a.bin", "small/../a.bin", "/small/a.bin", "small/x/a.bin"] {
        let case = archive(path, EntryType::Regular);
        case.assert_refused(from_file(&case), &["expected a file small/a.bin, found none"]);
    }
    for kind in [EntryType::Symlink, EntryType::Directory, EntryType::Fifo, EntryType::Link] {
        let case = archive("small/a.bin", kind);
        case.assert_refused(from_file(&case), &["a.bin to be a regular file, found an entry of type"]);
    }
}

#[test]
fn archives_that_break_off_or_are_none_are_refused() {
    let whole = gzipped_tar(&FILES);
    for bytes in [vec![0; 100], whole[..100].to_vec(), whole[..whole.len() / 2].to_vec(), gzipped(b"no tar")]
    {
        let case = known(bytes);
        case.assert_refused(from_file(&case), &["my archive: expected", "found"]);
    }
    // Found by fuzzing: a number that is none, quoted with its line end.
    let mut tar = Builder::new(Vec::new());
    append(&mut tar, "small/a.bin", EntryType::Regular, FILES[0].1);
    let mut tar = tar.into_inner().unwrap();
    tar[148..156].copy_from_slice(b"1\n234567");
    let case = known(gzipped(&tar));
    case.assert_refused(from_file(&case), &["a gzipped tar archive, found", "1\\n234567"]);
    // A bomb: a member that nobody wants, as long as it likes.
    let endless = vec![0; 100 << 20];
    let case = known(gzipped_tar(&[("endless", &endless), FILES[0], FILES[1], FILES[2]]));
    case.assert_refused(from_file(&case), &["my archive: expected"]);
}

#[test]
fn a_folder_that_changed_since_is_noticed() {
    let case = Case::new();
    case.assert_complete(from_file(&case));
    let path = case.folder.path().join("small/b.bin");
    let mut contents = FILES[1].1.to_vec();
    contents[1] ^= 1;
    for (contents, fact) in
        [(&contents[..], "b.bin: expected SHA-256"), (&contents[1..], "b.bin: expected 2000 bytes")]
    {
        fs::write(&path, contents).unwrap();
        let message = from_file(&case).unwrap_err().to_string();
        assert!(message.contains(fact) && message.contains("fetch again"), "{message}");
    }
    fs::remove_file(&path).unwrap();
    let message = from_file(&case).unwrap_err().to_string();
    assert!(message.contains("b.bin: cannot open"), "{message}");
}
