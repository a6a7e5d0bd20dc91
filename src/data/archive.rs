//! The official archives: what they are, whether a file is one, and its record files unpacked.
//!
//! Nothing in an archive says where a file goes: its members are looked up by name in a list that is known
//! beforehand, and everything else in it is passed over.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use tar::{Entry, EntryType};

use super::layout::{self, RECORD};
use crate::error::{Error, Result};
use crate::files::regular;
use crate::files::whole::{folder_of, sync_folder};

/// The file, beside the unpacked ones, that has their SHA-256, as `sha256sum` writes and checks it.
pub const SUMS_FILE: &str = "SHA256SUMS";

/// What an archive may unpack to beyond the files that are wanted: headers, padding, a page to read.
const SLACK: u64 = 1 << 20;

/// A gzipped tar archive that is known to its last byte.
#[derive(Clone, Debug)]
pub struct Archive {
    /// What the data set is called.
    pub name: String,
    /// Its official address.
    pub url: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// The folder within it that holds the files, and that they are unpacked to.
    pub folder: String,
    /// The files that are wanted from it.
    pub members: Vec<Member>,
}

/// A file of an archive.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// The sizes that it can have; one for a file of records.
    pub bytes: RangeInclusive<u64>,
    /// Its SHA-256, in hexadecimal, where it is known without the archive.
    pub sha256: Option<String>,
}

/// A file that is as it should be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Verified {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Archive {
    /// The binary version of CIFAR-10.
    pub fn cifar_10() -> Self {
        let batches = (1..=5).map(|batch| format!("data_batch_{batch}.bin"));
        let records = |name: String| {
            let known = layout::OFFICIAL_SHA256.iter().find(|(file, _)| *file == name);
            let bytes = 10_000 * RECORD as u64;
            Member { name, bytes: bytes..=bytes, sha256: known.map(|(_, sha256)| sha256.to_string()) }
        };
        Self {
            name: "CIFAR-10".into(),
            url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz".into(),
            bytes: 170_052_171,
            sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd".into(),
            folder: layout::FOLDER.into(),
            members: batches
                .chain(["test_batch.bin".into()])
                .map(records)
                .chain([Member::names(layout::NAMES_FILE)])
                .collect(),
        }
    }

    /// The binary version of CIFAR-100.
    pub fn cifar_100() -> Self {
        // A coarse and a fine label before the pixels.
        let records = |name: &str, images: u64| {
            let bytes = images * (RECORD as u64 + 1);
            Member { name: name.into(), bytes: bytes..=bytes, sha256: None }
        };
        Self {
            name: "CIFAR-100".into(),
            url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz".into(),
            bytes: 168_513_733,
            sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec".into(),
            folder: "cifar-100-binary".into(),
            members: vec![
                records("train.bin", 50_000),
                records("test.bin", 10_000),
                Member::names("fine_label_names.txt"),
                Member::names("coarse_label_names.txt"),
            ],
        }
    }

    /// Checks that the file `path` is this archive.
    ///
    /// # Errors
    /// A file that cannot be read, or has another size or SHA-256.
    pub fn check(&self, path: &Path) -> Result<()> {
        let (mut file, bytes) = regular::open(path, &self.description())?;
        if bytes != self.bytes {
            return Err(Error::format(path, self.description(), format_args!("{bytes} bytes")));
        }
        let found = sha256_of(path, &mut file)?;
        if found != self.sha256 {
            let expected = format!("SHA-256 {} ({})", self.sha256, self.description());
            return Err(Error::format(path, expected, found));
        }
        Ok(())
    }

    /// Unpacks the wanted files of the archive `path` to the folder `target`, which appears when it is
    /// complete. Until then they are in a folder beside it, named `.part`; one that is left over from an earlier
    /// call is removed.
    ///
    /// # Errors
    /// A file that is not a gzipped tar archive, or in which a wanted file is missing, there twice, of another
    /// size, or not a regular file; a `target` that exists; what the system refuses.
    pub fn unpack(&self, path: &Path, target: &Path) -> Result<()> {
        let mut part = target.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        remove_if_there(&part)?;
        fs::create_dir(&part).map_err(Error::io(&part, "make the folder"))?;
        let unpacked = self.unpack_into(path, &part).and_then(|()| {
            fs::rename(&part, target).map_err(Error::io(target, "move the unpacked folder to"))?;
            sync_folder(folder_of(target))
        });
        if unpacked.is_err() {
            remove_if_there(&part)?;
        }
        unpacked
    }

    fn unpack_into(&self, path: &Path, folder: &Path) -> Result<()> {
        let unreadable = |error: io::Error| Error::format(path, "a gzipped tar archive", error);
        let (file, _) = regular::open(path, &self.description())?;
        let limit = SLACK + self.members.iter().map(|member| member.bytes.end()).sum::<u64>();
        let mut entries = tar::Archive::new(GzDecoder::new(BufReader::new(file)).take(limit));
        let mut sums: Vec<Option<String>> = vec![None; self.members.len()];
        for entry in entries.entries().map_err(unreadable)? {
            let mut entry = entry.map_err(unreadable)?;
            let Some(index) = self.wanted(&entry) else { continue };
            let member = &self.members[index];
            if sums[index].is_some() {
                return Err(Error::format(path, format_args!("one {}", member.name), "two"));
            }
            let kind = entry.header().entry_type();
            if !matches!(kind, EntryType::Regular | EntryType::Continuous) {
                let found = format_args!("an entry of type {kind:?}");
                return Err(Error::format(path, format_args!("{} to be a regular file", member.name), found));
            }
            if !member.bytes.contains(&entry.size()) {
                let found = format_args!("{} bytes", entry.size());
                return Err(Error::format(path, format_args!("{} of {}", member.name, member.size()), found));
            }
            sums[index] = Some(copy(&mut entry, path, &folder.join(&member.name))?);
        }
        let mut list = String::new();
        for (member, sum) in self.members.iter().zip(sums) {
            let missing =
                || Error::format(path, format_args!("a file {}/{}", self.folder, member.name), "none");
            list += &format!("{}  {}\n", sum.ok_or_else(missing)?, member.name);
        }
        let sums = folder.join(SUMS_FILE);
        let mut file = File::create_new(&sums).map_err(Error::io(&sums, "write"))?;
        file.write_all(list.as_bytes()).and_then(|()| file.sync_all()).map_err(Error::io(&sums, "write"))?;
        sync_folder(folder)
    }

    /// Which of the wanted files an entry is, by its name.
    fn wanted(&self, entry: &Entry<'_, impl Read>) -> Option<usize> {
        let path = entry.path_bytes();
        let name = path.strip_prefix(b"./").unwrap_or(&path);
        let name = name.strip_prefix(self.folder.as_bytes())?.strip_prefix(b"/")?;
        self.members.iter().position(|member| member.name.as_bytes() == name)
    }

    /// Checks the unpacked files in `folder`: sizes, and SHA-256 where it is known, from the folder's own
    /// [`SUMS_FILE`] or beforehand.
    ///
    /// # Errors
    /// A file that is missing, or has another size or SHA-256.
    pub fn verify(&self, folder: &Path) -> Result<Vec<Verified>> {
        let sums = sums_in(folder)?;
        let verify = |member: &Member| {
            let path = folder.join(&member.name);
            let (mut file, bytes) = regular::open(&path, &member.size())?;
            if !member.bytes.contains(&bytes) {
                return Err(Error::format(&path, member.size(), again(&bytes.to_string(), folder)));
            }
            let sha256 = sha256_of(&path, &mut file)?;
            let noted = sums.iter().find(|(_, name)| *name == member.name).map(|(sum, _)| sum);
            match [member.sha256.as_ref(), noted].into_iter().flatten().find(|known| **known != sha256) {
                Some(known) => {
                    Err(Error::format(&path, format_args!("SHA-256 {known}"), again(&sha256, folder)))
                }
                None => Ok(Verified { name: member.name.clone(), bytes, sha256 }),
            }
        };
        self.members.iter().map(verify).collect()
    }

    fn description(&self) -> String {
        format!("the archive of {}, {} bytes", self.name, self.bytes)
    }
}

