//! Long-running import jobs (Genesys Cloud): each record asks for one, which is then watched to its end.
//!
//! A job is asked for once, ever: its id is durable before the first look at it, and from then on it is only looked at.

mod result;

use std::cmp::Ordering;
use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Admitted, Call, Delivered, Draft, Grouping, Item, Operation, Patience, Progress, Step, Terms, key_of,
    place, segment,
};
use crate::model::{OperationKind, Reason, RunId, Stage, Violation};
use crate::pacing::{CallKind, Unreachable};
use crate::plan::{self, JobState, Timeout};
use crate::platform::error_body::{self, ErrorEntry};
use crate::platform::{Answer, Payload, Request};
use result::{Content, ReadError, RowError, Source};

/// The operation.
#[derive(Debug)]
pub struct Import {
    settings: plan::Import,
    timeout: Timeout,
    poll_path: String,
}

/// The first wait between looks; each is twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// What is added to a wait, at most, so that jobs that were asked for together are not looked at together.
const JITTER_MS: u64 = 500;
/// How long a job that has failed and not said why is given to do so.
const SECOND_LOOK: Duration = Duration::from_secs(3);
/// Looks in a row that meet trouble before the item fails.
const LOOKS_IN_TROUBLE: u32 = 6;
/// Errors of a failed job that are told.
const SAID: usize = 20;
/// Refused rows that are taken in of a result, one by one. The result itself is kept, and has them all.
const ROWS: u64 = 1_000_000;
/// The same of one that stands in a job's answer, and is held in memory.
const INLINE_ROWS: u64 = 100_000;

impl Import {
    /// With the plan's settings, and how long one attempt may take.
    #[must_use]
    pub fn new(settings: plan::Import, timeout: Timeout) -> Self {
        let poll_path = settings.poll_path();
        Self { settings, timeout, poll_path }
    }

    fn submit(&self, item: &Item) -> Step {
        Step::Call(Call {
            request: Request {
                method: Method::POST,
                path: self.settings.path.clone(),
                body: Some(Payload::json(item.body.clone())),
                idempotency_key: Some(item.key.clone()),
                correlation_id: None,
                timeout: self.timeout.of(item.body.len() as u64),
            },
            terms: Terms::SENDS,
        })
    }

    fn look(&self, id: &str, looks: u32) -> Step {
        Step::Call(Call {
            request: Request {
                method: Method::GET,
                path: self.poll_path.replace("{id}", &segment(id)),
                body: None,
                idempotency_key: None,
                correlation_id: None,
                timeout: self.timeout.of(0),
            },
            terms: Terms {
                stage: Stage::Polling,
                kind: CallKind::Reading,
                patience: Patience {
                    attempts: Some(LOOKS_IN_TROUBLE),
                    no_sooner: wait_after(looks) + jitter(),
                    unreachable: Unreachable::Fails,
                },
            },
        })
    }

    /// What the platform's word for a job's state means. Case is ignored, and what nobody knows is to wait.
    fn state(&self, word: &str) -> JobState {
        let own = self.settings.job_states.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        let known = || JobState::ALL.iter().copied().find(|state| state.word().eq_ignore_ascii_case(word));
        own.map(|(_, state)| *state).or_else(known).unwrap_or(JobState::InProgress)
    }

    /// What a look at the job has shown.
    fn seen(&self, progress: &mut Progress, answer: &Answer) -> Step {
        let Ok(job) = serde_json::from_slice::<Job<'_>>(&answer.body) else {
            return failed(
                "import.unreadable",
                format!("the platform's answer about the job cannot be read{}", missing_end(answer)),
            );
        };
        progress.percent = job.percent();
        match self.state(&text(job.status).unwrap_or_default()) {
            JobState::Completed => {
                if let Some(url) = text(job.result_url).filter(|url| !url.is_empty()) {
                    return Step::Fetch(url);
                }
                let inline = job.result.map_or(answer.body.as_ref(), |result| result.get().as_bytes());
                let kept = answer.body.slice_ref(inline);
                let mut rows = Vec::new();
                let mut keep = |row| rows.push(row);
                let taken = UpTo::new(INLINE_ROWS, &mut keep).of(&Source::Answer(answer.body.clone()));
                if let Err(error) = taken {
                    // it is in memory: nothing of it can be missing
                    tracing::error!(%error, "reading a job's own result");
                }
                Step::Delivered(Delivered { answer: Some(kept), rows })
            }
            JobState::Failed => match job.said() {
                said if said.is_empty() && !progress.unexplained => {
                    progress.unexplained = true;
                    Step::Wait(SECOND_LOOK)
                }
                said => failure(said),
            },
            JobState::Queued | JobState::InProgress => {
                progress.unexplained = false;
                let wait = wait_after(progress.looks) + jitter();
                progress.looks += 1;
                progress.watched += wait;
                if progress.watched > self.settings.poll_timeout {
                    let watched = self.settings.poll_timeout.as_secs();
                    return failed(
                        "import.timed_out",
                        format!(
                            "timed out: the job was not at its end after {watched} s; the platform may still finish it"
                        ),
                    );
                }
                Step::Wait(wait)
            }
        }
    }
}

