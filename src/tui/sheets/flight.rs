//! *New run*, the second of its two pages: what would happen, in full, before anything does. The harmless answer has
//! the keys at first; on production it takes the number of records, typed.

mod invalid;

use std::collections::BTreeSet;
use std::time::Duration;

use super::{About, Sheet, Stays, save_plan};
use crate::journal::RunRow;
use crate::model::PlatformKind;
use crate::plan::{KeyScope, Operation};
use crate::tui::actions;
use crate::tui::app::{Act, App, Overlay, Question, Starting};
use crate::tui::canvas;
use crate::tui::form::{Button, Field, Form, Row};
use crate::tui::layout;
use crate::tui::message::{Effect, Request};
use crate::tui::numbers::{bytes, count, minute_of_day, rate, span};
use crate::tui::office::{Earlier, Flight};
use crate::tui::theme::Ink;
use crate::tui::update::question;
use crate::tui::words;

/// The columns of what a line is about.
const LABELS: usize = 17;

/// The most earlier runs that are told.
const BEFORE: usize = 3;

/// The second page of a new run.
#[derive(Debug)]
pub(in crate::tui) struct Page {
    flight: Flight,
    /// Why the start was refused, where it was.
    refused: Option<String>,
    start: Start,
}

/// How far the start is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Nobody has asked for it.
    NotYet,
    /// It was asked for.
    Asked,
}

/// Opens the page over the first one.
pub(super) fn open(app: &mut App, flight: Flight) {
    let focus = if flight.profile.production && may_start(app, &flight).is_ok() { "number" } else { "back" };
    let page = Page { flight, refused: None, start: Start::NotYet };
    let rows = rows(app, &page, "");
    let mut form = Form::new("New run · 2 of 2, what would happen", rows, app.frame).focused(focus);
    form.foot = format!("checked at {}, {}", minute_of_day(app.now.wall, &app.zone), span(page.flight.took));
    app.overlays.push(Overlay::Sheet(Box::new(Sheet { form, about: About::Flight(Box::new(page)) })));
}

/// Records that would be sent.
fn valid(flight: &Flight) -> u64 {
    flight.report.records.saturating_sub(flight.report.invalid)
}

/// The scopes that the token lacks.
fn lacking(flight: &Flight) -> Vec<&str> {
    let Some(held) = &flight.report.scopes else { return Vec::new() };
    let held: BTreeSet<&str> = held.iter().map(String::as_str).collect();
    flight.report.needed.iter().map(String::as_str).filter(|scope| !held.contains(scope)).collect()
}

/// Whether the run may begin, for all that the check has shown.
fn may_start(app: &App, flight: &Flight) -> Result<(), String> {
    if flight.broken.is_some() {
        return Err("the dataset is malformed; mend it, then check again".to_owned());
    }
    let lacking = lacking(flight);
    if !lacking.is_empty() {
        return Err(format!("the profile's client has no scope {}", lacking.join(" ")));
    }
    if valid(flight) == 0 {
        return Err("there is no valid record to be sent".to_owned());
    }
    if flight.profile.read_only {
        return Err(format!("{} is read-only: it sends nothing", flight.profile.name));
    }
    actions::startable(app)
}

fn rows(app: &App, page: &Page, typed: &str) -> Vec<Row> {
    let flight = &page.flight;
    let mut lines = Lines { rows: Vec::new(), width: layout::full_page(app.size).width };
    read(flight, &mut lines);
    if flight.broken.is_none() {
        counted(flight, &mut lines);
        before(flight, &mut lines);
        effects(flight, &mut lines);
        lines.rows.push(Row::gap());
        time(app, flight, &mut lines);
    }
    if let Some(why) = &page.refused {
        lines.say(Sign::Bad, "not begun", why);
    }
    let Lines { mut rows, .. } = lines;
    rows.push(Row::gap());
    let may = may_start(app, flight);
    let number = valid(flight);
    let asks = flight.profile.production && may.is_ok();
    if asks {
        rows.push(Row::Words(vec![
            ("To start on ".to_owned(), Ink::Plain),
            ("PRODUCTION".to_owned(), Ink::Production),
            (format!(" {}, type the number {number}:", flight.profile.name), Ink::Plain),
        ]));
        rows.push(Row::Field(Field::digits("number", "The number", "").wide(12)));
    }
    let start = match page.start {
        Start::Asked => Err("it is being started".to_owned()),
        Start::NotYet => may.and_then(|()| {
            let proven = !asks || typed == number.to_string();
            if proven { Ok(()) } else { Err(format!("type the number {number} first")) }
        }),
    };
    let mut buttons = Vec::new();
    if let Some(run) = unfinished(flight) {
        let may = match &run.carrier {
            Some(carrier) => Err(format!("run {} is carried by {}", run.id.short(), carrier.0)),
            None => actions::startable(app),
        };
        buttons.push(Button::new("go_on", format!("Go on with {}", run.id.short())).may(may));
    }
    buttons.push(Button::new("back", "Back"));
    if flight.report.invalid > 0 && flight.broken.is_none() {
        buttons.push(Button::new("see", format!("See the {}", count(flight.report.invalid))));
    }
    buttons.push(Button::new("save", "Save as plan"));
    let words = if page.start == Start::Asked { "Starting…" } else { "Start" };
    buttons.push(Button::new("start", words).may(start));
    rows.push(Row::Buttons(buttons));
    rows
}

