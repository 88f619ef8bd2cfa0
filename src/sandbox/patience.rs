//! Whether an import job is asked after no more often than it may be: 2 s after the answer to its submission, then
//! after twice as long each time, up to 30 s; 3 s where it failed and did not say why.
//!
//! A run that was stopped and goes on asks once at once, and its waits begin anew. Another process is known by its
//! token. One that only paused has the token that it had, so one early call in [`EXCUSE`] is let pass; whoever asks
//! too soon all the time is still seen. A call after one that got no proper answer is not judged: how soon an error is
//! tried again is another rule's business.

use std::time::Duration;

use tokio::time::Instant;

const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(30);
const UNEXPLAINED: Duration = Duration::from_secs(3);
/// What clocks and timers may be off.
const SLACK: Duration = Duration::from_millis(150);
/// No one pauses and goes on more often than this.
const EXCUSE: Duration = Duration::from_secs(10);

/// What the last answer about a job said.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    #[default]
    Wait,
    /// It failed, without a reason.
    Unexplained,
    /// It is over.
    Final,
}

/// How a poll came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Poll {
    InTime,
    /// Early, as after a pause.
    Excused,
    /// By how much.
    Early(Duration),
}

/// One job's polls.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// When it was last answered properly, and how long to wait since.
    last: Option<(Instant, Duration)>,
    next: Option<Duration>,
    bearer: u64,
    excused: Option<Instant>,
}

impl Patience {
    /// A poll with this token arrives.
    pub(super) fn arrive(&mut self, bearer: u64, now: Instant) -> Poll {
        let before = std::mem::replace(&mut self.bearer, bearer);
        let Some((answered, wait)) = self.last.take() else {
            self.next = None;
            return Poll::InTime;
        };
        if before != bearer {
            self.next = None;
        }
        let early = wait.saturating_sub(now.saturating_duration_since(answered));
        if early <= SLACK {
            return Poll::InTime;
        }
        self.next = None;
        if before != bearer {
            return Poll::Excused;
        }
        if self.excused.is_none_or(|at| now.saturating_duration_since(at) >= EXCUSE) {
            self.excused = Some(now);
            return Poll::Excused;
        }
        Poll::Early(early)
    }

    /// A call about the job was answered, whole and well.
    pub(super) fn answered(&mut self, bearer: u64, now: Instant, said: Said) {
        self.bearer = bearer;
        let next = self.next.unwrap_or(FIRST);
        self.last = match said {
            Said::Wait => Some((now, next)),
            Said::Unexplained => Some((now, UNEXPLAINED)),
            Said::Final => None,
        };
        self.next = Some((next * 2).min(LONGEST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Watched {
        patience: Patience,
        now: Instant,
    }

    impl Watched {
        fn submitted() -> Self {
            let mut patience = Patience::default();
            patience.answered(1, Instant::now(), Said::Wait);
            Self { patience, now: Instant::now() }
        }

        fn poll_after(&mut self, seconds: f64, bearer: u64) -> Poll {
            self.now += Duration::from_secs_f64(seconds);
            let poll = self.patience.arrive(bearer, self.now);
            self.patience.answered(bearer, self.now, Said::Wait);
            poll
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_contracts_waits_are_in_time() {
        let mut job = Watched::submitted();
        for wait in [2.0, 4.0, 8.3, 15.9, 30.4, 29.9, 30.0] {
            assert_eq!(job.poll_after(wait, 1), Poll::InTime, "{wait}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_does_not_double_is_seen() {
        let mut job = Watched::submitted();
        let polls: Vec<Poll> = (0..6).map(|_| job.poll_after(2.0, 1)).collect();
        assert!(polls.iter().any(|poll| matches!(poll, Poll::Early(_))), "{polls:?}");
        let mut job = Watched::submitted();
        assert_eq!(job.poll_after(0.0, 1), Poll::Excused);
        assert_eq!(job.poll_after(0.5, 1), Poll::Early(Duration::from_millis(1500)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_resume_asks_at_once_and_begins_anew() {
        let mut job = Watched::submitted();
        assert_eq!(job.poll_after(2.0, 1), Poll::InTime);
        assert_eq!(job.poll_after(0.1, 2), Poll::Excused, "another process");
        assert_eq!(job.poll_after(0.1, 3), Poll::Excused, "and one more");
        assert_eq!(job.poll_after(2.0, 3), Poll::InTime, "from the beginning");
        assert_eq!(job.poll_after(0.1, 3), Poll::Excused, "a pause");
        assert!(matches!(job.poll_after(1.0, 3), Poll::Early(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_resume_begins_anew_also_where_it_comes_in_time() {
        let mut job = Watched::submitted();
        assert_eq!(job.poll_after(2.0, 1), Poll::InTime);
        assert_eq!(job.poll_after(5.0, 2), Poll::InTime, "another process");
        assert_eq!(job.poll_after(2.0, 2), Poll::InTime);
        assert_eq!(job.poll_after(4.0, 2), Poll::InTime);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_without_reason_is_read_again_after_three_seconds_and_the_end_not_at_all() {
        let mut job = Watched::submitted();
        job.poll_after(0.0, 1);
        job.patience.answered(1, job.now, Said::Unexplained);
        assert!(matches!(job.poll_after(2.5, 1), Poll::Early(_)));
        job.patience.answered(1, job.now, Said::Unexplained);
        assert_eq!(job.poll_after(3.0, 1), Poll::InTime);
        job.patience.answered(1, job.now, Said::Final);
        assert_eq!(job.poll_after(0.0, 1), Poll::InTime, "by hand");
    }

    #[tokio::test(start_paused = true)]
    async fn what_follows_a_lost_answer_is_not_judged() {
        let mut job = Watched::submitted();
        assert_eq!(job.patience.arrive(1, job.now + FIRST), Poll::InTime);
        assert_eq!(job.poll_after(2.1, 1), Poll::InTime);
        assert_eq!(job.poll_after(2.0, 1), Poll::InTime, "and its waits begin anew");
    }
}
