//! A run as a page with pictures, to be handed to others: one file that needs nothing beside it.
//!
//! It has no scripts and asks for nothing from outside, and its own policy forbids both, so that not even a hostile
//! name that found a way through could load or run anything. What comes from outside is escaped by the one writer that
//! all of the page goes through (`markup`). Its length does not grow with the run: what is many is counted.
//!
//! Keys of failures are personal data: a page has none, and no value of a record, unless that is asked for. A platform may
//! repeat such a value in what it says: it is taken out of that.
//!
//! ```text
//! markup     tags, attributes and text, escaped
//! pictures   bars, and the map of the datasets
//! course     when it ran: a picture of it, and what happened
//! causes     what was not delivered, by cause, and what people have closed
//! todo       what is left to do
//! ```

mod causes;
mod course;
mod markup;
mod pictures;
mod todo;

#[cfg(test)]
mod tests;

use std::io::Write;

use base64::Engine as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};

use super::ReportError;
use super::words::{grouped, records_of, span};
use crate::journal::{Cause, EventRow, Filter, Query, Reader, Repeats, RunRow, View};
use crate::model::{Fault, ItemMap, RunState};
use causes::Closed;
use markup::Html;

/// How a page looks, on a screen and on paper.
const STYLE: &str = include_str!("html/page.css");

/// The most happenings that are looked at, the newest first.
const HAPPENINGS: u32 = 20_000;

/// Whether a page tells examples of what failed: keys and values, which are personal data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Examples {
    /// Nothing by which a record could be found.
    #[default]
    Hidden,
    /// Up to three of each cause.
    Shown,
}

/// From where a page is looked at.
#[derive(Debug, Clone)]
pub struct Stance {
    /// The moment of writing.
    pub now: Timestamp,
    /// In which zone times are told.
    pub zone: TimeZone,
    /// Whether there are examples.
    pub examples: Examples,
}

impl Stance {
    /// Now, in the time of the person who asks.
    #[must_use]
    pub fn here(examples: Examples) -> Self {
        Self { now: Timestamp::now(), zone: TimeZone::system(), examples }
    }

    /// A moment: `2026-11-21 14:01:48`.
    fn moment(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// The same as it stands on a scale over so many milliseconds.
    fn on_scale(&self, at: Timestamp, over: i64) -> String {
        let form = if over < 3_600_000 { "%H:%M:%S" } else { "%m-%d %H:%M" };
        at.to_zoned(self.zone.clone()).strftime(form).to_string()
    }

    fn zone_name(&self) -> String {
        self.now.to_zoned(self.zone.clone()).strftime("%Z").to_string()
    }
}

/// All that a page tells.
struct Facts<'a> {
    run: &'a RunRow,
    stance: &'a Stance,
    /// What it has not read of its datasets, a sentence each.
    cut_off: Vec<String>,
    /// What it stands still for.
    fault: Option<Fault>,
    map: ItemMap,
    /// The oldest first.
    happenings: Vec<EventRow>,
    /// When something was last delivered.
    last_delivered: Option<Timestamp>,
    /// Of the open failures, the most frequent first.
    causes: Vec<Cause>,
    closed: Closed,
    /// What the platform repeats of records in what it said; nothing where examples are shown.
    repeats: Repeats,
    /// Open failures whose records a person has edited and nobody has sent since.
    edited: u64,
}

impl<'a> Facts<'a> {
    fn gather(reader: &Reader, run: &'a RunRow, stance: &'a Stance) -> Result<Self, ReportError> {
        let mut happenings = reader.happenings(run, HAPPENINGS)?;
        happenings.reverse();
        let fault = match run.state {
            RunState::Faulted => happenings.iter().rev().find_map(EventRow::fault),
            _ => None,
        };
        let open = Query { view: View::Open, ..Filter::default().into() };
        let mut last_delivered = None;
        for dataset in 0..run.datasets.len() {
            let at = reader.last_accepted(run, u32::try_from(dataset).unwrap_or(u32::MAX))?;
            last_delivered = last_delivered.max(at);
        }
        let causes = reader.causes(run, &open)?;
        let closed = Closed::gather(reader, run)?;
        let repeats = match stance.examples {
            Examples::Hidden => reader.repeats(run, said(&causes, &happenings).chain(closed.notes()))?,
            Examples::Shown => Repeats::default(),
        };
        Ok(Self {
            run,
            stance,
            cut_off: reader.cut_off(run)?,
            fault,
            map: reader.item_map(run)?,
            happenings,
            last_delivered,
            causes,
            closed,
            edited: reader.edited(run)?,
            repeats,
        })
    }
}

