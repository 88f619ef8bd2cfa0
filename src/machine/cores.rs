//! Work that goes on beside its own thread, on another core.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use tokio::runtime::Handle;

/// How many things the machine can do at once; one in a simulation.
pub(crate) fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    if super::is_held() {
        return 1;
    }
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, std::num::NonZero::get))
}

/// Work that is done by whoever comes to it first: another thread, or who waits for it.
pub(crate) struct Work<T> {
    task: Slot,
    told: Receiver<thread::Result<T>>,
}

type Slot = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

impl<T: Send + 'static> Work<T> {
    /// Offers it to another thread of the runtime.
    pub(crate) fn offer(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let this = Self::keep(work);
        if let Ok(runtime) = Handle::try_current()
            && !super::is_held()
        {
            let task = Arc::clone(&this.task);
            drop(runtime.spawn_blocking(move || carry_out(&task)));
        }
        this
    }

    /// Keeps it for who waits for it.
    pub(crate) fn keep(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (tell, told) = sync_channel(1);
        let task = Box::new(move || {
            // nobody may wait for it any more
            let _ = tell.send(catch_unwind(AssertUnwindSafe(work)));
        });
        Self { task: Arc::new(Mutex::new(Some(task))), told }
    }

    /// Does it, or waits for who does it, and so must stand on a thread that may block. Panics where the work did, with
    /// its payload.
    pub(crate) fn wait(self) -> T {
        carry_out(&self.task);
        let result = self.told.recv().unwrap_or_else(|lost| Err(Box::new(lost)));
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

fn carry_out(task: &Slot) {
    let task = task.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(task) = task {
        task();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_does_what_nobody_has_begun() {
        assert_eq!(Work::keep(|| thread::current().id()).wait(), thread::current().id());
    }

    #[tokio::test]
    async fn another_thread_does_what_it_was_offered() {
        let (tell, told) = sync_channel(1);
        let work = Work::offer(move || tell.send(thread::current().id()));
        let there = tokio::task::spawn_blocking(move || told.recv().unwrap()).await.unwrap();
        assert_ne!(there, thread::current().id());
        work.wait().unwrap();
    }

    #[test]
    #[should_panic(expected = "broken work")]
    fn a_panic_is_passed_on_to_who_waits() {
        Work::keep(|| panic!("broken work")).wait();
    }
}
