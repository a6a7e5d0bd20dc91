//! A barrier for steps of microseconds: it spins, then yields, then sleeps.
//!
//! A training step takes about 25 microseconds, less than waking a sleeping thread costs, so a member that
//! waits first spins. On a busy machine, or with more threads than cores, the member it waits for may need
//! this very core: so after a bounded time it yields, and then sleeps until it is woken.

use std::hint;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// Spins before the first yield: a few tens of microseconds.
const SPINS: u32 = 4_000;
/// Yields before sleep.
const YIELDS: u32 = 100;

/// A reusable barrier for `members` threads, which can be poisoned: then nobody waits any more.
pub(super) struct Barrier {
    members: usize,
    arrived: AtomicUsize,
    /// The number of rounds completed.
    round: AtomicU32,
    poisoned: AtomicBool,
    sleepers: AtomicUsize,
    lock: Mutex<()>,
    woken: Condvar,
}

/// Some member will never arrive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Poisoned;

impl Barrier {
    pub(super) fn new(members: usize) -> Self {
        Self {
            members,
            arrived: AtomicUsize::new(0),
            round: AtomicU32::new(0),
            poisoned: AtomicBool::new(false),
            sleepers: AtomicUsize::new(0),
            lock: Mutex::new(()),
            woken: Condvar::new(),
        }
    }

    /// Returns when all members have called it. What each wrote before is then visible to all.
    pub(super) fn wait(&self) -> Result<(), Poisoned> {
        // Only this round's last arrival changes `round`, and that cannot happen before this thread arrives.
        let round = self.round.load(Ordering::Relaxed);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.members {
            self.arrived.store(0, Ordering::Relaxed);
            // SeqCst pairs with `sleep`: either this thread sees the sleeper or the sleeper sees this round.
            self.round.store(round.wrapping_add(1), Ordering::SeqCst);
            self.wake();
        } else {
            self.wait_for_the_others(round);
        }
        if self.poisoned.load(Ordering::Acquire) { Err(Poisoned) } else { Ok(()) }
    }

    /// Lets everybody who waits, or will wait, go at once with [`Poisoned`].
    pub(super) fn poison(&self) {
        self.poisoned.store(true, Ordering::SeqCst);
        self.wake();
    }

    fn is_over(&self, round: u32) -> bool {
        self.round.load(Ordering::SeqCst) != round || self.poisoned.load(Ordering::SeqCst)
    }

    fn wait_for_the_others(&self, round: u32) {
        for _ in 0..SPINS {
            if self.is_over(round) {
                return;
            }
            hint::spin_loop();
        }
        for _ in 0..YIELDS {
            if self.is_over(round) {
                return;
            }
            thread::yield_now();
        }
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        while !self.is_over(round) {
            guard = self.woken.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }

    fn wake(&self) {
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            // Taking the lock makes sure that a sleeper which saw the old round is waiting by now.
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.woken.notify_all();
        }
    }
}
