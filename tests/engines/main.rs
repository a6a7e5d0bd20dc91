//! Every engine has the gradient of the formulas, computes what the reference computes, and has the same bits whatever
//! the threads and instruction sets.

mod case;
mod checks;
mod contender;
mod determinism;
mod gradients;
mod instruction_sets;
mod naive;
mod parity;
mod planted_mistakes;
mod uneven;
mod update;

use proptest::test_runner::{Config, FileFailurePersistence};

/// As many cases as `PROPTEST_CASES` says, 256 by default. A case that fails is kept beside the test's source,
/// and replayed ever after.
fn config() -> Config {
    let beside = FileFailurePersistence::WithSource("proptest-regressions");
    Config { failure_persistence: Some(Box::new(beside)), ..Config::default() }
}
