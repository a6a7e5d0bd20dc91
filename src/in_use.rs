//! The files that are mapped into memory: which one an address lies in, and which ones must not be overwritten.
//!
//! A mapped file that is shortened, or whose disk fails, ends in a fault where it is read. Who handles that may
//! neither lock nor allocate; so the table has a fixed size, is written under a lock, and is read without one.

use std::fs::{File, Metadata};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// More maps than this at a time are not listed: nothing is said of them.
const SLOTS: usize = 256;

static TABLE: [Slot; SLOTS] = [const { Slot::empty() }; SLOTS];
/// Held by whoever changes the table, or reads it outside a fault.
static CHANGE: Mutex<()> = Mutex::new(());

/// A file in use, and where in memory it is. Where `end` is 0 there is none.
struct Slot {
    start: AtomicUsize,
    end: AtomicUsize,
    file: AtomicPtr<MappedFile>,
}

impl Slot {
    const fn empty() -> Self {
        let file = AtomicPtr::new(ptr::null_mut());
        Self { start: AtomicUsize::new(0), end: AtomicUsize::new(0), file }
    }
}

/// A file whose bytes are mapped.
#[derive(Debug)]
pub struct MappedFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    identity: (u64, u64),
    shortened: String,
    failed: String,
}

impl MappedFile {
    /// The descriptor of the open file: what it is now, `fstat` tells.
    pub fn descriptor(&self) -> i32 {
        self.file.as_raw_fd()
    }

    /// How many of its bytes are mapped.
    pub fn mapped_bytes(&self) -> u64 {
        self.bytes
    }

    /// What to say where the file was shortened, a line without its end.
    pub fn shortened(&self) -> &str {
        &self.shortened
    }

    /// What to say where the file cannot be read any more.
    pub fn failed(&self) -> &str {
        &self.failed
    }
}

/// A mapped file's place in the table, which it keeps until this is dropped.
#[derive(Debug)]
pub struct InUse {
    slot: Option<usize>,
    /// What the slot points to: allocated by a box.
    file: *mut MappedFile,
}

// SAFETY: what `file` points to is never changed, is `Sync`, and is dropped by `InUse` alone.
unsafe impl Send for InUse {}
// SAFETY: as above.
unsafe impl Sync for InUse {}

impl InUse {
    /// Lists the file `path`, open as `file`, whose map is `bytes`.
    ///
    /// # Errors
    /// A file that cannot be examined.
    pub fn new(path: &Path, file: File, bytes: &[u8]) -> Result<Self> {
        let metadata = file.metadata().map_err(Error::io(path, "examine"))?;
        let expected = format!("a file that stays {} bytes long while it is read", bytes.len());
        let file = MappedFile {
            path: path.to_path_buf(),
            file,
            bytes: bytes.len() as u64,
            identity: identity(&metadata),
            shortened: Error::format(path, expected, "one that was shortened").to_string(),
            failed: Error::format(path, "a file that can be read", "that its disk failed").to_string(),
        };
        let file = Box::into_raw(Box::new(file));
        let _change = change();
        let slot = TABLE.iter().position(|slot| slot.end.load(Ordering::Relaxed) == 0);
        if let Some(slot) = slot {
            let range = bytes.as_ptr_range();
            TABLE[slot].file.store(file, Ordering::Relaxed);
            TABLE[slot].start.store(range.start.addr(), Ordering::Relaxed);
            // Last, so that who sees it sees the rest.
            TABLE[slot].end.store(range.end.addr(), Ordering::Release);
        }
        Ok(Self { slot, file })
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let _change = change();
        if let Some(slot) = self.slot {
            TABLE[slot].end.store(0, Ordering::Release);
        }
        // SAFETY: `new` made it of a box, and the table does not lead to it any more.
        drop(unsafe { Box::from_raw(self.file) });
    }
}

/// Calls `see` with the mapped file that `address` lies in, if there is one. Neither locks nor allocates: a signal's
/// handler may call it.
///
/// # Safety
/// Somebody is reading the map at `address`, so that it stays listed until this returns: the caller handles the fault
/// of that read.
pub unsafe fn at<R>(address: usize, see: impl FnOnce(&MappedFile) -> R) -> Option<R> {
    let holds = |slot: &&Slot| {
        let end = slot.end.load(Ordering::Acquire);
        (slot.start.load(Ordering::Relaxed)..end).contains(&address)
    };
    let slot = TABLE.iter().find(holds)?;
    // SAFETY: the slot is in use, and stays so, as the caller promises: its pointer is that of a live box.
    Some(see(unsafe { &*slot.file.load(Ordering::Relaxed) }))
}

/// Checks that what would be written to is not mapped, by whatever path or link: `output` is where it goes, and
/// `metadata` what is there.
///
/// # Errors
/// The mapped file that it is.
pub fn check_output(output: &Path, metadata: &Metadata) -> Result<()> {
    let _change = change();
    let wanted = identity(metadata);
    for slot in TABLE.iter().filter(|slot| slot.end.load(Ordering::Relaxed) > 0) {
        // SAFETY: the slot is in use, and stays so as long as the lock is held.
        let file = unsafe { &*slot.file.load(Ordering::Relaxed) };
        if file.identity == wanted {
            let found = format!("{}, which is being read", file.path.display());
            return Err(Error::format(output, "an output that is no input", found));
        }
    }
    Ok(())
}

/// What is the same for every name of a file.
fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn change() -> MutexGuard<'static, ()> {
    CHANGE.lock().unwrap_or_else(PoisonError::into_inner)
}
