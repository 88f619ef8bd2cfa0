//! Faults on the board: what is wrong, since when, what to do and where, with the machine's own words last.

use std::time::{Duration, Instant};

use super::{after_colon, some, whole_sentence};
use crate::model::{Fault, FaultKind, Phase, RunState};
use crate::plain;
use crate::tui::actions::Action;
use crate::tui::app::{App, Pane};
use crate::tui::theme::{Decoration, Ink};
use crate::tui::{layout, numbers};

const MINUTE: Duration = Duration::from_mins(1);

/// What the run on the board stands still for, if it does. Of one that nobody carries the journal knows it.
pub(in crate::tui) fn fault_of(app: &App) -> Option<Fault> {
    match app.phase()? {
        Phase::Faulted(fault) => Some(fault.clone()),
        Phase::Ended(RunState::Faulted) => app.happenings.rows().find_map(|row| row.event.fault()),
        _ => None,
    }
}

/// The sentence under the gauge.
pub(super) fn why(app: &App, fault: &Fault) -> String {
    let (mend, again) = (app.keymap.key(Action::MendFault), app.keymap.key(Action::PauseOrGoOn));
    let keys = match fault.kind {
        FaultKind::ClientRefused => format!("{mend} new secret   {again} try again with the same one"),
        FaultKind::Parked | FaultKind::Disk => format!("It goes on by itself.   {mend} what to do"),
        _ => format!("{mend} what to do   {again} try again"),
    };
    format!("FAULT: {}.  {keys}", plain::fault(fault.kind).short)
}

/// The *Run* pane's words: what is wrong, how much waits for it, what to do, and what came back.
pub(in crate::tui) fn fault(app: &App, fault: &Fault) -> Vec<(String, Ink)> {
    let words = plain::fault(fault.kind);
    let mut lines = vec![(words.means.clone(), Ink::Bad)];
    let since = numbers::minute_of_day(fault.at, &app.zone);
    let ago = match age(app, fault) {
        Some(age) if app.look.decoration == Decoration::Full && age.as_secs() >= 60 => {
            format!(", {} ago", numbers::span(Duration::from_secs(age.as_secs() / 60 * 60)))
        }
        _ => String::new(),
    };
    let settled = app.figures().map_or_else(String::new, |figures| {
        let records = figures.records;
        let of = records.total.map_or_else(String::new, |total| format!(" of {}", numbers::count(total)));
        let settled = if of.is_empty() {
            some(records.settled(), "record")
        } else {
            format!("{}{of} records", numbers::count(records.settled()))
        };
        format!(" Nothing is lost: {settled} are settled, {} wait here.", numbers::count(records.pending))
    });
    lines.push((format!("Since {since}{ago}.{settled}"), Ink::Plain));
    lines.push((String::new(), Ink::Plain));
    lines.push((format!("What to do: {}", todo(app, fault)), Ink::Strong));
    lines.extend(secret_place(app, fault).map(|place| (place, Ink::Plain)));
    if let Some(at) = fault.resumes_at {
        lines.push((format!("It goes on by itself at {}.", numbers::time_of_day(at, &app.zone)), Ink::Plain));
    }
    lines.push((String::new(), Ink::Plain));
    lines.push((what_came(app, fault), Ink::Dim));
    lines
}

/// What to do, as a part of a sentence.
fn todo(app: &App, fault: &Fault) -> String {
    let profile = profile_of(app);
    match (fault.kind, profile) {
        (FaultKind::ClientRefused, Some(row)) => {
            format!(
                "get the new secret of client {} from who keeps it, press {}.",
                super::client(&row.client_id),
                app.keymap.key(Action::MendFault)
            )
        }
        (kind, _) => after_colon(&plain::fault(kind).todo),
    }
}

/// Where the secret at fault is.
fn secret_place(app: &App, fault: &Fault) -> Option<String> {
    let row = profile_of(app).filter(|_| fault.kind == FaultKind::ClientRefused)?;
    Some(format!("The secret is kept in: {}", super::home(&row.name, &row.secret)))
}

/// The profile of the run on the board.
fn profile_of(app: &App) -> Option<&crate::tui::office::ProfileRow> {
    let figures = app.figures()?;
    app.credentials.row_of(&figures.profile, figures.platform)
}

/// The machine's own words, for whoever has to look closer.
pub(in crate::tui) fn what_came(app: &App, fault: &Fault) -> String {
    let at = numbers::time_of_day(fault.at, &app.zone);
    let asked = fault.message.strip_prefix("getting a token: ");
    let message = asked.unwrap_or(&fault.message);
    // what to do about it was said already, in better words
    let message = message.split("; check the profile's").next().unwrap_or(message);
    let host = profile_of(app).filter(|_| asked.is_some()).and_then(|row| {
        let (_, rest) = row.auth_url.split_once("://")?;
        rest.split('/').next().map(str::to_owned)
    });
    match host {
        Some(host) => format!("(answer of {host}: {message}, {at})"),
        None if fault.kind == FaultKind::ClientRefused => format!("({message}, {at})"),
        None => format!("({} {at})", whole_sentence(message)),
    }
}

fn age(app: &App, fault: &Fault) -> Option<Duration> {
    Duration::try_from(app.now.wall.duration_since(fault.at)).ok()
}

/// When the words about a fault next change by themselves: they say how many minutes it is ago.
pub(in crate::tui) fn fault_changes(app: &App) -> Option<Instant> {
    if !layout::shows(app, Pane::Run) {
        return None;
    }
    let age = age(app, &fault_of(app)?)?;
    let into = Duration::from_nanos(u64::try_from(age.as_nanos() % MINUTE.as_nanos()).ok()?);
    app.now.instant.checked_add(MINUTE.saturating_sub(into))
}
