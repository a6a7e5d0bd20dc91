//! Signals that ask the command to stop.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{Error, Result};

/// A watch on SIGINT (Ctrl-C) and SIGTERM. The first one is noted, the second one ends the process at once.
pub(super) struct Signals {
    received: Arc<AtomicUsize>,
}

impl Signals {
    /// Watches from now on.
    pub(super) fn watch() -> Result<Self> {
        let received = Arc::new(AtomicUsize::new(0));
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag down, and puts it up.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&again))
                .and_then(|_| flag::register(signal, Arc::clone(&again)))
                .and_then(|_| flag::register_usize(signal, Arc::clone(&received), signal as usize))
                .map_err(Error::io(Path::new("SIGINT and SIGTERM"), "watch"))?;
        }
        Ok(Self { received })
    }

    /// The signal that came, if one did.
    pub(super) fn received(&self) -> Option<u8> {
        u8::try_from(self.received.load(Ordering::Relaxed)).ok().filter(|&signal| signal > 0)
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
