//! What happened to a failure, and what can be done: for people who know contacts and not HTTP.

use super::{Lines, moment};
use crate::journal::FailureRow;
use crate::model::FailureState;
use crate::tui::actions::Action;
use crate::tui::app::App;
use crate::tui::canvas::pad;
use crate::tui::mending::{Lines as FileLines, Mark, Verdict, name_of, names};
use crate::tui::message::Detail;
use crate::tui::theme::Ink;
use crate::tui::{numbers, words};

/// The most of what is wrong that is said beneath the table.
const MOST_WRONG: usize = 12;

/// The width of the names of fields.
const NAMES: u16 = 14;

/// The width of the last column.
const CHECK: u16 = 12;

pub(super) fn tell(app: &App, detail: &Detail, lines: &mut Lines) {
    let row = &detail.row;
    let operation = app.figures().map(|figures| figures.operation);
    lines.say(&words::sentence_of(row, operation), Ink::Strong);
    if row.state == FailureState::Delivered {
        lines.gap();
        return place(app, detail, lines);
    }
    if let Some(sent) = sent(row) {
        lines.say(&sent, Ink::Plain);
    }
    if let Some(doubt) = words::doubt(row, operation) {
        lines.say(&doubt, Ink::Warn);
    }
    if app.failures.was_asked(row.id) {
        lines.say("It was asked to be sent again, and has not ended yet.", Ink::Warn);
    } else if let Some(came) = app.failures.singles.of(row.id) {
        lines.say(came, Ink::Warn);
    }
    lines.gap();
    lines.say(&format!("What you can do: {}", words::advice(row, operation)), Ink::Plain);
    lines.say(&keys(app, row), Ink::Dim);
    lines.gap();
    table(detail, lines);
    wrong(detail, lines);
    place(app, detail, lines);
}

/// Whether it was sent. The sentence of one that our own check found says so already.
fn sent(row: &FailureRow) -> Option<String> {
    if !row.id.is_item() {
        return Some("It is a row of an import that was delivered; the import itself is done.".to_owned());
    }
    Some(match (row.attempts, row.status) {
        (0, _) if row.state == FailureState::Invalid => return None,
        (0, _) => "It was not sent.".to_owned(),
        (1, Some(status)) => format!("It was sent once; the platform's answer was {status}."),
        (tries, Some(status)) => format!(
            "It was tried {} times; the platform's last answer was {status}.",
            numbers::count(u64::from(tries))
        ),
        (1, None) => "It was sent once; no answer came.".to_owned(),
        (tries, None) => {
            format!(
                "It was tried {} times; to the last one no answer came.",
                numbers::count(u64::from(tries))
            )
        }
    })
}

/// The keys that act on it as it is.
fn keys(app: &App, row: &FailureRow) -> String {
    let key = |action| app.keymap.key(action);
    let [send, edit, close, undo, copy] =
        [Action::ResendOne, Action::EditOne, Action::CloseOne, Action::UndoOne, Action::CopyMenu].map(key);
    let close = format!("{close} closes it with a note");
    match row.state {
        FailureState::Delivered => String::new(),
        FailureState::Dismissed => format!("{undo} opens it again   {copy} copies words about it"),
        _ if !row.id.is_item() => format!("{close}   {copy} copies words for the vendor"),
        _ if row.remote_id.is_some() => {
            format!("{send} asks the platform again   {close}   {copy} copies words for the vendor")
        }
        _ if row.edited => {
            format!("{send} sends it as it is now   {edit} edits it further   {undo} takes the edit back")
        }
        FailureState::Invalid => format!("{edit} changes it, then {send} sends it   {close}"),
        FailureState::Failed => format!("{send} sends it again   {edit} changes it   {close}"),
    }
}

/// Its fields: in the file, edited to, and what is known of each.
fn table(detail: &Detail, lines: &mut Lines) {
    if detail.fields.is_empty() {
        return;
    }
    let edited = detail.fields.iter().any(|field| field.edited.is_some());
    let rest = lines.room.saturating_sub(NAMES + CHECK);
    let (file, to) = if edited { (rest / 2, rest - rest / 2) } else { (rest, 0) };
    let mut head = format!("{}{}", pad("field", NAMES), pad("in the file", file));
    if edited {
        head.push_str(&pad("edited to", to));
    }
    head.push_str("check");
    lines.lines.push(vec![(head, Ink::Dim)]);
    for field in &detail.fields {
        let ink = if field.mark == Mark::Bad { Ink::Strong } else { Ink::Plain };
        let mut line = vec![(pad(&field.name, NAMES), ink), (pad(&field.in_file, file), Ink::Plain)];
        if edited {
            line.push((pad(field.edited.as_deref().unwrap_or_default(), to), Ink::Strong));
        }
        let (check, ink) = match field.mark {
            Mark::Bad => ("✗ see below", Ink::Bad),
            Mark::WasBad => ("✓ was ✗", Ink::Good),
            Mark::Changed => ("changed", Ink::Warn),
            Mark::Good => ("✓", Ink::Good),
            Mark::Unknown => ("", Ink::Plain),
        };
        line.push((check.to_owned(), ink));
        lines.lines.push(line);
    }
    if detail.more_fields > 0 {
        let more = numbers::count_of(detail.more_fields);
        lines.say(&format!("… and {more} more; the page Record shows all of it"), Ink::Dim);
    }
    lines.gap();
}