/// What the platform said, wherever a page tells it.
fn said<'a>(causes: &'a [Cause], happenings: &'a [EventRow]) -> impl Iterator<Item = &'a str> {
    let of_causes = causes
        .iter()
        .take(causes::CAUSES)
        .flat_map(|cause| [Some(cause.message.as_str()), cause.code.as_deref()].into_iter().flatten());
    let of_events = happenings.iter().filter(|event| course::is_quoting(event));
    of_causes.chain(of_events.filter_map(|event| event.text.as_deref()))
}

/// Writes a run as a page of HTML. Of a run that goes on, its parts are of moments shortly after each other.
///
/// # Errors
///
/// The journal could not be read, or the page not be written.
pub fn write_html(
    out: &mut dyn Write,
    reader: &Reader,
    run: &RunRow,
    stance: &Stance,
) -> Result<(), ReportError> {
    let facts = Facts::gather(reader, run, stance)?;
    let mut html = Html::default();
    head(&mut html, &facts);
    html.open("body", &[]);
    banner(&mut html, &facts);
    html.open("main", &[]);
    todo::section(&mut html, &facts);
    sent(&mut html, &facts);
    standing(&mut html, &facts);
    course::section(&mut html, &facts);
    calls(&mut html, &facts);
    causes::open_section(&mut html, &facts);
    causes::closed_section(&mut html, &facts);
    html.close("main");
    foot(&mut html, &facts);
    html.close("body");
    html.close("html");
    Ok(out.write_all(html.done().as_bytes())?)
}

/// The policy: no script, no resource, nothing but the one style of this page.
fn policy() -> String {
    let digest: [u8; 32] = Sha256::digest(STYLE.as_bytes()).into();
    let hash = base64::engine::general_purpose::STANDARD.encode(digest);
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

fn head(html: &mut Html, facts: &Facts<'_>) {
    html.raw("<!DOCTYPE html>\n");
    html.open("html", &[("lang", &"en")]);
    html.open("head", &[]);
    html.raw("<meta charset=\"utf-8\">\n");
    html.open("meta", &[("http-equiv", &"Content-Security-Policy"), ("content", &policy())]);
    html.raw(
        "\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"robots\" content=\"noindex\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n",
    );
    let run = facts.run;
    let production = if run.production { "PRODUCTION " } else { "" };
    let title = format!("{}: {} to {production}{}", run.id.short(), run.operation, run.profile);
    html.element("title", &[], &title);
    html.raw("\n<style>");
    html.raw(STYLE);
    html.raw("</style>\n");
    html.close("head");
}

/// A sign and words for where a run stands; the sign tells it without its colour.
fn state(run: &RunRow) -> (&'static str, &'static str, &'static str) {
    match run.state {
        RunState::Running => ("▶", "it is being carried out now", "calm"),
        RunState::Paused => ("‖", "paused, and nobody carries it", "warn"),
        RunState::Faulted => ("✗", "stopped by a fault", "bad"),
        RunState::Completed => ("✓", "ended: all was delivered or closed", "good"),
        RunState::CompletedWithFailures => ("!", "ended, with failures left", "warn"),
        RunState::Cancelled => ("■", "cancelled: what was not sent stays so", "warn"),
    }
}

fn banner(html: &mut Html, facts: &Facts<'_>) {
    let run = facts.run;
    html.open("header", &[]);
    html.open("h1", &[]);
    html.text(&format!("Run {} ", run.id.short()));
    if run.production {
        html.element("strong", &[("class", &"production")], "PRODUCTION");
    }
    html.close("h1");
    let (sign, words, class) = state(run);
    html.open("p", &[("class", &format!("state {class}"))]);
    html.element("span", &[("aria-hidden", &"true")], sign);
    html.text(&format!(" {words}"));
    html.close("p");
    html.open("p", &[("class", &"quiet")]);
    html.text(&format!(
        "As of {}. Times are local: {}.",
        facts.stance.moment(facts.stance.now),
        facts.stance.zone_name()
    ));
    html.close("p");
    html.close("header");
}

/// A host with its port: what stands between the scheme and the path of an address, without what is no host.
fn host_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    authority.rsplit('@').next().unwrap_or(authority)
}

