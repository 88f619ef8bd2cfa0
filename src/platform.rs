//! The platforms' wire: what an answer says.

pub mod error_body;
pub mod rate;

pub use rate::{RateWindow, RetryAfter};