/// What is wrong, place by place, and what our own check says of it now.
fn wrong(detail: &Detail, lines: &mut Lines) {
    let row = &detail.row;
    let own = row.state == FailureState::Invalid;
    let mut told = 0;
    for violation in row.violations.iter().take(MOST_WRONG) {
        let pointer = violation.place.to_string();
        let mended = row.edited && !names(detail.verdict.violations(), &pointer) && detail.verdict.passes();
        let name = name_of(&pointer, row.count);
        let named = violation.reason.contains(name.rsplit([' ', '/']).next().unwrap_or(&name));
        let text = if named { violation.reason.clone() } else { format!("{name}: {}", violation.reason) };
        let (sign, ink) = if mended { ("was ✗", Ink::Dim) } else { ("✗", Ink::Bad) };
        lines.say(&format!("{sign} {text}"), ink);
        told += 1;
    }
    if row.violations.len() > told {
        let more = numbers::count_of(row.violations.len() - told);
        lines.say(&format!("… and {more} more places"), Ink::Dim);
    }
    if row.violations.is_empty() && !row.message.is_empty() {
        lines.field(if own { "Our check" } else { "Platform" }, &row.message, Ink::Plain);
    } else if !own && !row.message.is_empty() {
        lines.field("Platform", &row.message, Ink::Plain);
    }
    match &detail.verdict {
        Verdict::Refused(reason) if row.edited || !own => {
            lines.say(&format!("✗ Our own check refuses it as it is now: {}", reason.message), Ink::Bad);
        }
        Verdict::Passes if row.edited => lines.say("✓ As it is now, it passes our own check.", Ink::Good),
        Verdict::PassesSoFar if row.edited => lines.say(
            "✓ As it is now, it passes our own check; what the platform's own list holds is not known here.",
            Ink::Good,
        ),
        _ => {}
    }
}

/// Where it stands, what the vendor calls it, and who had it in hand last.
fn place(app: &App, detail: &Detail, lines: &mut Lines) {
    let row = &detail.row;
    let last = row.position.saturating_add(row.count.saturating_sub(1));
    let records = if row.count == 1 {
        format!("record {}", numbers::count(row.position))
    } else {
        format!("records {} to {}", numbers::count(row.position), numbers::count(last))
    };
    let place = match &detail.file {
        None => format!("{records}, counted from 0"),
        Some((file, within, kind)) => {
            let line = match kind {
                FileLines::Each => Some(within.saturating_add(1)),
                FileLines::AfterHead => Some(within.saturating_add(2)),
                FileLines::Unknown => None,
            };
            // a line may be empty, and a record of a table may have several
            let line = line.map_or_else(String::new, |line| format!(", about line {}", numbers::count(line)));
            format!("{records} (counted from 0){line} of {file}")
        }
    };
    lines.field("Place", &place, Ink::Plain);
    let code = match (row.status, &row.code) {
        (Some(status), Some(code)) => format!("{status} {code}"),
        (Some(status), None) => status.to_string(),
        (None, Some(code)) => code.clone(),
        (None, None) => "no code".to_owned(),
    };
    let id = match &row.correlation_id {
        Some(id) => format!("correlation id {id}"),
        None if row.attempts == 0 => "no correlation id, it was never sent".to_owned(),
        None => "no correlation id".to_owned(),
    };
    lines.field("Vendor", &format!("{code} · {id}"), Ink::Plain);
    if let Some(job) = &row.remote_id {
        lines.field("Job", job, Ink::Plain);
    }
    let (first, last) = (moment(app, row.first_at), moment(app, row.last_at));
    let when = if first == last { first } else { format!("{first}, last {last}") };
    lines.field("Failed", &when, Ink::Plain);
    if let Some(note) = &row.note {
        lines.field("Note", note, Ink::Plain);
    }
    if let Some(hand) = detail.hands.last() {
        let what = super::hands::what(hand, row.edited);
        lines.field("Hands", &format!("{} {}: {what}", moment(app, hand.at), hand.by), Ink::Plain);
    }
}
