//! The board as a whole: what it looks like, what its keys do, and that its loop holds nothing up.

mod credentials;
mod datasets;
mod editing;
mod failures;
mod first;
pub(super) mod fixtures;
mod hostile;
mod keys;
mod lists;
mod live;
mod looping;
mod mending;
mod mice;
mod monkeys;
mod new_run;
mod nobody;
mod pictures;
mod readme;
mod whole;
