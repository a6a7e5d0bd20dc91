//! Signals that ask the command to stop, and the one that says that a mapped file cannot be read.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{Error, Result};

/// A watch on SIGINT (Ctrl-C) and SIGTERM. As long as there is nothing to lose each ends the process at once; else
/// the first one is noted, and the second one ends the process.
pub(super) struct Signals {
    received: Arc<AtomicUsize>,
    at_once: Arc<AtomicBool>,
}

impl Signals {
    /// Watches from now on.
    pub(super) fn watch() -> Result<Self> {
        let received = Arc::new(AtomicUsize::new(0));
        let at_once = Arc::new(AtomicBool::new(true));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal that is noted finds the flag down, and puts it up.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&at_once))
                .and_then(|_| flag::register(signal, Arc::clone(&at_once)))
                .and_then(|_| flag::register_usize(signal, Arc::clone(&received), signal as usize))
                .map_err(Error::io(Path::new("SIGINT and SIGTERM"), "watch"))?;
        }
        Ok(Self { received, at_once })
    }

    /// From now on there is something to lose.
    pub(super) fn note(&self) {
        self.at_once.store(false, Ordering::SeqCst);
    }

    /// From now on there is nothing to lose any more. The signal that came before, if one did.
    pub(super) fn release(&self) -> Option<u8> {
        self.at_once.store(true, Ordering::SeqCst);
        self.received()
    }

    /// The signal that came, if one did.
    pub(super) fn received(&self) -> Option<u8> {
        u8::try_from(self.received.load(Ordering::SeqCst)).ok().filter(|&signal| signal > 0)
    }
}

/// Makes a file that grows past the limit of the shell (`ulimit -f`) an error like a full disk, instead of the
/// process's end.
pub(super) fn refuse_large_files() {
    #[cfg(unix)]
    {
        // Where this fails the system's own way stays, which harms nothing but the message.
        let _ = flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    }
}

/// Makes a fault in a mapped file, which was shortened or whose disk failed, an error: one line, and exit code 1. What
/// was written before is whole, as always; what was being written is removed by the next run.
pub(super) fn report_faults() {
    #[cfg(unix)]
    faults::watch();
}

/// What a signal's handler may do is little: nothing here locks, allocates or formats.
#[cfg(unix)]
mod faults {
    use std::mem::MaybeUninit;
    use std::ptr;
    use std::sync::OnceLock;

    use crate::files::in_use;

    /// What handled the signal before.
    static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

    pub(super) fn watch() {
        let mut before = MaybeUninit::uninit();
        // SAFETY: zeros are a `sigaction` of no flags and no blocked signals; `handle` has the signature that
        // SA_SIGINFO asks for, and does only what a handler may.
        let read = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handle as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(libc::SIGBUS, ptr::null(), before.as_mut_ptr()) == 0
                // SAFETY: the call before filled it in.
                && BEFORE.set(before.assume_init()).is_ok()
                && libc::sigaction(libc::SIGBUS, &action, ptr::null_mut()) == 0
        };
        // Where this fails the system's own way stays, which harms nothing but the message.
        let _ = read;
    }

    extern "C" fn handle(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the system gives a handler of SA_SIGINFO what it knows of the signal.
        let address = unsafe { (*info).si_addr() }.addr();
        // SAFETY: this handles the fault of a read at this address.
        unsafe { in_use::at_fault::<()>(address, |line| report(line)) };
        // Not ours: whoever handled it before handles it when the read is tried again.
        if let Some(before) = BEFORE.get() {
            // SAFETY: this is what the system gave.
            unsafe { libc::sigaction(libc::SIGBUS, before, ptr::null_mut()) };
        }
    }

    fn report(line: &str) -> ! {
        for text in ["onelayer: ", line, "\n"] {
            // SAFETY: the text is as long as that.
            unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
        }
        signal_hook::low_level::exit(1)
    }
}
