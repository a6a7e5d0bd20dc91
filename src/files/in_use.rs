//! The table of the files that are mapped into memory.
//!
//! It serves two promises. No output replaces a file that is being read: [`check_output`]. And a mapped file that is
//! shortened, or whose disk fails, ends the command with one line: such a read raises a signal, whose handler asks
//! [`at_fault`] for the line. A signal handler may neither lock nor allocate, so the table has a fixed size, is
//! changed under a lock and is read without one.

use std::fs::{File, Metadata};
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// Maps beyond this number are not listed, and so not protected.
const SLOTS: usize = 256;

static TABLE: [Slot; SLOTS] = [const { Slot::empty() }; SLOTS];
/// Held while the table is changed, or read outside a signal handler.
static LOCK: Mutex<()> = Mutex::new(());

/// A mapped file and its addresses in memory. A slot whose `end` is 0 is free.
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

#[derive(Debug)]
struct MappedFile {
    path: PathBuf,
    file: File,
    /// The bytes that are mapped.
    bytes: usize,
    identity: (u64, u64),
    /// The line to print when the file was shortened.
    shortened: String,
    /// The line to print when the file cannot be read any more.
    failed: String,
}

/// A mapped file's entry in the table, which is removed when this is dropped.
#[derive(Debug)]
pub struct InUse {
    slot: Option<usize>,
    /// The table points to it.
    _file: Arc<MappedFile>,
}

impl InUse {
    /// Enters the file `path`, open as `file` and mapped as `bytes`.
    ///
    /// # Errors
    /// A file that cannot be examined.
    pub fn new(path: &Path, file: File, bytes: &[u8]) -> Result<Self> {
        let metadata = file.metadata().map_err(Error::io(path, "examine"))?;
        let expected = format!("a file that stays {} bytes long while it is read", bytes.len());
        let file = Arc::new(MappedFile {
            path: path.to_path_buf(),
            file,
            bytes: bytes.len(),
            identity: identity(&metadata),
            shortened: Error::format(path, expected, "one that was shortened").to_string(),
            failed: Error::format(path, "a file that can be read", "that its disk failed").to_string(),
        });
        let _lock = lock();
        let slot = TABLE.iter().position(|slot| slot.end.load(Ordering::Relaxed) == 0);
        if let Some(slot) = slot {
            let range = bytes.as_ptr_range();
            TABLE[slot].file.store(Arc::as_ptr(&file).cast_mut(), Ordering::Relaxed);
            TABLE[slot].start.store(range.start.addr(), Ordering::Relaxed);
            // Last: a handler that sees the end sees the rest.
            TABLE[slot].end.store(range.end.addr(), Ordering::Release);
        }
        Ok(Self { slot, _file: file })
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let _lock = lock();
        if let Some(slot) = self.slot {
            TABLE[slot].end.store(0, Ordering::Release);
        }
    }
}

/// Calls `say` with the line that describes the fault of a read at `address`, if a mapped file lies there. Neither
/// locks nor allocates: a signal handler may call it.
///
/// # Safety
/// A thread is reading the mapped file at `address`, so that it stays mapped until this returns.
pub unsafe fn at_fault<R>(address: usize, say: impl FnOnce(&str) -> R) -> Option<R> {
    let holds = |slot: &&Slot| {
        let end = slot.end.load(Ordering::Acquire);
        (slot.start.load(Ordering::Relaxed)..end).contains(&address)
    };
    let slot = TABLE.iter().find(holds)?;
    // SAFETY: the file is mapped until this returns, as the caller promises, so its entry is alive.
    let file = unsafe { &*slot.file.load(Ordering::Relaxed) };
    let mut now = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: `fstat` writes to `now`, which has room for a `stat` and is read only where the call succeeded.
    let size = unsafe {
        (libc::fstat(file.file.as_raw_fd(), now.as_mut_ptr()) == 0).then(|| now.assume_init().st_size)
    };
    let shortened = size.is_some_and(|size| (size as u64) < file.bytes as u64);
    Some(say(if shortened { &file.shortened } else { &file.failed }))
}

/// Checks that an output is no mapped file, by whatever path or link. `output` is where it goes, and `metadata` is
/// that of the file which is there now.
///
/// # Errors
/// The mapped file that it is.
pub fn check_output(output: &Path, metadata: &Metadata) -> Result<()> {
    let _lock = lock();
    for slot in TABLE.iter().filter(|slot| slot.end.load(Ordering::Relaxed) > 0) {
        // SAFETY: an entry is removed under the lock, which is held here, before its file is dropped.
        let file = unsafe { &*slot.file.load(Ordering::Relaxed) };
        if file.identity == identity(metadata) {
            let found = format!("{}, which is being read", file.path.display());
            return Err(Error::format(output, "an output that is no input", found));
        }
    }
    Ok(())
}

/// Device and inode: the same for every name of a file.
fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn lock() -> MutexGuard<'static, ()> {
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}
