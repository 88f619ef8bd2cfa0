//! When a run ran: a picture of it over time, and what happened.
//!
//! A run may send for ten minutes and be mended three days later. So time has one scale while it is sent, and long
//! stretches in which nobody carried the run are drawn short, as a gap. A process that was killed has not said when: it
//! is taken to have worked until the last thing that the journal knows of it.

use std::time::Duration;

use jiff::Timestamp;

use super::markup::Html;
use super::pictures::{WIDTH, tenth};
use super::{Examples, Facts};
use crate::journal::EventRow;
use crate::model::{Fault, RunState};
use crate::plain;
use crate::report::words::{grouped, pause_words, records_of, span};

/// The most happenings in the table: the first of them and the last.
const TOLD: (usize, usize) = (50, 150);

/// From where to where the scale goes; left of it stand the words.
const LEFT: f64 = 130.0;
const RIGHT: f64 = 950.0;

/// How wide a gap is.
const GAP: f64 = 36.0;

/// The room of a moment on the scale, in characters of about seven units.
const LABEL: f64 = 84.0;

/// A stretch of time, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Stretch {
    const fn length(self) -> i64 {
        self.to - self.from
    }
}

/// The stretches in which the run was carried, and went.
pub(super) fn carried(facts: &Facts<'_>) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut open = None;
    let mut life = facts.run.started_at.as_millisecond();
    for event in &facts.happenings {
        let at = event.at.as_millisecond().max(life);
        if event.kind == "state" {
            let goes = event.reason.as_deref() == Some(RunState::Running.word());
            // one that goes while it goes was killed before
            if let Some(from) = open.take() {
                stretches.push(Stretch { from, to: if goes { life } else { at } });
            }
            open = goes.then_some(at);
        }
        life = at;
    }
    if let Some(from) = open {
        let to = match (&facts.run.carrier, facts.last_delivered) {
            (Some(_), _) => facts.stance.now.as_millisecond(),
            (None, Some(delivered)) => life.max(delivered.as_millisecond()),
            (None, None) => life,
        };
        stretches.push(Stretch { from, to: to.max(from) });
    }
    stretches
}

/// The stretches in which no call was made because the platform had asked for that.
fn pauses(facts: &Facts<'_>) -> Vec<Stretch> {
    let mut pauses: Vec<Stretch> = Vec::new();
    for event in facts.happenings.iter().filter(|event| event.kind == "pool_paused") {
        let from = event.at.as_millisecond();
        let long = i64::try_from(event.delay_ms.unwrap_or(0)).unwrap_or(i64::MAX);
        let to = from.saturating_add(long).min(facts.stance.now.as_millisecond().max(from));
        match pauses.last_mut() {
            Some(last) if from <= last.to => last.to = last.to.max(to),
            _ => pauses.push(Stretch { from, to }),
        }
    }
    pauses
}

/// For how long no call was made because the platform had asked for that.
pub(super) fn paused(facts: &Facts<'_>) -> Duration {
    let all: i64 = pauses(facts).iter().map(|pause| pause.length()).sum();
    Duration::from_millis(u64::try_from(all).unwrap_or(0))
}

/// A piece of the scale.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    time: Stretch,
    from: f64,
    to: f64,
    is_gap: bool,
}

/// Time as places from left to right.
#[derive(Debug)]
struct Scale(Vec<Piece>);

impl Scale {
    /// A scale that holds all of these and ends at `end`.
    fn over(stretches: &[Stretch], end: i64) -> Self {
        let carried: i64 = stretches.iter().map(|stretch| stretch.length()).sum();
        // a gap that is shorter than this stands in its own length
        let short = (carried / 4).max(1000);
        let mut times: Vec<(Stretch, bool)> = Vec::new();
        let mut at = stretches.first().map_or(end, |first| first.from);
        let mut go_to = |at: &mut i64, to: i64, idle: bool| {
            if to <= *at {
                return;
            }
            let time = Stretch { from: *at, to };
            *at = to;
            let is_gap = idle && time.length() > short;
            match times.last_mut() {
                Some((last, false)) if !is_gap => last.to = to,
                _ => times.push((time, is_gap)),
            }
        };
        for stretch in stretches {
            go_to(&mut at, stretch.from, true);
            go_to(&mut at, stretch.to, false);
        }
        go_to(&mut at, end, true);
        if times.is_empty() {
            times.push((Stretch { from: at, to: at + 1000 }, false));
        }
        Self::laid_out(&times)
    }

