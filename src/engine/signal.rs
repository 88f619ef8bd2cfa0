//! A value that tasks wait on.
//!
//! As `tokio::sync::watch`, but those who wait are told in the order in which they came, and not in one of chance: what a
//! run does depends on nothing but what it meets.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// A small value, and who waits for another.
#[derive(Debug)]
pub(super) struct Signal<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T: Copy> Signal<T> {
    pub(super) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), changed: Notify::new() }
    }

    pub(super) fn get(&self) -> T {
        *self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, value: T) {
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = value;
        self.changed.notify_waiters();
    }

    /// From this value to that one; any other stays.
    pub(super) fn turn(&self, from: T, to: T)
    where
        T: PartialEq,
    {
        let mut value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        if *value == from {
            *value = to;
            self.changed.notify_waiters();
        }
    }

    /// Returns when it is as asked for.
    pub(super) async fn wait_for(&self, is: impl Fn(T) -> bool) {
        loop {
            // told of from here on: what comes between the look and the wait is not missed
            let changed = self.changed.notified();
            if is(self.get()) {
                return;
            }
            changed.await;
        }
    }
}
