//! How many workers there are, and that this can change while they work.
//!
//! Who is not wanted any more ends with what it has in hand; who is wanted begins at once. Along with them change the
//! places for items that may have been accepted and are not committed yet: a place that is taken goes when it is given
//! back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use super::signal::Signal;

/// How many workers are wanted.
#[derive(Debug)]
pub(super) struct Crew {
    wanted: Signal<u16>,
    /// Where the workers share them.
    places: Option<Places>,
}

#[derive(Debug)]
struct Places {
    semaphore: Arc<Semaphore>,
    size: Arc<Mutex<Size>>,
}

#[derive(Debug)]
struct Size {
    wanted: usize,
    there: usize,
}

impl Crew {
    /// So many to begin with; as many places, where they share them.
    pub(super) fn new(wanted: u16, places: Option<&Arc<Semaphore>>) -> Self {
        let count = usize::from(wanted);
        let places = places.map(|semaphore| Places {
            semaphore: Arc::clone(semaphore),
            size: Arc::new(Mutex::new(Size { wanted: count, there: count })),
        });
        Self { wanted: Signal::new(wanted), places }
    }

    /// How many are wanted now.
    pub(super) fn wanted(&self) -> u16 {
        self.wanted.get()
    }

    /// Returns when they are other than so many.
    pub(super) async fn other_than(&self, known: u16) {
        self.wanted.wait_for(|wanted| wanted != known).await;
    }

    /// Returns when the worker of that number is not wanted any more.
    pub(super) async fn one_too_many(&self, number: usize) {
        self.wanted.wait_for(|wanted| number >= usize::from(wanted)).await;
    }

    /// So many are wanted from now on.
    pub(super) fn want(&self, wanted: u16) {
        if let Some(places) = &self.places {
            places.resize(usize::from(wanted));
        }
        self.wanted.set(wanted);
    }
}

impl Places {
    fn resize(&self, wanted: usize) {
        let mut size = locked(&self.size);
        size.wanted = wanted;
        if wanted >= size.there {
            self.semaphore.add_permits(wanted - size.there);
            size.there = wanted;
            return;
        }
        let (semaphore, shared) = (Arc::clone(&self.semaphore), Arc::clone(&self.size));
        tokio::spawn(async move {
            // one by one, so that nobody who waits for a single place stands behind a wait for many
            while let Ok(place) = semaphore.acquire().await {
                let mut size = locked(&shared);
                if size.there <= size.wanted {
                    return;
                }
                size.there -= 1;
                place.forget();
            }
        });
    }
}

fn locked(size: &Mutex<Size>) -> MutexGuard<'_, Size> {
    size.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn places_that_are_taken_go_when_they_are_given_back() {
        let places = Arc::new(Semaphore::new(4));
        let crew = Crew::new(4, Some(&places));
        let mut held: Vec<_> = (0..3).map(|_| Arc::clone(&places).try_acquire_owned().unwrap()).collect();
        crew.want(1);
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        assert_eq!((crew.wanted(), places.available_permits()), (1, 0));
        held.pop();
        held.pop();
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        assert_eq!(places.available_permits(), 0, "one is still out, and there is to be one");
        held.pop();
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        assert_eq!(places.available_permits(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_more_before_fewer_are_left_has_as_many_as_were_asked_for() {
        let places = Arc::new(Semaphore::new(8));
        let crew = Crew::new(8, Some(&places));
        let held: Vec<_> = (0..8).map(|_| Arc::clone(&places).try_acquire_owned().unwrap()).collect();
        for wanted in [2, 6, 1, 10, 3, 5] {
            crew.want(wanted);
            tokio::task::yield_now().await;
        }
        drop(held);
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        assert_eq!(places.available_permits(), 5);
    }
}
