//! Carry what the board asks to the office, and its answers back. One task a request, so that nobody waits.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::message::{Answer, Request, What};
use super::office::{Office, Progress, Started, profile_id};
use crate::model::RunId;

/// Notes that may wait to be taken in.
const DESK: usize = 32;

/// What comes back from the office.
pub(super) enum Note {
    /// A run is being carried out.
    Started(Box<Started>),
    /// Anything else.
    Answer(Answer),
}

/// The clerks between the board and the office.
pub(super) struct Clerks {
    office: Arc<dyn Office>,
    notes: mpsc::Sender<Note>,
    /// For what is told on the way.
    told: mpsc::Sender<What>,
    /// What the person waits for.
    waiting: Option<AbortHandle>,
}

impl Clerks {
    /// Clerks of an office, and where their notes come.
    pub fn new(office: Arc<dyn Office>, told: mpsc::Sender<What>) -> (Self, mpsc::Receiver<Note>) {
        let (notes, desk) = mpsc::channel(DESK);
        (Self { office, notes, told, waiting: None }, desk)
    }

    /// Stops waiting for what was asked last.
    pub fn stop(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            waiting.abort();
        }
    }

    /// Carries a request; `run` is the one on the board, and `by` is who asks.
    pub fn ask(&mut self, request: Request, run: Option<RunId>, by: &str) {
        let stoppable = matches!(
            request,
            Request::Test(..) | Request::TestDraft(..) | Request::Check(_) | Request::Practise(_)
        );
        let office = Arc::clone(&self.office);
        let progress = progress(&self.told);
        let (notes, by) = (self.notes.clone(), by.to_owned());
        let task = tokio::spawn(async move {
            let note = carry(office.as_ref(), request, run, by, progress).await;
            // a board that was left needs no answer
            let _ = notes.send(note).await;
        });
        if stoppable {
            self.waiting = Some(task.abort_handle());
        }
    }
}

/// Tells how far a check is. News that finds the inbox full is dropped: the next one says more.
fn progress(told: &mpsc::Sender<What>) -> Progress {
    let told = told.clone();
    Arc::new(move |read, of| {
        let _ = told.try_send(What::Answer(Answer::CheckGoes(read, of)));
    })
}

async fn carry(
    office: &dyn Office,
    request: Request,
    run: Option<RunId>,
    by: String,
    progress: Progress,
) -> Note {
    let started = |started: Result<Started, String>| match started {
        Ok(started) => Note::Started(Box::new(started)),
        Err(why) => Note::Answer(Answer::Started(Err(why))),
    };
    let run = run.ok_or_else(|| "there is no run on the board".to_owned());
    Note::Answer(match request {
        Request::Profiles => Answer::Profiles(office.profiles().await),
        Request::Test(name, platform) => {
            let id = profile_id(&name, platform);
            Answer::Tested(Some(id), office.test(name, platform).await)
        }
        Request::TestDraft(draft, was) => Answer::Tested(None, office.test_draft(*draft, was).await),
        Request::Save(draft, was) => {
            let name = draft.name.clone();
            Answer::Saved(name, office.save(*draft, was).await)
        }
        Request::Remove(name) => {
            let left = office.remove(name.clone()).await;
            Answer::Removed(name, left)
        }
        Request::ReplaceSecret(name, secret) => {
            let replaced = office.replace_secret(name.clone(), secret).await;
            Answer::SecretReplaced(name, replaced)
        }
        Request::Check(plan) => Answer::Checked(office.check(*plan, progress).await.map(Box::new)),
        Request::SavePlan(plan, path) => Answer::PlanSaved(office.save_plan(*plan, path).await),
        Request::Judge(failures, judgement) => Answer::Judged(match run {
            Ok(run) => office.judge(run, failures, judgement, by).await,
            Err(why) => Err(why),
        }),
        Request::Edit(records) => Answer::Edited(match run {
            Ok(run) => office.edit(run, records, by).await,
            Err(why) => Err(why),
        }),
        Request::Cancel => Answer::Cancelled(match run {
            Ok(run) => office.cancel(run, by).await,
            Err(why) => Err(why),
        }),
        Request::Report(run) => Answer::Reported(office.report(run).await),
        Request::Begin(flight) => return started(office.begin(flight).await),
        Request::Resume(run) => return started(office.resume(run).await),
        Request::Practise(operation) => return started(office.practise(operation).await),
        Request::Retry(items) => {
            return started(match run {
                Ok(run) => office.retry(run, items, by).await,
                Err(why) => Err(why),
            });
        }
    })
}
