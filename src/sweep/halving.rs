//! Successive halving: after each rung only the best runs go on.
//!
//! Which go on is a pure function of what the runs reached, so it is the same on every machine. Those that do continue
//! where they are, with their schedules as for the whole training; nothing is trained twice.

use serde::{Deserialize, Serialize};

/// The epoch after which runs are compared, and how many go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// How many runs go on.
    pub keep: usize,
}

/// The rungs of `runs` runs of `epochs` epochs, of which one in `factor` goes on each time, as long as one is left. The
/// last rung is at one in `factor` of the epochs, the one before it at one in `factor` of that, and so on; each where the
/// runs are evaluated, every `every` epochs.
///
/// # Panics
/// If `factor` is below 2.
pub fn rungs(factor: usize, runs: usize, epochs: usize, every: usize) -> Vec<Rung> {
    assert!(factor >= 2, "one in {factor} goes on");
    let powers = (1..).map_while(|power| factor.checked_pow(power)).take_while(|&power| power <= runs);
    let powers: Vec<usize> = powers.collect();
    let rung = |(down, up): (&usize, &usize)| Rung {
        epoch: epochs.div_ceil(*up).next_multiple_of(every),
        keep: runs.div_ceil(*down),
    };
    let mut rungs: Vec<Rung> = powers.iter().zip(powers.iter().rev()).map(rung).collect();
    rungs.retain(|rung| rung.epoch < epochs);
    // Of several at the same epoch, the last one decides.
    rungs.reverse();
    rungs.dedup_by_key(|rung| rung.epoch);
    rungs.reverse();
    rungs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(factor: usize, runs: usize, epochs: usize, every: usize) -> Vec<(usize, usize)> {
        rungs(factor, runs, epochs, every).iter().map(|rung| (rung.epoch, rung.keep)).collect()
    }

    #[test]
    fn each_rung_keeps_one_in_so_many_and_is_evaluated() {
        assert_eq!(found(3, 100, 40, 1), [(1, 34), (2, 12), (5, 4), (14, 2)]);
        assert_eq!(found(2, 8, 8, 1), [(1, 4), (2, 2), (4, 1)]);
        assert_eq!(found(3, 100, 40, 4), [(4, 12), (8, 4), (16, 2)], "two rungs at epoch 4 are one");
        assert_eq!(found(3, 2, 40, 1), [], "too few to choose from");
        assert_eq!(found(3, 100, 1, 1), [], "nothing to save");
        assert_eq!(found(3, 9, 40, 100), [], "evaluated at the end alone");
    }
}
