//! Asking the system, or the processor, for what will be needed soon.

/// The system reads no more than this for one piece of advice.
#[cfg(unix)]
const PIECE: usize = 128 << 10;

/// Asks the system to read `memory` from the disk while something else is done, where it is that of a mapped file. Other
/// memory, and another system than Unix, are left as they are.
pub fn read_ahead(memory: &[u8]) {
    #[cfg(unix)]
    {
        // SAFETY: sysconf only tells a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        for piece in memory.chunks(PIECE) {
            let beyond = piece.as_ptr().addr() % page;
            let start = piece.as_ptr().wrapping_sub(beyond).cast_mut();
            // SAFETY: the advice changes no memory; all pages from `start` on hold a part of `piece`.
            let _ = unsafe { libc::madvise(start.cast(), piece.len() + beyond, libc::MADV_WILLNEED) };
        }
    }
    #[cfg(not(unix))]
    let _ = memory;
}

/// Asks the processor to bring `bytes` into its caches, on x86-64; on others it does nothing.
pub(crate) fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in bytes.chunks(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 has the instruction, which reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
}
