//! The words in which plain lines and the bar tell of a run.

use jiff::tz::TimeZone;

use crate::journal::EventRow;
use crate::model::{Figures, Phase, RunState};
use crate::report::{grouped, local_time, pause_words, records_of, span};
use crate::text::one_line;

/// What a person at a terminal can do about a fault.
pub(super) const PROMPT: &str = "press Enter to try again, Ctrl-C to leave";

/// The longest line of words from outside.
const LONGEST: usize = 600;

/// The time of day at which something happened, where the person is.
pub(super) fn clock(at: jiff::Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()
}

/// One line for what is worth telling at once; nothing for what is told in sums.
pub(super) fn happening(row: &EventRow) -> Option<String> {
    let text = row.text.as_deref().map(|text| one_line(text, LONGEST)).filter(|text| !text.is_empty());
    let delay = row.delay_ms.map(|ms| span(std::time::Duration::from_millis(ms)));
    let told = match row.kind.as_str() {
        "waiting" | "item_failed" => return None,
        "fault" => {
            let fault = row.fault()?;
            let until = fault.resumes_at.map(|at| format!(": until {}", local_time(at)));
            format!(
                "fault: {}{}\n         {}",
                one_line(&fault.message, LONGEST),
                until.unwrap_or_default(),
                one_line(&fault.advice, LONGEST)
            )
        }
        "pool_paused" => {
            let why = pause_words(row.reason.as_deref());
            delay.map_or_else(
                || format!("all calls wait: {why}"),
                |delay| format!("all calls wait {delay}: {why}"),
            )
        }
        "pool_resumed" => text.unwrap_or_else(|| "calls go on".to_owned()),
        "state" => standing(row)?.to_owned(),
        _ => text?,
    };
    Some(format!("{} {told}", clock(row.at)))
}

/// What an event says of how the run stands, where it does.
pub(super) fn standing(row: &EventRow) -> Option<&'static str> {
    let word = row.reason.as_deref().filter(|_| row.kind == "state")?;
    word.parse().ok().map(state)
}

/// A run's state in words.
pub(super) const fn state(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Paused => "paused",
        RunState::Faulted => "stopped by a fault",
        RunState::Completed => "completed",
        RunState::CompletedWithFailures => "completed, with failures",
        RunState::Cancelled => "cancelled",
    }
}

/// Who wants the run to end where it drains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A person, who may press again.
    ByPerson,
    /// Nobody: a fault stands, and nobody is there to mend it.
    ByFault,
}

/// How far the run is, in one line.
pub(super) fn progress(figures: &Figures, wanted: Wanted) -> String {
    let records = &figures.records;
    let mut parts = vec![match records.total {
        Some(total) => {
            format!("{} of {}", grouped(records.settled()), records_of(total, "record", "records"))
        }
        None => format!("{} so far", records_of(records.settled(), "record", "records")),
    }];
    for (count, word) in [(records.failed, "failed"), (records.invalid, "invalid")] {
        if count > 0 {
            parts.push(format!("{} {word}", grouped(count)));
        }
    }
    match &figures.phase {
        Phase::Running => {
            // a zero may come with a sign, which means nothing to anybody
            parts.push(format!("{:.1} calls/s", figures.pace.rate.max(0.0) + 0.0));
            if figures.waiting > 0 {
                parts.push(format!("{} waiting", grouped(figures.waiting)));
            }
            if let Some(eta) = figures.eta {
                parts.push(format!("about {} left", span(eta)));
            }
        }
        phase => parts.extend(self::phase(phase, wanted).map(str::to_owned)),
    }
    parts.join(", ")
}

/// What the run does, where that is not plain sending.
pub(super) const fn phase(phase: &Phase, wanted: Wanted) -> Option<&'static str> {
    match phase {
        Phase::Checking { .. } => Some("reading the dataset"),
        Phase::Running | Phase::Ended(_) => None,
        Phase::Pausing => Some("pausing"),
        Phase::Paused => Some("paused"),
        Phase::Faulted(_) => Some("stopped by a fault"),
        Phase::Draining => Some(match wanted {
            Wanted::ByPerson => "finishing the calls that are out; Ctrl-C again leaves at once",
            Wanted::ByFault => "finishing the calls that are out",
        }),
    }
}
