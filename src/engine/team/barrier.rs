//! A barrier for steps of microseconds: a waiting member spins, then yields, then sleeps.
//!
//! A training step takes about 25 microseconds, less than it takes to wake a sleeping thread, so a member first spins.
//! On a busy machine, or with more threads than cores, the member that it waits for may need the same core: so after a
//! bounded time it yields, and after another it sleeps until it is woken.
//!
//! Each member counts its arrivals in a cache line of its own, which it alone writes and the others read. A line that
//! several members write would move between their cores, which takes up to 200 ns each time on some machines.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use self::parts::{AtomicBool, AtomicU32, AtomicUsize, Condvar, Mutex, fence, hint, thread};

/// Spins before the first yield: about 30 microseconds.
const SPINS: u32 = if cfg!(loom) { 1 } else { 1_000 };
/// Yields before sleep: about 400 microseconds where no other thread wants the processor. Sleep is the last resort, as a
/// thread may wake up on the processor of the thread that woke it.
const YIELDS: u32 = if cfg!(loom) { 1 } else { 1_000 };

/// The parts of a barrier. Under loom they are loom's, which explores orders of events.
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

/// A reusable barrier for a number of threads. Once it is poisoned, nobody waits any more.
pub(super) struct Barrier {
    /// How often each member has arrived. The counts differ by at most one.
    arrivals: Vec<Line>,
    poisoned: AtomicBool,
    sleepers: AtomicUsize,
    lock: Mutex<()>,
    woken: Condvar,
}

/// Two cache lines, since some processors fetch them in pairs.
#[repr(align(128))]
struct Line(AtomicU32);

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

    /// Waits until all members have called it, each with its own number. What each wrote before is then visible to all.
    /// False where the barrier is poisoned.
    pub(super) fn wait(&self, member: usize) -> bool {
        let before = self.arrivals[member].0.load(Ordering::Relaxed);
        self.arrivals[member].0.store(before.wrapping_add(1), Ordering::Release);
        // The fences of all members are in one order. The member with the last fence sees that all have arrived, and wakes
        // the sleepers. A sleeper is counted before its own fence: either it is seen there, or it sees the last arrival.
        fence(Ordering::SeqCst);
        if self.have_all_arrived(before) {
            self.wake();
        } else {
            self.wait_for_others(before);
        }
        !self.poisoned.load(Ordering::Acquire)
    }

    /// Releases everybody who waits or will wait.
    pub(super) fn poison(&self) {
        self.poisoned.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
        self.wake();
    }

    /// Whether every member has arrived more than `before` times, or the barrier is poisoned.
    fn have_all_arrived(&self, before: u32) -> bool {
        let arrived = |line: &Line| line.0.load(Ordering::Acquire) != before;
        self.arrivals.iter().all(arrived) || self.poisoned.load(Ordering::Acquire)
    }

    fn wait_for_others(&self, before: u32) {
        for _ in 0..SPINS {
            if self.have_all_arrived(before) {
                return;
            }
            hint::spin_loop();
        }
        for _ in 0..YIELDS {
            if self.have_all_arrived(before) {
                return;
            }
            thread::yield_now();
        }
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleepers.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        while !self.have_all_arrived(before) {
            guard = self.woken.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        self.sleepers.fetch_sub(1, Ordering::Relaxed);
    }

    /// Wakes the sleepers.
    fn wake(&self) {
        if self.sleepers.load(Ordering::Relaxed) > 0 {
            // A sleeper that saw nothing new holds the lock until it waits: after this it does.
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.woken.notify_all();
        }
    }
}

/// Orders of events of two members, explored by loom.
#[cfg(all(loom, test))]
mod tests {
    use loom::sync::Arc;

    use super::*;

    /// Two members: each writes its own cell before the barrier and reads the other's after it.
    struct Pair {
        barrier: Barrier,
        cells: [AtomicUsize; 2],
    }

    impl Pair {
        fn new() -> Arc<Self> {
            Arc::new(Self { barrier: Barrier::new(2), cells: [AtomicUsize::new(0), AtomicUsize::new(0)] })
        }

        /// The phases are those of a training step: after the second wait, cells may be written again.
        fn work(&self, member: usize, rounds: usize) {
            for round in 1..=rounds {
                self.cells[member].store(round, Ordering::Relaxed);
                assert!(self.barrier.wait(member));
                assert_eq!(self.cells[1 - member].load(Ordering::Relaxed), round);
                assert!(self.barrier.wait(member));
            }
        }
    }

    /// All orders in which threads are preempted at most three times.
    fn explore(events: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(events);
    }

    #[test]
    fn what_was_written_before_the_barrier_is_visible_after_it() {
        explore(|| {
            let pair = Pair::new();
            let other = Arc::clone(&pair);
            let thread = thread::spawn(move || other.work(1, 2));
            pair.work(0, 2);
            thread.join().unwrap();
        });
    }

    #[test]
    fn a_member_that_waits_for_one_that_panicked_is_released() {
        explore(|| {
            let pair = Pair::new();
            let other = Arc::clone(&pair);
            let thread = thread::spawn(move || {
                other.barrier.wait(1);
                other.barrier.poison();
            });
            let waits = [pair.barrier.wait(0), pair.barrier.wait(0)];
            assert!(!waits[1]);
            thread.join().unwrap();
        });
    }
}