/// The last earlier run of the same content that is not at its end.
fn unfinished(flight: &Flight) -> Option<&RunRow> {
    let whole = flight.before.iter().filter(|earlier| earlier.files.is_empty());
    whole.map(|earlier| &earlier.run).find(|run| !run.state.is_over())
}

/// How a line is meant.
#[derive(Debug, Clone, Copy)]
enum Sign {
    Good,
    Minds,
    Bad,
    Tells,
}

/// Lines of a sign, what they are about, and what there is to say.
struct Lines {
    rows: Vec<Row>,
    width: u16,
}

impl Lines {
    fn say(&mut self, sign: Sign, about: &str, text: &str) {
        let (sign, ink) = match sign {
            Sign::Good => ("✓", Ink::Good),
            Sign::Minds => ("!", Ink::Warn),
            Sign::Bad => ("✗", Ink::Bad),
            Sign::Tells => (" ", Ink::Plain),
        };
        let room = self.width.saturating_sub(4 + 2 + u16::try_from(LABELS).unwrap_or(0));
        let words = if matches!(ink, Ink::Bad | Ink::Warn) { ink } else { Ink::Plain };
        for (number, line) in canvas::wrap(text, room).into_iter().enumerate() {
            let (sign, about) = if number == 0 { (sign, about) } else { (" ", "") };
            self.rows.push(Row::Words(vec![
                (format!("{sign} "), ink),
                (format!("{about:<LABELS$}"), Ink::Plain),
                (line, words),
            ]));
        }
    }
}

fn read(flight: &Flight, lines: &mut Lines) {
    match &flight.broken {
        None => {
            let text = format!(
                "{}, {}, no broken place",
                words::some(flight.report.records, "record"),
                bytes(flight.bytes)
            );
            lines.say(Sign::Good, "read to the end", &text);
        }
        Some(broken) => {
            lines.say(
                Sign::Bad,
                "malformed",
                &format!("{broken}. Nothing was counted, nothing can be sent."),
            );
        }
    }
}

fn counted(flight: &Flight, lines: &mut Lines) {
    let report = &flight.report;
    lines.say(if valid(flight) > 0 { Sign::Good } else { Sign::Bad }, "valid", &count(valid(flight)));
    if report.invalid > 0 {
        lines.say(Sign::Bad, "not valid", &format!("{}, not sent", count(report.invalid)));
    }
    let lacking = lacking(flight);
    match (&report.scopes, lacking.is_empty()) {
        (Some(_), true) => lines.say(Sign::Good, "may write", &report.needed.join(" ")),
        (Some(_), false) => {
            let text = format!("the client has no {}; who keeps it can add that", lacking.join(" "));
            lines.say(Sign::Bad, "may not write", &text);
        }
        (None, _) => {
            let text = format!("not told by the platform; it takes {}", report.needed.join(" "));
            lines.say(Sign::Tells, "may write", &text);
        }
    }
    let text = format!("{} in all, largest body {}", count(report.calls), bytes(report.largest_body));
    lines.say(Sign::Good, "calls", &text);
}

fn before(flight: &Flight, lines: &mut Lines) {
    for Earlier { run, delivered, files } in flight.before.iter().take(BEFORE) {
        let of = if files.is_empty() { "these".to_owned() } else { words::names_of(files) };
        let went = format!("{} of {of} went out with run {}", count(*delivered), run.id.short());
        let text = match &run.carrier {
            Some(carrier) => format!("{went}, which {} carries now", carrier.0),
            None if run.state.is_over() => went,
            None => format!("{went}, which stands still with {} to go", count(run.records.pending)),
        };
        lines.say(Sign::Minds, "sent before", &text);
    }
    let more = flight.before.len().saturating_sub(BEFORE);
    if more > 0 {
        lines.say(Sign::Minds, "", &format!("and with {} before", words::some(more as u64, "more run")));
    }
}

/// What changes on the platform.
fn effects(flight: &Flight, lines: &mut Lines) {
    let items = count(flight.report.items);
    match &flight.plan.operation {
        Operation::Outcomes(_) => {
            let text = format!("the present outcome of {}; no undo", words::some(valid(flight), "contact"));
            lines.say(Sign::Minds, "overwrites", &text);
        }
        Operation::Execute(execute) => {
            let text =
                format!("runs Data Action {} {items} times, whatever it does; no undo", execute.action);
            lines.say(Sign::Minds, "effects", &text);
            if execute.key_scope == KeyScope::Content {
                let text = "what was run with the same content lately is not run again";
                lines.say(Sign::Tells, "", text);
            }
        }
        Operation::Ingest(_) | Operation::Exchange(_) => {
            let noun = flight.plan.operation.kind().item_noun();
            let text = format!("{} in {items} {noun}; no undo", words::some(valid(flight), "record"));
            lines.say(Sign::Minds, "adds", &text);
        }
        Operation::Import(_) => {
            let text = format!("{items} import jobs on the platform, each at work on its own; no undo");
            lines.say(Sign::Minds, "starts", &text);
        }
    }
}