/// The file's own name: folders tell of the person's machine, and nothing of the run.
fn file_name(path: &str) -> &str {
    match path {
        "-" => "standard input",
        path => path.rsplit(['/', '\\']).next().unwrap_or(path),
    }
}

fn sent(html: &mut Html, facts: &Facts<'_>) {
    let run = facts.run;
    html.section("What was sent where");
    html.open("dl", &[]);
    html.fact("operation", run.operation.word());
    html.open("div", &[]);
    html.element("dt", &[], "profile");
    html.open("dd", &[]);
    html.outside(&run.profile);
    html.text(if run.production { ", marked as PRODUCTION" } else { ", not marked as production" });
    html.close("dd");
    html.close("div");
    html.fact("platform", run.platform.word());
    html.fact("host", host_of(&run.api_url));
    html.fact("began", &facts.stance.moment(run.started_at));
    if let Some(ended) = run.ended_at {
        html.fact("ended", &facts.stance.moment(ended));
    }
    html.fact("run", &run.id.to_string());
    html.close("dl");
    html.table(&["dataset", "format", ">records", ">bytes", "digest"]);
    for dataset in &run.datasets {
        html.open("tr", &[]);
        html.open("th", &[("scope", &"row")]);
        html.outside(file_name(&dataset.path));
        html.close("th");
        html.cell(&dataset.format);
        html.number(&dataset.records.map_or_else(|| "not read to its end".to_owned(), grouped));
        html.number(&grouped(dataset.bytes));
        html.open("td", &[("class", &"digest")]);
        html.text(dataset.digest.as_deref().unwrap_or("not known"));
        html.close("td");
        html.close("tr");
    }
    html.end_table();
    for said in &facts.cut_off {
        html.element("p", &[("class", &"warn")], said);
    }
    html.close("section");
}

fn standing(html: &mut Html, facts: &Facts<'_>) {
    let run = facts.run;
    html.section("Where it stands");
    pictures::tally(html, "records", &run.records);
    // where each item holds one record, both would be the same picture
    if run.items != run.records {
        pictures::tally(html, run.operation.item_noun(), &run.items);
    }
    let mut said = Vec::new();
    if run.rows_failed > 0 {
        said.push(format!(
            "The results of delivered jobs refuse {} that nobody has closed.",
            records_of(run.rows_failed, "row", "rows")
        ));
    }
    if run.from_store > 0 {
        said.push(format!(
            "{} had been delivered before: what was stored then counts, and no call was made.",
            records_of(run.from_store, run.operation.one_item(), run.operation.item_noun())
        ));
    }
    for sentence in said {
        html.element("p", &[], &sentence);
    }
    html.element("h3", &[], "Where in the datasets");
    pictures::map(html, &facts.map);
    html.close("section");
}

fn calls(html: &mut Html, facts: &Facts<'_>) {
    let run = facts.run;
    html.section("Calls");
    let rows = [
        ("calls to the platform", run.requests, "all"),
        ("repeats of an item's call", run.retries, "dismissed"),
        ("answered \"slow down\" (429)", run.throttled, "under-way"),
    ];
    pictures::calls(html, &rows);
    let paused = course::paused(facts);
    if !paused.is_zero() {
        let sentence =
            format!("For {} no call was made because the platform had asked for that.", span(paused));
        html.element("p", &[], &sentence);
    }
    html.close("section");
}

fn foot(html: &mut Html, facts: &Facts<'_>) {
    html.open("footer", &[]);
    let examples = match facts.stance.examples {
        Examples::Hidden => {
            "It names no contact, record or key, and of notes tells nothing that a failed record holds. It names who acted."
        }
        Examples::Shown => {
            "It names examples of what failed: these are personal data. Notes stand as people have written them."
        }
    };
    html.element(
        "p",
        &[],
        &format!("Written by trunkline {} from its journal. {examples}", env!("CARGO_PKG_VERSION")),
    );
    html.close("footer");
}