    fn laid_out(times: &[(Stretch, bool)]) -> Self {
        let count = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let gaps = count(times.iter().filter(|(_, is_gap)| *is_gap).count());
        let room = RIGHT - LEFT;
        let gap = if gaps > 0.0 { GAP.min(room * 0.4 / gaps) } else { 0.0 };
        let pieces = count(times.len()) - gaps;
        // each piece is seen, and the rest of the room is shared out by their lengths
        let least = 12.0_f64.min(room * 0.2 / pieces.max(1.0));
        let all: i64 = times.iter().filter(|(_, is_gap)| !is_gap).map(|(time, _)| time.length()).sum();
        let shared = room - gaps * gap - pieces * least;
        let mut at = LEFT;
        let lay = |(time, is_gap): &(Stretch, bool)| {
            let wide = if *is_gap { gap } else { least + part(time.length(), all) * shared };
            let piece = Piece { time: *time, from: at, to: at + wide, is_gap: *is_gap };
            at += wide;
            piece
        };
        Self(times.iter().map(lay).collect())
    }

    /// Where a moment stands; what lies outside stands at the edge.
    fn place(&self, at: i64) -> f64 {
        for piece in &self.0 {
            if at <= piece.time.to {
                let into = part((at - piece.time.from).max(0), piece.time.length());
                return piece.from + into * (piece.to - piece.from);
            }
        }
        self.0.last().map_or(LEFT, |last| last.to)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a picture needs three digits")]
fn part(part: i64, whole: i64) -> f64 {
    if whole <= 0 { 0.0 } else { part as f64 / whole as f64 }
}

pub(super) fn section(html: &mut Html, facts: &Facts<'_>) {
    html.section("When it ran");
    let stretches = carried(facts);
    let pauses = pauses(facts);
    let worked: i64 = stretches.iter().map(|stretch| stretch.length()).sum();
    let times = match stretches.len() {
        1 => String::new(),
        many => format!(" in {many} stretches"),
    };
    let went = Duration::from_millis(u64::try_from(worked).unwrap_or(0));
    html.element("p", &[], &format!("It was carried for {}{times}.", span(went)));
    if let Some(first) = facts.happenings.first().filter(|_| is_cut(facts)) {
        let since = facts.stance.moment(first.at);
        html.element(
            "p",
            &[("class", &"warn")],
            &format!("So much has happened that this begins at {since}."),
        );
    }
    picture(html, facts, &stretches, &pauses);
    table(html, facts, pauses.len());
    html.close("section");
}

/// Whether there are more happenings than were looked at.
fn is_cut(facts: &Facts<'_>) -> bool {
    facts.happenings.len() >= usize::try_from(super::HAPPENINGS).unwrap_or(usize::MAX)
}

/// What is drawn as a mark.
fn is_mark(event: &EventRow) -> bool {
    !matches!(event.kind.as_str(), "state" | "pool_paused" | "pool_resumed" | crate::journal::CUT_OFF)
}

fn picture(html: &mut Html, facts: &Facts<'_>, stretches: &[Stretch], pauses: &[Stretch]) {
    let last = facts.happenings.last().map_or(i64::MIN, |event| event.at.as_millisecond());
    let end = stretches.last().map_or(last, |stretch| stretch.to.max(last));
    let scale = Scale::over(stretches, end.max(facts.run.started_at.as_millisecond()));
    html.picture((WIDTH, 132), "When the run was carried, paused, at fault, and acted upon");
    for (y, word) in [(24, "carried"), (52, "\"slow down\""), (80, "faults"), (104, "acts of people")] {
        html.element("text", &[("x", &0), ("y", &y), ("class", &"faint")], word);
    }
    html.shape("path", &[("d", &format!("M{LEFT} 110H{RIGHT}")), ("class", &"line")]);
    for piece in scale.0.iter().filter(|piece| piece.is_gap) {
        let middle = tenth(f64::midpoint(piece.from, piece.to));
        html.element(
            "text",
            &[("x", &middle), ("y", &24), ("text-anchor", &"middle"), ("class", &"faint")],
            "⋯",
        );
    }
    spans(html, &scale, stretches, (10, 20, "delivered"));
    spans(html, &scale, pauses, (42, 12, "under-way"));
    marks(html, facts, &scale);
    labels(html, facts, &scale);
    html.close("svg");
}

/// Stretches as bars; those that would stand on the same place are one.
fn spans(
    html: &mut Html,
    scale: &Scale,
    stretches: &[Stretch],
    (y, height, class): (u32, u32, &'static str),
) {
    let mut bars: Vec<(f64, f64)> = Vec::new();
    for stretch in stretches {
        let from = scale.place(stretch.from);
        let to = scale.place(stretch.to).max(from + 2.0);
        match bars.last_mut() {
            Some(last) if from <= last.1 + 0.5 => last.1 = last.1.max(to),
            _ => bars.push((from, to)),
        }
    }
    for (from, to) in bars {
        let (x, wide) = (tenth(from), tenth(to - from));
        html.shape("rect", &[("x", &x), ("y", &y), ("width", &wide), ("height", &height), ("class", &class)]);
    }
}

/// Faults as triangles, acts as diamonds; of those that would stand on the same place, one.
fn marks(html: &mut Html, facts: &Facts<'_>, scale: &Scale) {
    let mut before = [f64::MIN; 2];
    for event in facts.happenings.iter().filter(|event| is_mark(event)) {
        let x = tenth(scale.place(event.at.as_millisecond()));
        let is_fault = event.kind == "fault";
        let [fault, act] = &mut before;
        let last = if is_fault { fault } else { act };
        if x - *last < 3.0 {
            continue;
        }
        *last = x;
        let (path, class) = if is_fault {
            (format!("M{x} 66l7 14h-14z"), "failed")
        } else {
            (format!("M{x} 91l7 8l-7 8l-7 -8z"), "dismissed")
        };
        html.open("g", &[]);
        let title = format!("{} {}", facts.stance.moment(event.at), told(facts, event));
        html.element("title", &[], &title);
        html.shape("path", &[("d", &path), ("class", &class)]);
        html.close("g");
    }
}

/// The moments at which the pieces begin and the scale ends, where there is room for them.
fn labels(html: &mut Html, facts: &Facts<'_>, scale: &Scale) {
    let mut free = f64::MIN;
    let begins = scale.0.first().map_or(0, |first| first.time.from);
    let over = scale.0.last().map_or(0, |last| last.time.to) - begins;
    let mut label = |x: f64, at: i64, anchor: &'static str| {
        let Ok(at) = Timestamp::from_millisecond(at) else { return };
        let left = if anchor == "end" { x - LABEL } else { x };
        if left < free {
            return;
        }
        free = left + LABEL;
        let words = facts.stance.on_scale(at, over);
        html.element(
            "text",
            &[("x", &tenth(x)), ("y", &126), ("text-anchor", &anchor), ("class", &"faint")],
            &words,
        );
    };
    for piece in scale.0.iter().filter(|piece| !piece.is_gap && piece.from + LABEL <= RIGHT) {
        label(piece.from, piece.time.from, "start");
    }
    if let Some(last) = scale.0.last() {
        label(last.to, last.time.to, "end");
    }
}

fn table(html: &mut Html, facts: &Facts<'_>, pauses: usize) {
    if pauses > 0 {
        html.element(
            "p",
            &[],
            &format!(
                "The platform asked for {}, {} in all; the table leaves them out.",
                records_of(pauses as u64, "pause", "pauses"),
                span(paused(facts))
            ),
        );
    }
    let listed: Vec<&EventRow> = facts
        .happenings
        .iter()
        .filter(|event| {
            !matches!(event.kind.as_str(), "pool_paused" | "pool_resumed" | crate::journal::CUT_OFF)
        })
        .collect();
    html.table(&["when", "what happened"]);
    let (first, last) = TOLD;
    let left_out = listed.len().saturating_sub(first + last);
    for (place, event) in listed.iter().enumerate() {
        if left_out > 0 && place == first {
            html.open("tr", &[]);
            html.cell("⋯");
            html.cell(&format!("{} more", grouped(left_out as u64)));
            html.close("tr");
        }
        if (first..first + left_out).contains(&place) {
            continue;
        }
        html.open("tr", &[]);
        html.element("td", &[("class", &"time")], &facts.stance.moment(event.at));
        html.open("td", &[]);
        html.outside(&told(facts, event));
        html.close("td");
        html.close("tr");
    }
    html.end_table();
}

/// Whether its text tells what the platform said of failures, or what a person has noted.
pub(super) fn is_quoting(event: &EventRow) -> bool {
    matches!(event.kind.as_str(), "act" | "act_ended")
}

/// What happened, in words.
fn told(facts: &Facts<'_>, event: &EventRow) -> String {
    let text = event.text.as_deref().unwrap_or_default();
    match event.kind.as_str() {
        "state" => state(event.reason.as_deref().unwrap_or(text)).to_owned(),
        "fault" => event.fault().map_or_else(|| "a fault".to_owned(), |fault| fault_in_words(facts, &fault)),
        "pool_paused" => pause_words(event.reason.as_deref()).to_owned(),
        "" => "something".to_owned(),
        _ if is_quoting(event) => facts.repeats.without(text),
        kind if text.is_empty() => kind.replace('_', " "),
        _ => match event.was.as_deref() {
            Some(was) => format!("{text} (before: {was})"),
            None => text.to_owned(),
        },
    }
}

fn state(word: &str) -> &str {
    match word.parse::<RunState>() {
        Ok(RunState::Running) => "sending",
        Ok(RunState::Paused) => "paused",
        Ok(RunState::Faulted) => "stopped by a fault",
        Ok(RunState::Completed) => "ended: all was delivered or closed",
        Ok(RunState::CompletedWithFailures) => "ended, with failures left",
        Ok(RunState::Cancelled) => "cancelled: what was not sent stays so",
        Err(_) => word,
    }
}

/// What a fault means, and the machine's own words.
pub(super) fn fault_in_words(facts: &Facts<'_>, fault: &Fault) -> String {
    let message = match facts.stance.examples {
        Examples::Shown => fault.message.clone(),
        Examples::Hidden => crate::journal::nameless(fault),
    };
    format!("FAULT: {} ({message})", plain::fault(fault.kind).means)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn stretch(from: i64, to: i64) -> Stretch {
        Stretch { from, to }
    }

    #[test]
    fn a_scale_ascends_and_keeps_within_its_room() {
        let days = 86_400_000;
        let stretches =
            [stretch(0, 60_000), stretch(3 * days, 3 * days + 1), stretch(9 * days, 9 * days + 90_000)];
        let scale = Scale::over(&stretches, 20 * days);
        assert_eq!(scale.0.iter().filter(|piece| piece.is_gap).count(), 3);
        let places: Vec<f64> = (0..=2000).map(|step| scale.place(step * days / 100)).collect();
        assert!(places.is_sorted());
        assert!(places.iter().all(|x| (LEFT..=RIGHT + 0.001).contains(x)), "{places:?}");
        assert!(scale.place(60_000) - scale.place(0) > 100.0, "what went is seen, however long nothing did");
        assert!(scale.place(9 * days) - scale.place(4 * days) < GAP + 1.0);
    }

    #[test]
    fn any_number_of_stretches_has_room() {
        let hours = 3_600_000;
        let stretches: Vec<Stretch> = (0..500).map(|n| stretch(n * hours, n * hours + 1000)).collect();
        let scale = Scale::over(&stretches, 500 * hours);
        assert!((scale.place(500 * hours) - RIGHT).abs() < 0.1);
        assert!(scale.0.iter().all(|piece| piece.to >= piece.from));
        for none in [Scale::over(&[], 7), Scale::over(&[stretch(7, 7)], 7)] {
            assert!((LEFT..=RIGHT).contains(&none.place(7)));
        }
    }
}
