//! Keeps the members of a team on different processors.
//!
//! Linux wakes a thread on the processor of the thread that wakes it if no other processor looks idle, and under KVM a
//! sleeping processor does not look idle. Two members then share a processor until the load is balanced, 30 to 60 ms
//! later: the lab trains ten epochs and more in that time.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The processors that members of a team have taken.
pub(super) struct Placement {
    taken: Vec<AtomicBool>,
}

impl Placement {
    pub(super) fn new() -> Self {
        Self { taken: (0..CpuSet::MAX_CPU).map(|_| AtomicBool::new(false)).collect() }
    }

    /// Moves the calling thread to a processor that no member has taken, if it is on one that another member has. The set
    /// of processors that it may run on stays the same. If the system refuses, the thread works where it is.
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

    /// Takes `cpu`. Whether nobody had taken it before.
    fn take(&self, cpu: usize) -> bool {
        self.taken.get(cpu).is_none_or(|taken| !taken.swap(true, Ordering::Relaxed))
    }
}

/// The processor that the calling thread is on, if the system tells. Not by rustix, which reads the kernel's shared page
/// (vDSO) itself: under valgrind there is none, and the process would end.
fn current() -> Option<usize> {
    // SAFETY: the call has no arguments and no preconditions, and returns a number.
    usize::try_from(unsafe { libc::sched_getcpu() }).ok()
}

/// Moves the calling thread to `cpu`, and keeps it there.
fn move_to(cpu: usize) -> rustix::io::Result<()> {
    let mut alone = CpuSet::new();
    alone.set(cpu);
    sched_setaffinity(None, &alone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_on_the_processor_of_another_moves() {
        let allowed = sched_getaffinity(None).unwrap();
        if allowed.count() < 2 {
            return println!(
                "NOT CHECKED: that members are kept on different processors, as there is one processor"
            );
        }
        let first = (0..CpuSet::MAX_CPU).find(|&cpu| allowed.is_set(cpu)).unwrap();
        // The system may move the thread back at any time, but not every time.
        let moved = (0..20).any(|_| {
            let placement = Placement::new();
            placement.take(first);
            move_to(first).unwrap();
            sched_setaffinity(None, &allowed).unwrap();
            placement.settle();
            current() != Some(first)
        });
        assert!(moved);
        let after = sched_getaffinity(None).unwrap();
        assert!(
            (0..CpuSet::MAX_CPU).all(|cpu| after.is_set(cpu) == allowed.is_set(cpu)),
            "it may run anywhere"
        );
    }

    #[test]
    fn a_member_stays_where_it_is_when_all_processors_are_taken() {
        let placement = Placement::new();
        (0..CpuSet::MAX_CPU).for_each(|cpu| assert!(placement.take(cpu)));
        placement.settle();
    }
}