fn time(app: &App, flight: &Flight, lines: &mut Lines) {
    let text = match (flight.report.at_plans_rate, flight.plan.delivery.rate) {
        (Some(time), Some(at)) => {
            let done = jiff::SignedDuration::try_from(time)
                .ok()
                .and_then(|time| app.now.wall.checked_add(time).ok())
                .map(|at| format!(", done about {}", minute_of_day(at, &app.zone)))
                .unwrap_or_default();
            format!("{} at {} calls a second{done}", span(time), rate(at))
        }
        _ => "no ceiling of ours: as fast as the platform takes them".to_owned(),
    };
    lines.say(Sign::Tells, "time", &text);
    let whole = flight.before.iter().filter(|earlier| earlier.files.is_empty());
    if let Some(run) = whole.map(|earlier| &earlier.run).find(|run| run.state.is_over()) {
        let (id, took) = (run.id.short(), span(run.took));
        lines.say(Sign::Tells, "", &format!("run {id} of the same content took {took}"));
    }
    if let Some(allowed) = flight.report.quota {
        lines.say(Sign::Tells, "quota", &quota(flight, allowed));
    }
}

/// What the platform itself allows, and how long all calls take at that.
fn quota(flight: &Flight, allowed: u64) -> String {
    let calls = flight.report.calls;
    // Genesys counts by the minute; how long a window of CXone's is, or of a sandbox on this machine, is not told
    if flight.profile.platform != PlatformKind::Genesys || !flight.profile.api_url.starts_with("https:") {
        return format!("{} a window, as the platform told", words::calls(allowed));
    }
    let time = (calls > allowed)
        .then(|| u128::from(calls) * 60_000 / u128::from(allowed.max(1)))
        .and_then(|time| u64::try_from(time).ok())
        .map(|time| format!("{} at ", span(Duration::from_millis(time))))
        .unwrap_or_default();
    format!("{time}{} a minute, as the platform told", words::calls(allowed))
}

/// A field has another value now.
pub(super) fn changed(app: &App, sheet: &mut Sheet) {
    let Sheet { form, about: About::Flight(page) } = sheet else { return };
    let rows = rows(app, page, form.value("number"));
    form.arrange(rows);
}

/// A button was pressed.
pub(super) fn pressed(app: &mut App, sheet: &mut Sheet, id: &str, out: &mut Vec<Effect>) -> Stays {
    let Sheet { form, about: About::Flight(page) } = sheet else { return Stays::Closed };
    match id {
        "see" => app.overlays.push(Overlay::Text(invalid::page(&page.flight.report))),
        "save" => save_plan::open(app, page.flight.plan.clone()),
        "go_on" => {
            if let Some(run) = unfinished(&page.flight) {
                ask_to_go_on(app, run);
            }
        }
        "start" => {
            page.start = Start::Asked;
            page.refused = None;
            app.starting = Starting::Yes;
            out.push(Effect::Ask(Request::Begin(page.flight.number)));
            let rows = rows(app, page, form.value("number"));
            form.arrange(rows);
        }
        _ => return Stays::Closed,
    }
    Stays::Open
}

/// The run was not begun, with the reason.
pub(super) fn refused(app: &App, sheet: &mut Sheet, why: &str) {
    let Sheet { form, about: About::Flight(page) } = sheet else { return };
    if page.start == Start::NotYet {
        return;
    }
    page.start = Start::NotYet;
    page.refused = Some(why.to_owned());
    let rows = rows(app, page, form.value("number"));
    form.arrange(rows);
    "back".clone_into(&mut form.focus);
}

fn ask_to_go_on(app: &mut App, run: &RunRow) {
    let production = if run.production { "PRODUCTION " } else { "" };
    let pending = run.records.pending;
    let words = vec![
        (
            format!("Go on with {} on {production}{}?", run.id.short(), run.profile),
            if run.production { Ink::Bad } else { Ink::Strong },
        ),
        (String::new(), Ink::Plain),
        (
            format!(
                "{} still to go, with the settings that it began with. What was delivered is not sent again.",
                if pending == 1 {
                    "1 record is".to_owned()
                } else {
                    format!("{} records are", count(pending))
                }
            ),
            Ink::Plain,
        ),
    ];
    let mut asked = Question::new(words, "Leave it", "Go on", Act::Resume(run.id));
    if run.production && pending > 0 {
        asked = asked.with_number(pending);
    }
    question::ask(app, asked);
}