/// Doubles from 2 s to 30 s.
fn wait_after(looks: u32) -> Duration {
    FIRST_WAIT.saturating_mul(2_u32.saturating_pow(looks.min(10))).min(LONGEST_WAIT)
}

fn jitter() -> Duration {
    Duration::from_millis(fastrand::u64(0..=JITTER_MS))
}

fn failed(code: &str, message: String) -> Step {
    Step::Failed(Box::new(Reason {
        stage: Stage::Polling,
        status: None,
        code: Some(code.to_owned()),
        message,
        violations: Vec::new(),
    }))
}

/// A job that was accepted and cannot be followed: a person has to find out what became of it.
fn without_id(answer: &Answer) -> Step {
    Step::Failed(Box::new(Reason {
        stage: Stage::Delivery,
        status: None,
        code: Some("import.no_id".to_owned()),
        message: format!(
            "the platform accepted the job and told no id: it cannot be watched{}",
            missing_end(answer)
        ),
        violations: Vec::new(),
    }))
}

/// What there is to be said of an answer that was cut.
fn missing_end(answer: &Answer) -> &'static str {
    if answer.cut { " (it is over 10 MB, and is not read further)" } else { "" }
}

/// A job as the platform tells of it. What is missing or of another type is left out: a job that runs is not failed
/// for a strange answer.
#[derive(Deserialize)]
struct Job<'a> {
    #[serde(default, borrow)]
    status: Option<&'a RawValue>,
    #[serde(default, borrow)]
    progress: Option<&'a RawValue>,
    #[serde(default, borrow, rename = "resultUrl")]
    result_url: Option<&'a RawValue>,
    #[serde(default, borrow)]
    result: Option<&'a RawValue>,
    #[serde(default, borrow)]
    errors: Option<&'a RawValue>,
}

/// The text that stands there, if it is one.
fn text(value: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(value?.get()).ok()
}

impl Job<'_> {
    fn percent(&self) -> Option<u8> {
        let percent: f64 = self.progress?.get().parse().ok()?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held to 0..=100 before")]
        Some(percent.clamp(0.0, 100.0) as u8)
    }

    /// What it says of its failure, as much as a person reads.
    fn said(&self) -> Vec<ErrorEntry> {
        self.errors.map(|errors| error_body::said(errors, SAID)).unwrap_or_default()
    }
}

fn failure(said: Vec<ErrorEntry>) -> Step {
    let code = said.first().and_then(|first| first.code.clone());
    let said: Vec<String> = said.into_iter().map(|one| one.message).collect();
    let message = if said.is_empty() {
        "the job failed, and the platform does not say why".to_owned()
    } else {
        format!("the job failed: {}", said.join("; "))
    };
    Step::Failed(Box::new(Reason {
        stage: Stage::Polling,
        status: None,
        code: code.or_else(|| Some("import.failed".to_owned())),
        message,
        violations: Vec::new(),
    }))
}

/// So many rows are handed on, and in the place of those beyond one that says so.
struct UpTo<'t> {
    most: u64,
    count: u64,
    take: &'t mut dyn FnMut(Reason),
}

impl<'t> UpTo<'t> {
    fn new(most: u64, take: &'t mut dyn FnMut(Reason)) -> Self {
        Self { most, count: 0, take }
    }

    /// Takes all rows of a result.
    fn of(mut self, source: &Source) -> Result<(), ReadError> {
        source.rows(|row| {
            self.row(row);
            Ok(())
        })
    }

