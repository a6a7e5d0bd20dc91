//! How many members of a team train together: as many as are measured to be the fastest, again and again.
//!
//! Members meet at a barrier in every step, so each step takes as long as its slowest member. More members are slower where
//! steps are short, and far slower where other programs want their processors. So training goes on in stretches, and the pace
//! of each is noted. From time to time a short stretch tries the next smaller or larger number of members, and members that
//! do not get a processor each become fewer at once. Results do not depend on it.

use std::time::{Duration, Instant};

/// Seconds until the first trial; each one that finds nothing better doubles the time until the next.
const SOON: f64 = 0.005;
/// The longest time between trials.
const LATE: f64 = 0.5;
/// The seconds of a trial of fewer members, at the pace before it, and the most of any stretch.
const TRIAL: f64 = 0.001;
const STRETCH: f64 = 0.01;
/// Another number must be so many times as fast.
const FASTER: f64 = 1.05;
/// The part of the time that each member must have a processor for, and the seconds that this is measured for.
const ENOUGH: f64 = 0.75;
const MEASURED: f64 = 0.003;
/// Floating-point operations of a step that are worth a member: they take about as long as a barrier. Where each member has
/// so many times as many, fewer members are not tried.
const WORTH: f64 = 1.2e6;
const CLEARLY: f64 = 4.0;

/// The choice for one engine.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    /// The numbers of members that are tried: 1, 2, 4 and so on, and all.
    numbers: Vec<usize>,
    /// The place of the one that trains, and of the one to try next.
    current: usize,
    next: Option<usize>,
    /// The place of the smallest one that is tried.
    least: usize,
    /// What was done since the last trial, or since this number was chosen.
    window: Stretch,
    /// Samples a second before that; 0 where nothing is known.
    before: f64,
    /// Seconds from one trial to the next.
    patience: f64,
}

/// The training of some samples, and what it took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stretch {
    /// The samples.
    pub(crate) work: f64,
    pub(crate) seconds: f64,
    /// The seconds that the member with the fewest had a processor for.
    pub(crate) processor: f64,
}

impl Stretch {
    fn pace(self) -> f64 {
        self.work / self.seconds.max(1e-9)
    }

    /// Whether every member had a processor nearly all the time.
    fn has_processors(self) -> bool {
        self.processor >= ENOUGH * self.seconds
    }
}

/// What to do next: train about `work` samples, with so many members.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Turn {
    pub(crate) members: usize,
    pub(crate) work: f64,
}

impl Pace {
    /// For up to `members`, and steps of so many floating-point operations.
    pub(crate) fn new(members: usize, step: f64) -> Self {
        let powers = (0..).map(|power| 1 << power).take_while(|&number| number < members);
        let numbers: Vec<usize> = powers.chain([members]).collect();
        let largest =
            |work: f64| numbers.iter().filter(|&&number| number as f64 * work <= step).count().max(1) - 1;
        let (current, least) = (largest(WORTH), largest(CLEARLY * WORTH));
        let window = Stretch::default();
        let mut pace = Self { numbers, current, next: None, least, window, before: 0.0, patience: SOON };
        pace.next = pace.neighbour(false);
        pace
    }

    /// What to do next.
    pub(crate) fn turn(&self) -> Turn {
        if let Some(next) = self.tried() {
            // More members are woken first, and fill their caches.
            let seconds = if next > self.current { 2.0 * TRIAL } else { TRIAL };
            return Turn { members: self.numbers[next], work: seconds * self.pace() };
        }
        let members = self.numbers[self.current];
        if self.numbers.len() == 1 {
            return Turn { members, work: f64::INFINITY };
        }
        // A number that a trial has chosen proves itself in short stretches first.
        let known = if self.window.seconds > 0.0 { self.window.seconds } else { STRETCH };
        let until_trial = self.next.map_or(STRETCH, |_| self.patience - self.window.seconds);
        Turn { members, work: known.clamp(TRIAL, STRETCH).min(until_trial) * self.pace() }
    }

    /// Notes what the work of a turn took.
    pub(crate) fn note(&mut self, stretch: Stretch) {
        if let Some(next) = self.tried() {
            let (before, rises) = (self.pace(), next > self.current);
            if stretch.pace() > FASTER * before && (stretch.has_processors() || !rises) {
                self.choose(next, stretch);
                self.next = self.neighbour(rises);
            } else {
                self.next = self.neighbour(!rises);
                (self.window, self.before) = (Stretch::default(), before);
                self.be_patient();
            }
            return;
        }
        self.window.work += stretch.work;
        self.window.seconds += stretch.seconds;
        self.window.processor += stretch.processor;
        if self.current > 0 && self.window.seconds >= MEASURED && !self.window.has_processors() {
            self.choose(self.current - 1, Stretch::default());
            self.next = self.neighbour(true);
            self.be_patient();
        }
    }

    fn choose(&mut self, number: usize, known: Stretch) {
        (self.current, self.window, self.before) = (number, known, self.pace());
    }

    fn be_patient(&mut self) {
        self.patience = (2.0 * self.patience).min(LATE);
    }

    /// The number that the next turn tries, if it is a trial.
    fn tried(&self) -> Option<usize> {
        self.next.filter(|_| self.window.seconds >= self.patience)
    }

