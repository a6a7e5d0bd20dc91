//! A barrier for steps of microseconds: it spins, then yields, then sleeps.
//!
//! A training step takes about 25 microseconds, less than waking a sleeping thread costs, so a member that
//! waits first spins. On a busy machine, or with more threads than cores, the member it waits for may need
//! this very core: so after a bounded time it yields, and then sleeps until it is woken.
//!
//! Each member counts its arrivals in a cache line of its own, which it alone writes and the others read: a line that
//! several write would go to and fro between the cores, and each of those ways costs up to 200 ns on some machines.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use self::parts::{AtomicBool, AtomicU32, AtomicUsize, Condvar, Mutex, fence, hint, thread};

/// Spins before the first yield: about 30 microseconds.
const SPINS: u32 = if cfg!(loom) { 1 } else { 1_000 };
/// Yields before sleep, some 400 microseconds where nobody else wants the processor. Sleep is for the worst case: who
/// is woken may find itself on the processor of the one that wakes it.
const YIELDS: u32 = if cfg!(loom) { 1 } else { 1_000 };

/// What a barrier is made of: loom's, where it tries orders of events.
mod parts {
    #[cfg(all(loom, test))]
    pub(super) use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, fence};
    #[cfg(all(loom, test))]
    pub(super) use loom::sync::{Condvar, Mutex};
    #[cfg(all(loom, test))]
    pub(super) use loom::{hint, thread};
    #[cfg(not(all(loom, test)))]
    pub(super) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, fence};
    #[cfg(not(all(loom, test)))]
    pub(super) use std::sync::{Condvar, Mutex};
    #[cfg(not(all(loom, test)))]
    pub(super) use std::{hint, thread};
}

/// A reusable barrier for a number of threads, which can be poisoned: then nobody waits any more.
pub(super) struct Barrier {
    /// For each member, how often it has arrived. No two members differ by more than one.
    arrivals: Vec<Line>,
    poisoned: AtomicBool,
    sleepers: AtomicUsize,
    lock: Mutex<()>,
    woken: Condvar,
}

/// Two cache lines, since some processors fetch them in pairs.
#[repr(align(128))]
struct Line(AtomicU32);

/// Some member will never arrive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Poisoned;

impl Barrier {
    pub(super) fn new(members: usize) -> Self {
        Self {
            arrivals: (0..members).map(|_| Line(AtomicU32::new(0))).collect(),
            poisoned: AtomicBool::new(false),
            sleepers: AtomicUsize::new(0),
            lock: Mutex::new(()),
            woken: Condvar::new(),
        }
    }

    /// Returns when all members have called it, each with its own number. What each wrote before is then visible to
    /// all.
    pub(super) fn wait(&self, member: usize) -> Result<(), Poisoned> {
        let before = self.arrivals[member].0.load(Ordering::Relaxed);
        self.arrivals[member].0.store(before.wrapping_add(1), Ordering::Release);
        // The fences have an order. Whose is the last sees that all have come, and wakes those who sleep; a sleeper's
        // comes after it was counted, so that it is seen, or sees for itself.
        fence(Ordering::SeqCst);
        if self.have_all_come(before) {
            self.wake();
        } else {
            self.wait_for_the_others(before);
        }
        if self.poisoned.load(Ordering::Acquire) { Err(Poisoned) } else { Ok(()) }
    }

    /// Lets everybody who waits, or will wait, go at once with [`Poisoned`].
    pub(super) fn poison(&self) {
        self.poisoned.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
        self.wake();
    }

    /// Whether every member has arrived once more than `before` times, or somebody never will.
    fn have_all_come(&self, before: u32) -> bool {
        let came = |line: &Line| line.0.load(Ordering::Acquire) != before;
        self.arrivals.iter().all(came) || self.poisoned.load(Ordering::Acquire)
    }

    fn wait_for_the_others(&self, before: u32) {
        for _ in 0..SPINS {
            if self.have_all_come(before) {
                return;
            }
            hint::spin_loop();
        }
        for _ in 0..YIELDS {
            if self.have_all_come(before) {
                return;
            }
            thread::yield_now();
        }
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleepers.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        while !self.have_all_come(before) {
            guard = self.woken.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        self.sleepers.fetch_sub(1, Ordering::Relaxed);
    }

    /// Wakes those who sleep.
    fn wake(&self) {
        if self.sleepers.load(Ordering::Relaxed) > 0 {
            // Taking the lock makes sure that a sleeper which saw nothing new is waiting by now.
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.woken.notify_all();
        }
    }
}

/// Orders of events of two members, as far as loom tells them apart.
#[cfg(all(loom, test))]
mod tests {
    use loom::sync::Arc;

    use super::*;

    /// What two members share: each writes its own cell before the barrier and reads the other's after it.
    struct Pair {
        barrier: Barrier,
        cells: [AtomicUsize; 2],
    }

    impl Pair {
        fn new() -> Arc<Self> {
            Arc::new(Self { barrier: Barrier::new(2), cells: [AtomicUsize::new(0), AtomicUsize::new(0)] })
        }

        /// The phases are those of a training step: what was read may be written again after the second wait.
        fn work(&self, member: usize, rounds: usize) {
            for round in 1..=rounds {
                self.cells[member].store(round, Ordering::Relaxed);
                self.barrier.wait(member).unwrap();
                assert_eq!(self.cells[1 - member].load(Ordering::Relaxed), round);
                self.barrier.wait(member).unwrap();
            }
        }
    }

    /// All orders in which a thread is taken from its processor at most three times.
    fn explore(events: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(events);
    }

    #[test]
    fn what_was_written_before_the_barrier_is_seen_after_it() {
        explore(|| {
            let pair = Pair::new();
            let other = Arc::clone(&pair);
            let thread = thread::spawn(move || other.work(1, 2));
            pair.work(0, 2);
            thread.join().unwrap();
        });
    }

    #[test]
    fn who_waits_for_a_member_that_fell_is_let_go() {
        explore(|| {
            let pair = Pair::new();
            let other = Arc::clone(&pair);
            let thread = thread::spawn(move || {
                other.barrier.wait(1).ok();
                other.barrier.poison();
            });
            let waits = [pair.barrier.wait(0), pair.barrier.wait(0)];
            assert_eq!(waits[1], Err(Poisoned));
            thread.join().unwrap();
        });
    }
}
