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

/// The most rungs: at an eighth, a quarter and a half of the epochs. Of 100 settings of the lab's run (ten of eta by ten of
/// lambda, 40 epochs), that which is best in the end comes 45th after one epoch, 34th after five and 1st after fourteen: a
/// rung before the fifth would drop it.
const RUNGS: u32 = 3;

/// The rungs of `runs` runs of `epochs` epochs, of which one in `factor` goes on each time, as long as one is left. The
/// last one is at half of the epochs, the one before it at half of that, and so on; each where the runs are evaluated,
/// every `every` epochs.
///
/// # Panics
/// If `factor` is below 2.
pub fn rungs(factor: usize, runs: usize, epochs: usize, every: usize) -> Vec<Rung> {
    assert!(factor >= 2, "one in {factor} goes on");
    let one_in = |rung| factor.checked_pow(rung).filter(|&one_in| one_in <= runs);
    let parts: Vec<usize> = (1..=RUNGS).map_while(one_in).collect();
    let mut rungs: Vec<Rung> = Vec::new();
    for (one_in, doublings) in parts.iter().zip((1..=parts.len()).rev()) {
        let epoch = epochs.div_ceil(1 << doublings).next_multiple_of(every);
        // Of several at the same epoch, the last one decides.
        rungs.retain(|rung| rung.epoch < epoch);
        rungs.push(Rung { epoch, keep: runs.div_ceil(*one_in) });
    }
    rungs.retain(|rung| rung.epoch < epochs);
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
        assert_eq!(found(3, 100, 40, 1), [(5, 34), (10, 12), (20, 4)]);
        assert_eq!(found(2, 8, 8, 1), [(1, 4), (2, 2), (4, 1)]);
        assert_eq!(found(3, 100, 40, 10), [(10, 12), (20, 4)], "two rungs at epoch 10 are one");
        assert_eq!(found(3, 9, 40, 1), [(10, 3), (20, 1)], "the last rungs, where there are few runs");
        assert_eq!(found(3, 2, 40, 1), [], "too few to choose from");
        assert_eq!(found(3, 100, 1, 1), [], "nothing to save");
        assert_eq!(found(3, 9, 40, 100), [], "evaluated at the end alone");
    }
}
