//! Keeps the members of a team on processors of their own.
//!
//! Linux wakes a thread beside the one that wakes it where no other processor looks idle, and under KVM a processor
//! that sleeps does not look so. Two members then share one until the load is balanced, 30 to 60 ms later: the lab
//! trains ten epochs and more in that time.

#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The processors on which members of a team have begun to work.
#[cfg(target_os = "linux")]
pub(super) struct Placement {
    taken: Vec<AtomicBool>,
}

#[cfg(target_os = "linux")]
impl Placement {
    pub(super) fn new() -> Self {
        Self { taken: (0..CpuSet::MAX_CPU).map(|_| AtomicBool::new(false)).collect() }
    }

    /// Moves the calling thread to a processor that no member has, if it is on one that another has. Where it may run
    /// later is as before. If the system refuses, the thread works where it is.
    pub(super) fn settle(&self) {
        if current().is_none_or(|cpu| self.take(cpu)) {
            return;
        }
        let Ok(allowed) = sched_getaffinity(None) else { return };
        let mut free = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu) && self.take(cpu));
        if let Some(cpu) = free.next() {
            move_to(cpu).ok();
            sched_setaffinity(None, &allowed).ok();
        }
    }

    /// Whether nobody had `cpu` before.
    fn take(&self, cpu: usize) -> bool {
        self.taken.get(cpu).is_none_or(|taken| !taken.swap(true, Ordering::Relaxed))
    }
}

/// The processor that the calling thread is on, if the system tells. Not by rustix, which reads the kernel's shared page
/// itself: under valgrind there is none, and the process ends.
#[cfg(target_os = "linux")]
fn current() -> Option<usize> {
    // SAFETY: it takes nothing, and returns a number.
    usize::try_from(unsafe { libc::sched_getcpu() }).ok()
}

/// Lets the calling thread run on `cpu` alone.
#[cfg(target_os = "linux")]
fn move_to(cpu: usize) -> rustix::io::Result<()> {
    let mut alone = CpuSet::new();
    alone.set(cpu);
    sched_setaffinity(None, &alone)
}

/// Nothing is known of processors here.
#[cfg(not(target_os = "linux"))]
pub(super) struct Placement;

#[cfg(not(target_os = "linux"))]
impl Placement {
    pub(super) fn new() -> Self {
        Self
    }

    /// Leaves the calling thread where the system put it.
    pub(super) fn settle(&self) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_member_on_a_processor_that_another_has_goes_elsewhere() {
        let allowed = sched_getaffinity(None).unwrap();
        if allowed.count() < 2 {
            return println!("NOT CHECKED: that members are kept apart, as there is one processor");
        }
        let first = (0..CpuSet::MAX_CPU).find(|&cpu| allowed.is_set(cpu)).unwrap();
        // The system may bring the thread back at any time, but does not do so time after time.
        let went = (0..20).any(|_| {
            let placement = Placement::new();
            placement.take(first);
            move_to(first).unwrap();
            sched_setaffinity(None, &allowed).unwrap();
            placement.settle();
            current() != Some(first)
        });
        assert!(went);
        let after = sched_getaffinity(None).unwrap();
        assert!(
            (0..CpuSet::MAX_CPU).all(|cpu| after.is_set(cpu) == allowed.is_set(cpu)),
            "it may run anywhere"
        );
    }

    #[test]
    fn with_more_members_than_processors_each_one_works_where_it_is() {
        let placement = Placement::new();
        (0..CpuSet::MAX_CPU).for_each(|cpu| assert!(placement.take(cpu)));
        placement.settle();
    }
}
