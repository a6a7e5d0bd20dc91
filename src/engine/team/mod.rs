//! A team of threads that stays together for many steps of training.
//!
//! A step of training is too short to fork and join threads for it. Instead, the members of a team enter one parallel
//! region, run all its steps, and wait for each other at a barrier. The threads are those of a rayon pool, which runs
//! rayon's parallel iterators as well.

mod barrier;
mod crew;
mod pace;
#[cfg(target_os = "linux")]
mod placement;

use std::any::Any;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::barrier::Barrier;
pub use self::crew::Crew;
pub(crate) use self::pace::{Clock, Pace, Stretch};
use crate::error::{Error, Result};

/// A fixed number of threads.
pub struct Team {
    pool: Arc<rayon::ThreadPool>,
    threads: usize,
    /// Held while the threads work, by one of the handles that share them.
    working: Arc<Mutex<()>>,
}

/// One thread of a team, within [`Team::run`].
pub struct Member<'a> {
    rank: Rank,
    barrier: &'a Barrier,
}

/// The place of a member among those of its team, which its part of the work follows from.
#[derive(Clone, Copy, Debug)]
pub struct Rank {
    /// The number of the member: 0 to `threads` - 1.
    pub index: usize,
    /// The number of members.
    pub threads: usize,
}

impl Rank {
    /// The portion of `count` items that is this member's. Portions are contiguous, in order of the members, and their
    /// sizes differ by at most one.
    pub fn portion(self, count: usize) -> Range<usize> {
        count * self.index / self.threads..count * (self.index + 1) / self.threads
    }
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

    /// Another handle on the same threads, for an engine that takes turns with that of this handle.
    pub fn handle(&self) -> Self {
        Self { pool: Arc::clone(&self.pool), threads: self.threads, working: Arc::clone(&self.working) }
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `work` on one of the team's threads. Whatever `work` runs through other handles on the team begins at once,
    /// as its threads are still awake. Called from a thread outside the team, each such run costs 50 to 100 microseconds:
    /// 3 % of an epoch of the lab.
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

    /// Runs `work` on every thread at the same time, and returns the results in order of [`Rank::index`].
    ///
    /// # Errors
    /// If a member panics. Members that wait for it at the barrier are released.
    pub fn run<R: Send>(&mut self, work: impl Fn(Member) -> R + Sync) -> Result<Vec<R>> {
        self.run_on(self.threads, work)
    }

    /// As [`Team::run`], on the first `members` threads alone.
    ///
    /// # Errors
    /// As [`Team::run`].
    ///
    /// # Panics
    /// If there are fewer threads, or `members` is 0.
    pub fn run_on<R: Send>(&mut self, members: usize, work: impl Fn(Member) -> R + Sync) -> Result<Vec<R>> {
        assert!((1..=self.threads).contains(&members), "{members} members of {} threads", self.threads);
        let _turn = self.turn();
        let barrier = Barrier::new(members);
        #[cfg(target_os = "linux")]
        let placement = placement::Placement::new();
        let part = |index| {
            let member = Member { rank: Rank { index, threads: members }, barrier: &barrier };
            panic::catch_unwind(AssertUnwindSafe(|| work(member))).inspect_err(|_| barrier.poison())
        };
        let results = match members {
            // Without waking the others.
            1 => vec![self.pool.install(|| part(0))],
            _ => self
                .pool
                .broadcast(|context| {
                    (context.index() < members).then(|| {
                        #[cfg(target_os = "linux")]
                        placement.settle();
                        part(context.index())
                    })
                })
                .into_iter()
                .flatten()
                .collect(),
        };
        // The error is that of the member that panicked, not of one that left the barrier because of it.
        let (mut values, mut payloads) = (Vec::with_capacity(members), Vec::new());
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

    /// Waits until no other handle has the threads at work. A panic there leaves no broken state, so poison is ignored.
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member<'_> {
    /// Its place among the members.
    pub fn rank(&self) -> Rank {
        self.rank
    }

    /// Waits until every member has called it. What each wrote before is then visible to all.
    ///
    /// # Panics
    /// If another member has panicked. [`Team::run`] reports that member's panic.
    #[inline]
    pub fn wait(&self) {
        if self.rank.threads > 1 && !self.barrier.wait(self.rank.index) {
            // Not `panic!`, which would print a message.
            panic::resume_unwind(Box::new(Released));
        }
    }
}

/// The payload of a member that leaves because another one panicked.
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
    fn no_member_passes_the_barrier_before_all_have_arrived() {
        // Also more threads than cores, so that waiting members must yield.
        for threads in [1, 2, 3, 8] {
            let arrivals = AtomicUsize::new(0);
            let seen = team(threads).run(|member| {
                (1..=200usize).all(|round| {
                    arrivals.fetch_add(1, Ordering::Relaxed);
                    member.wait();
                    let all_arrived = arrivals.load(Ordering::Relaxed) == round * threads;
                    member.wait();
                    all_arrived
                })
            });
            assert_eq!(seen.unwrap(), vec![true; threads]);
        }
    }

    #[test]
    fn a_panic_in_one_member_ends_the_run_with_its_message() {
        let mut team = team(3);
        let result = team.run(|member| {
            assert!(member.rank().index != 1, "member one panicked");
            member.wait();
        });
        assert!(matches!(result, Err(Error::Panicked { message }) if message == "member one panicked"));
        assert_eq!(team.run(|member| member.rank().index).unwrap(), [0, 1, 2], "the team lives on");
    }
}