impl Member {
    /// A list of class names, which is as long as the names are.
    fn names(name: &str) -> Self {
        Self { name: name.into(), bytes: 1..=8192, sha256: None }
    }

    fn size(&self) -> String {
        let (low, high) = (self.bytes.start(), self.bytes.end());
        if low == high { format!("{high} bytes") } else { format!("{low} to {high} bytes") }
    }
}

/// `found`, and what to do about it.
fn again(found: &str, folder: &Path) -> String {
    format!("{found}; remove {} and fetch again", folder.display())
}

/// Writes one entry of the archive `path` to the file `to`, to the disk itself, and returns its SHA-256.
fn copy(entry: &mut impl Read, path: &Path, to: &Path) -> Result<String> {
    let mut file = File::create_new(to).map_err(Error::io(to, "write"))?;
    let unreadable = |error| Error::format(path, format_args!("the bytes of {}", to.display()), error);
    let sha256 = hash(entry, unreadable, |bytes| file.write_all(bytes).map_err(Error::io(to, "write")))?;
    file.sync_all().map_err(Error::io(to, "write"))?;
    Ok(sha256)
}

/// The sums, and the names they belong to, that `folder` notes; none where it has no such file.
fn sums_in(folder: &Path) -> Result<Vec<(String, String)>> {
    let path = folder.join(SUMS_FILE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let bytes = regular::read(&path, "a list of checksums", SLACK)?;
    let text = str::from_utf8(&bytes).map_err(|error| Error::format(&path, "a list of checksums", error))?;
    let pair = |line: &str| line.split_once("  ").map(|(sum, name)| (sum.to_string(), name.to_string()));
    Ok(text.lines().filter_map(pair).collect())
}

fn sha256_of(path: &Path, file: &mut File) -> Result<String> {
    hash(file, |error| Error::io(path, "read")(error), |_| Ok(()))
}

/// Reads `from` to its end, shows `take` all that is there, and returns its SHA-256.
fn hash(
    from: &mut impl Read,
    unreadable: impl FnOnce(io::Error) -> Error,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            Ok(length) => {
                hash.update(&buffer[..length]);
                take(&buffer[..length])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
}

fn remove_if_there(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io(folder, "remove the folder")(error))
        }
        _ => Ok(()),
    }
}
