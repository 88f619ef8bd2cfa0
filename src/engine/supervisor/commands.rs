//! What a person tells a run that goes, and what becomes of it.
//!
//! A command that was taken is carried out, also where it comes while the last calls end: what was decided of failures,
//! and what a resume keeps, is written down then.

use std::sync::Arc;

use super::super::{act, again, worker};
use super::{Command, Next, Readers, Supervisor};
use crate::journal::Write;
use crate::plan::MOST_WORKERS;

impl Supervisor {
    /// Carries a command out.
    pub(super) async fn obey(&mut self, command: Command, readers: &mut Readers) -> Option<Next> {
        let shared = Arc::clone(&self.shared);
        match command {
            Command::Pause => {
                // one that is asked for twice happened once
                let wanted = std::mem::replace(&mut self.wants_pause, true);
                if self.standing.is_none() && !wanted {
                    self.pause().await;
                }
            }
            Command::GoOn => {
                self.wants_pause = false;
                self.go_on().await;
            }
            Command::SetRate { rate, by } => {
                let rate = sound(rate);
                let was = shared.access.lane.figures().ceiling;
                shared.access.lane.set_rate(rate);
                shared.state().ceiling_by = Some(by.clone());
                self.write(Write::Ceiling { rate, was, by }).await;
                shared.touch();
            }
            Command::SetWorkers { workers, by } => {
                let workers = workers.clamp(1, MOST_WORKERS);
                let was = shared.crew.wanted();
                self.man(workers);
                self.write(self.workers_write(workers, was, by)).await;
                shared.touch();
            }
            Command::Judge { failures, judgement, by } => {
                self.write(Write::Judge { failures, judgement, by }).await;
            }
            Command::Edit { records, by } => self.write(Write::Edit { records, by }).await,
            Command::Cancel { by } => {
                self.cancelled = Some(by);
                return Some(Next::Drain);
            }
            Command::Retry { items, by } => {
                if self.prepared {
                    again::take_up(&shared, items, by, readers);
                } else {
                    self.feed.retries.push((items, by));
                }
            }
            Command::Drain => return Some(Next::Drain),
            Command::LeaveAtOnce => return Some(Next::Leave),
        }
        None
    }

    async fn write(&self, write: Write) {
        self.shared.journal.write(&self.shared.book, vec![write]).await;
    }

    fn workers_write(&self, workers: u16, was: u16, by: String) -> Write {
        let noun = if self.shared.operation.keeps_order() { "dataset" } else { "call" };
        Write::Workers { workers, was, noun, by }
    }

    /// So many workers are wanted from now on.
    fn man(&mut self, workers: u16) {
        let shared = &self.shared;
        let new = shared.gauges.ask_for(usize::from(workers));
        shared.crew.want(workers);
        if self.prepared {
            for number in new {
                self.workers.spawn(worker::work(Arc::clone(shared), number));
            }
        } else {
            // there are none yet who could go by themselves
            shared.gauges.nobody_beyond(usize::from(workers));
        }
        while let Some(gone) = self.workers.try_join_next() {
            if let Err(error) = gone {
                tracing::error!(%error, "a worker broke");
            }
        }
    }

    /// What was asked for while the calls that were out ended, and what that means now.
    pub(super) fn asked_at_the_end(&mut self) -> Vec<Write> {
        self.commands.close();
        let mut writes = Vec::new();
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Judge { failures, judgement, by } => {
                    writes.push(Write::Judge { failures, judgement, by });
                }
                Command::Edit { records, by } => writes.push(Write::Edit { records, by }),
                // a resume keeps them
                Command::SetRate { rate, by } => {
                    let was = self.shared.access.lane.figures().ceiling;
                    writes.push(Write::Ceiling { rate: sound(rate), was, by });
                }
                Command::SetWorkers { workers, by } => {
                    let workers = workers.clamp(1, MOST_WORKERS);
                    writes.push(self.workers_write(workers, self.shared.crew.wanted(), by));
                }
                Command::Retry { items, by } => self.feed.retries.push((items, by)),
                Command::Cancel { by } => self.cancelled = Some(by),
                Command::Pause | Command::GoOn | Command::Drain | Command::LeaveAtOnce => {}
            }
        }
        let unsent = self.feed.retries.drain(..);
        writes.extend(unsent.map(|_| act::nothing_sent("the run came to its end before")));
        writes
    }
}

/// A rate that means something: any other is no limit.
fn sound(rate: Option<f64>) -> Option<f64> {
    rate.filter(|rate| rate.is_finite() && *rate > 0.0)
}