    /// The pace of the current number, of late.
    fn pace(&self) -> f64 {
        if self.window.seconds > 0.0 { self.window.pace() } else { self.before }
    }

    /// The next larger number, or else the next smaller one; or the other way round.
    fn neighbour(&self, larger: bool) -> Option<usize> {
        let above = (self.current + 1 < self.numbers.len()).then_some(self.current + 1);
        let below = (self.current > self.least).then(|| self.current - 1);
        if larger { above.or(below) } else { below.or(above) }
    }
}

/// Measures for how long the calling thread has a processor.
pub(crate) struct Clock {
    start: Instant,
    processor: Option<Duration>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now(), processor: processor_time() }
    }

    /// The seconds since the start that the thread had a processor for; all of them where the system does not tell.
    pub(crate) fn processor_seconds(&self) -> f64 {
        let used = self.processor.zip(processor_time()).map(|(before, now)| now.saturating_sub(before));
        used.unwrap_or_else(|| self.start.elapsed()).as_secs_f64()
    }
}

/// The time that the calling thread has had a processor for.
fn processor_time() -> Option<Duration> {
    #[cfg(target_os = "linux")]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(time).ok()
    }
    #[cfg(not(target_os = "linux"))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How fast a machine is with so many members at a time: work a second, and the part of the time that each has a
    /// processor for.
    type Machine<'a> = &'a dyn Fn(usize, f64) -> (f64, f64);

    /// Does `work`; the seconds it takes.
    fn seconds(pace: &mut Pace, mut work: f64, machine: Machine) -> f64 {
        let mut now = 0.0;
        while work > 0.0 {
            let turn = pace.turn();
            let mut stretch = Stretch::default();
            // Image by image, each at the pace of its time.
            while stretch.work < turn.work.clamp(1.0, work) {
                let (pace, share) = machine(turn.members, now + stretch.seconds);
                stretch.work += 1.0;
                stretch.seconds += 1.0 / pace;
                stretch.processor += share / pace;
            }
            now += stretch.seconds;
            work -= stretch.work;
            pace.note(stretch);
        }
        now
    }

    const SMALL: f64 = 0.0;
    const LARGE: f64 = 1e9;

    /// The smallest step that is worth so many members.
    fn just(members: usize) -> f64 {
        WORTH * members as f64
    }

    #[test]
    fn trials_cost_a_quiet_machine_little() {
        for members in [2, 16] {
            for (step, bound) in [(just(members), 1.02), (LARGE, 1.0001)] {
                let mut pace = Pace::new(members, step);
                let work = 10_000.0 * members as f64;
                let took = seconds(&mut pace, work, &|members, _| (members as f64 * 33_333.0, 1.0));
                assert!(took < bound * 0.3, "{members} members: {took} s, not 0.3");
            }
        }
    }

    #[test]
    fn where_steps_are_short_one_member_trains() {
        for step in [SMALL, just(2)] {
            let mut pace = Pace::new(2, step);
            let took = seconds(&mut pace, 10_000.0, &|members, _| ([20_000.0, 10_000.0][members - 1], 1.0));
            assert!(took < 1.05 * 0.5, "{took} s, not 0.5");
            assert_eq!(pace.turn().members, 1);
        }
    }

    #[test]
    fn the_best_number_is_found_from_either_end() {
        for step in [SMALL, just(16)] {
            let mut pace = Pace::new(16, step);
            let best_at_four = |members: usize| 40_000.0 / (1.0 + (members as f64 / 4.0).log2().powi(2));
            seconds(&mut pace, 100_000.0, &|members, _| (best_at_four(members), 1.0));
            assert_eq!(pace.numbers[pace.current], 4);
        }
    }

    #[test]
    fn a_load_that_comes_and_goes_is_followed() {
        let mut pace = Pace::new(2, LARGE);
        // From second 1 to 3 other programs run: one member gets half of a processor, and two wait for each other.
        let machine = |members: usize, now: f64| match (members, (1.0..3.0).contains(&now)) {
            (1, false) => (33_000.0, 1.0),
            (_, false) => (60_000.0, 1.0),
            (1, true) => (16_000.0, 0.5),
            (_, true) => (5_000.0, 0.5),
        };
        let took = seconds(&mut pace, 60_000.0 + 2.0 * 16_000.0 + 60_000.0, &machine);
        assert!(took < 1.15 * 4.0, "{took} s, not 4");
    }

    #[test]
    fn a_lucky_trial_does_little_harm() {
        let mut pace = Pace::new(2, LARGE);
        // Two members are fast for 3 ms, and stand still for 30.
        let machine = |members: usize, now: f64| match members {
            1 => (16_000.0, 0.5),
            _ if now % 0.033 < 0.003 => (60_000.0, 1.0),
            _ => (100.0, 0.1),
        };
        let took = seconds(&mut pace, 32_000.0, &machine);
        assert!(took < 1.25 * 2.0, "{took} s, not 2");
    }

    #[test]
    fn a_thread_that_sleeps_has_no_processor() {
        let clock = Clock::start();
        std::thread::sleep(Duration::from_millis(20));
        assert!(clock.processor_seconds() < 0.01 || cfg!(not(target_os = "linux")));
    }
}
