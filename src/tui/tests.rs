//! The board as a whole: what it looks like, what its keys do, and that its loop holds nothing up.

pub(super) mod fixtures;
mod hostile;
mod keys;
mod looping;
mod pictures;