    fn row(&mut self, row: RowError) {
        let most = self.most;
        match self.count.cmp(&most) {
            Ordering::Less => (self.take)(reason_of(row)),
            Ordering::Equal => (self.take)(Reason {
                stage: Stage::Result,
                status: None,
                code: Some("result.more_rows".to_owned()),
                message: format!(
                    "the result refuses more than {most} rows; the others stand in the result itself"
                ),
                violations: Vec::new(),
            }),
            Ordering::Greater => {}
        }
        self.count += 1;
    }
}

/// That what began as a result cannot be read as one.
fn unreadable(reason: &str) -> Reason {
    Reason {
        stage: Stage::Result,
        status: None,
        code: Some("result.unreadable".to_owned()),
        message: format!(
            "nobody knows which rows it refuses: the result cannot be read ({reason}); it is kept as it came"
        ),
        violations: Vec::new(),
    }
}

fn reason_of(row: RowError) -> Reason {
    let violations =
        row.row.map(|number| Violation::in_row(number, row.message.clone())).into_iter().collect();
    Reason { stage: Stage::Result, status: None, code: row.code, message: row.message, violations }
}

impl Operation for Import {
    fn grouping(&self) -> Grouping {
        Grouping::Single
    }

    fn kind(&self) -> OperationKind {
        OperationKind::Import
    }

    fn looks_into_records(&self) -> bool {
        false
    }

    fn admit(&self, record: Bytes) -> Result<Admitted, Box<Reason>> {
        // the copy keeps no reader's buffer alive while the job runs
        Ok(Admitted::plain(Bytes::copy_from_slice(&record)))
    }

    fn build(&self, run: RunId, mut draft: Draft) -> Item {
        let record = draft.records.pop().map_or_else(Bytes::new, |one| one.record);
        let extent = draft.extent;
        let places = [extent.dataset.to_string(), place(extent.first), extent.count.to_string()];
        Item {
            seq: draft.seq,
            extent,
            key: key_of(run, &places.each_ref().map(String::as_str), &record),
            body: record.clone(),
            record,
            ends: Vec::new(),
            correlation_id: draft.correlation_id,
            name: None,
            chain: draft.seq,
            holes: Vec::new(),
        }
    }

    fn most_open(&self) -> Option<u32> {
        Some(self.settings.max_open_jobs)
    }

    /// Asked for, and looked at once.
    fn calls(&self) -> u64 {
        2
    }

    fn next(&self, item: &Item, progress: &mut Progress, answer: Option<&Answer>) -> Step {
        match (&progress.remote_id, answer) {
            (None, None) => self.submit(item),
            (None, Some(answer)) => {
                let Some(id) = job_id(&answer.body) else { return without_id(answer) };
                let wait = wait_after(0) + jitter();
                progress.looks = 1;
                progress.watched += wait;
                Step::Keep(id, wait)
            }
            (Some(id), None) => self.look(id, progress.looks),
            (Some(_), Some(answer)) => self.seen(progress, answer),
        }
    }

    fn read_result(&self, file: &Path, row: &mut dyn FnMut(Reason)) -> io::Result<Bytes> {
        let source = Source::File(file.to_owned());
        let kept = match source.content().map_err(io::Error::other)? {
            Content::Result(summary) => {
                UpTo::new(ROWS, row).of(&source).map_err(io::Error::other)?;
                serde_json::json!({
                    "imported": summary.imported,
                    "failed": summary.failed,
                    "duplicate": summary.duplicate,
                    "file": file,
                })
            }
            Content::Other { reason, broken } => {
                if broken {
                    row(unreadable(&reason));
                }
                serde_json::json!({"file": file, "note": reason})
            }
        };
        Ok(Bytes::from(kept.to_string()))
    }
}

/// The id of a job that was accepted: a text, or a number.
fn job_id(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Accepted<'a> {
        #[serde(borrow)]
        id: &'a RawValue,
    }
    let accepted: Accepted<'_> = serde_json::from_slice(body).ok()?;
    let id = match text(Some(accepted.id)) {
        Some(id) => id,
        None if accepted.id.get().starts_with(|char: char| char == '-' || char.is_ascii_digit()) => {
            accepted.id.get().to_owned()
        }
        None => return None,
    };
    (!id.is_empty() && id.len() <= 500).then_some(id)
}
