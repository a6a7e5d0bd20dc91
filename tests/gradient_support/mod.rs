//! What the gradient properties and the planted mistakes share: random problems, naive mathematics to compare
//! with, and the checks themselves, each a function that says what is wrong.

pub mod checks;
pub mod naive;
pub mod problem;

use proptest::test_runner::{Config, FileFailurePersistence};

/// As many cases as `PROPTEST_CASES` says, 256 by default. A case that fails is kept beside the test's source,
/// and replayed ever after.
pub fn config() -> Config {
    let beside = FileFailurePersistence::WithSource("proptest-regressions");
    Config { failure_persistence: Some(Box::new(beside)), ..Config::default() }
}
