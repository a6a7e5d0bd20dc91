//! Several teams at work at the same time, each on something of its own: what is independent needs no barrier.

use std::num::NonZeroUsize;
use std::thread;

use super::Team;
#[cfg(target_os = "linux")]
use super::placement::Placement;
use crate::error::{Error, Result};

/// Teams that share out a number of threads.
pub struct Crew {
    teams: Vec<Team>,
}

impl Crew {
    /// `threads` threads in `teams` teams, or in as many as there are threads. Their sizes differ by at most one.
    ///
    /// # Errors
    /// If the system does not give that many threads.
    pub fn new(threads: NonZeroUsize, teams: NonZeroUsize) -> Result<Self> {
        let (threads, teams) = (threads.get(), teams.min(threads).get());
        let size = |team: usize| threads * (team + 1) / teams - threads * team / teams;
        let size = |team| NonZeroUsize::new(size(team)).expect("no more teams than threads");
        Ok(Self { teams: (0..teams).map(|team| Team::new(size(team))).collect::<Result<_>>()? })
    }

    /// The teams.
    pub fn teams(&self) -> &[Team] {
        &self.teams
    }

    /// The threads of all teams.
    pub fn threads(&self) -> usize {
        self.teams.iter().map(Team::threads).sum()
    }

    /// Calls `work` with each team, and with its number, on one of its threads; all at the same time. The results in the
    /// order of the teams.
    ///
    /// # Errors
    /// If `work` panics, or the system gives no thread to wait for a team.
    pub fn work<R: Send>(&self, work: impl Fn(usize, &Team) -> R + Sync) -> Result<Vec<R>> {
        if let [team] = &self.teams[..] {
            return Ok(vec![team.lead(|| work(0, team))?]);
        }
        #[cfg(target_os = "linux")]
        let placement = Placement::new();
        let lead = |(number, team): (usize, &Team)| {
            team.lead(|| {
                #[cfg(target_os = "linux")]
                placement.settle();
                work(number, team)
            })
        };
        thread::scope(|scope| {
            let lead = &lead;
            let start = |team| thread::Builder::new().spawn_scoped(scope, move || lead(team));
            let started: Vec<_> = self.teams.iter().enumerate().map(start).collect();
            let refused =
                |error| Error::setting("threads", "a number of threads that the system gives", error);
            let ended =
                started.into_iter().map(|thread| thread.map_err(refused)?.join().expect("panics are caught"));
            ended.collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn crew(threads: usize, teams: usize) -> Crew {
        Crew::new(NonZeroUsize::new(threads).unwrap(), NonZeroUsize::new(teams).unwrap()).unwrap()
    }

    #[test]
    fn every_thread_is_in_one_team() {
        for (threads, teams, sizes) in
            [(1, 1, &[1][..]), (2, 9, &[1, 1]), (5, 3, &[1, 2, 2]), (7, 1, &[7]), (4, 2, &[2, 2])]
        {
            let crew = crew(threads, teams);
            assert!(crew.teams().iter().map(Team::threads).eq(sizes.iter().copied()), "{threads} in {teams}");
            assert_eq!(crew.threads(), threads);
        }
    }

    #[test]
    fn teams_work_at_the_same_time_and_a_panic_of_one_is_an_error() {
        let crew = crew(3, 3);
        // Each waits for all others.
        let barrier = Barrier::new(3);
        let found = crew.work(|number, _| (number, barrier.wait().is_leader())).unwrap();
        assert!(found.iter().map(|(number, _)| *number).eq(0..3));
        assert_eq!(found.iter().filter(|(_, leads)| *leads).count(), 1);
        let result = crew.work(|number, _| assert!(number != 1, "team one panicked"));
        assert!(matches!(result, Err(Error::Panicked { message }) if message == "team one panicked"));
    }
}
