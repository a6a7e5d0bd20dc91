//! A team of threads that stays together for a whole stretch of training.
//!
//! A step of training is too short to fork and join: the team's members enter one parallel region, run through
//! all its steps, and meet at a barrier. The threads are rayon's, in a pool of their own, which also serves work
//! that rayon shares out itself.

use std::any::Any;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::barrier::Barrier;
use super::placement::Placement;
use crate::error::{Error, Result};

/// A fixed number of threads.
pub struct Team {
    pool: Arc<rayon::ThreadPool>,
    threads: usize,
    /// Held while the threads work: of the handles that share them, one at a time.
    working: Arc<Mutex<()>>,
}

/// One thread of a team, within [`Team::run`].
pub struct Member<'a> {
    index: usize,
    threads: usize,
    barrier: &'a Barrier,
}

impl Team {
    /// A team of `threads` threads.
    ///
    /// # Errors
    /// If the system does not give that many threads.
    pub fn new(threads: NonZeroUsize) -> Result<Self> {
        let threads = threads.get();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("onelayer-{index}"))
            .build()
            .map_err(|error| Error::setting("threads", "a number of threads that the system gives", error))?;
        Ok(Self { pool: Arc::new(pool), threads, working: Arc::new(Mutex::new(())) })
    }

    /// Another handle on the same threads, for an engine that takes its turn with this one's.
    pub fn handle(&self) -> Self {
        Self { pool: Arc::clone(&self.pool), threads: self.threads, working: Arc::clone(&self.working) }
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `work` on one of the team's threads. What it then asks of other handles on the team begins at once:
    /// threads that have just worked are still awake, and the one that asks need not be woken at the end. From
    /// another thread each call costs 50 to 100 microseconds, which is 3 % of an epoch of the lab.
    ///
    /// # Errors
    /// If `work` panics.
    pub fn lead<R: Send>(&self, work: impl FnOnce() -> R + Send) -> Result<R> {
        panic::catch_unwind(AssertUnwindSafe(|| self.pool.install(work))).map_err(panicked)
    }

    /// Runs `work` in the team's pool, so that rayon's parallel iterators in it use the team's threads.
    ///
    /// # Errors
    /// If `work` panics.
    pub fn install<R: Send>(&mut self, work: impl FnOnce() -> R + Send) -> Result<R> {
        let _turn = self.turn();
        self.lead(work)
    }

    /// Runs `work` on every thread at once, and returns what each gave, in order of [`Member::index`].
    ///
    /// # Errors
    /// If a member panics; those that wait for it at the barrier are released.
    pub fn run<R: Send>(&mut self, work: impl Fn(Member) -> R + Sync) -> Result<Vec<R>> {
        let _turn = self.turn();
        let (barrier, placement) = (Barrier::new(self.threads), Placement::new());
        let results = self.pool.broadcast(|context| {
            placement.settle();
            let member = Member { index: context.index(), threads: self.threads, barrier: &barrier };
            panic::catch_unwind(AssertUnwindSafe(|| work(member))).inspect_err(|_| barrier.poison())
        });
        // The member that panicked, not one that left the barrier because of it, tells what happened.
        let (mut values, mut payloads) = (Vec::with_capacity(self.threads), Vec::new());
        for result in results {
            match result {
                Ok(value) => values.push(value),
                Err(payload) => payloads.push(payload),
            }
        }
        match payloads.into_iter().reduce(|first, next| if first.is::<Released>() { next } else { first }) {
            Some(payload) => Err(panicked(payload)),
            None => Ok(values),
        }
    }

    /// Waits until no other handle has the threads at work. A panic leaves nothing behind that could be broken.
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member<'_> {
    /// Which member this is: 0 to [`Member::threads`] - 1.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The number of members.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// This member's share of `count` things: the shares are contiguous, in order of [`Member::index`], and differ
    /// by at most one.
    pub fn share(&self, count: usize) -> Range<usize> {
        count * self.index / self.threads..count * (self.index + 1) / self.threads
    }

    /// Waits until every member has come here. What each wrote before is then visible to all.
    ///
    /// # Panics
    /// If another member has panicked. [`Team::run`] reports that member's panic.
    #[inline]
    pub fn wait(&self) {
        if self.threads > 1 && self.barrier.wait(self.index).is_err() {
            // Not `panic!`: this member has nothing to say, and must not print anything.
            panic::resume_unwind(Box::new(Released));
        }
    }
}

/// The payload of a member that leaves because another has panicked.
struct Released;

fn panicked(payload: Box<dyn Any + Send>) -> Error {
    let text = payload.downcast_ref::<&str>().map(|text| text.to_string());
    let message = text.or_else(|| payload.downcast_ref::<String>().cloned());
    Error::Panicked { message: message.unwrap_or_else(|| "no message".into()) }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn team(threads: usize) -> Team {
        Team::new(NonZeroUsize::new(threads).unwrap()).unwrap()
    }

    #[test]
    fn nobody_passes_the_barrier_before_everybody_has_come() {
        // More threads than cores, so that the barrier must give way.
        for threads in [1, 2, 3, 8] {
            let arrivals = AtomicUsize::new(0);
            let seen = team(threads).run(|member| {
                (1..=200usize).all(|round| {
                    arrivals.fetch_add(1, Ordering::Relaxed);
                    member.wait();
                    let all_came = arrivals.load(Ordering::Relaxed) == round * threads;
                    member.wait();
                    all_came
                })
            });
            assert_eq!(seen.unwrap(), vec![true; threads]);
        }
    }

    #[test]
    fn a_panic_in_one_member_ends_the_run_with_its_message() {
        let mut team = team(3);
        let result = team.run(|member| {
            assert!(member.index() != 1, "member one fell");
            member.wait();
        });
        assert!(matches!(result, Err(Error::Panicked { message }) if message == "member one fell"));
        assert_eq!(team.run(|member| member.index()).unwrap(), [0, 1, 2], "the team lives on");
    }
}
