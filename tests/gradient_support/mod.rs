//! What the gradient properties and the planted mistakes share: random problems, naive mathematics to compare
//! with, every engine, and the checks themselves, each a function that says what is wrong.

pub mod checks;
pub mod contender;
pub mod naive;
pub mod problem;
