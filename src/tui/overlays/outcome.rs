//! What became of an act on many: in numbers, by reason, and with a way to those that are left.

use crate::journal::{Act, ActKind};
use crate::tui::app::{App, Seen};
use crate::tui::canvas::{self, Canvas};
use crate::tui::layout;
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;
use crate::tui::{numbers, words};

/// What became of an act on many.
#[derive(Debug)]
pub(in crate::tui) struct Outcome {
    pub act: Box<Act>,
    /// Why it stopped before its end, where it did.
    stopped: Option<String>,
    /// The marked button.
    pub at: usize,
    frame: u64,
    seen: Seen,
}

/// A button of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Button {
    Close,
    Show,
    Save,
}

impl Outcome {
    /// One that is first to be seen in this frame.
    pub fn new(act: Box<Act>, stopped: Option<String>, frame: u64) -> Self {
        Self { act, stopped, at: 0, frame, seen: Seen::NotYet }
    }

    /// A frame stands on the screen now.
    pub fn drawn(&mut self, frame: u64) {
        if frame >= self.frame {
            self.seen = Seen::Yes;
        }
    }

    /// Whether it could be read before the key came.
    pub fn is_seen(&self) -> bool {
        self.seen == Seen::Yes
    }

    /// How many are open.
    fn open(&self) -> u64 {
        let outcome = &self.act.outcome;
        outcome.failed_again() + outcome.as_before
    }

    /// Its buttons, the harmless one first.
    pub fn buttons(&self) -> Vec<(Button, String)> {
        let mut buttons = vec![(Button::Close, "Close this".to_owned())];
        if self.open() > 0 {
            buttons.push((Button::Show, format!("Show the {}", numbers::count(self.open()))));
        }
        buttons.push((Button::Save, "Save the list".to_owned()));
        buttons
    }
}

fn title(app: &App, act: &Act) -> String {
    let did = match act.kind {
        ActKind::Send => "Sent again",
        ActKind::Close => "Closed",
        ActKind::Reopen => "Opened again",
        ActKind::Edit => "Changed",
        ActKind::TakeBack => "Edits taken back",
    };
    let from = words::moment(app, act.at);
    let from = from.strip_prefix("today ").unwrap_or(&from).to_owned();
    let to = act.outcome.last_at.filter(|_| act.kind == ActKind::Send);
    let to = to.map(|to| numbers::minute_of_day(to, &app.zone)).filter(|to| !from.ends_with(to.as_str()));
    match to {
        Some(to) => format!("{did} by {}, {from} to {to}", act.by),
        None => format!("{did} by {}, {from}", act.by),
    }
}

/// What is told of it, a line each.
fn text(app: &App, outcome: &Outcome, room: u16) -> Vec<(String, Ink)> {
    let act = &outcome.act;
    let came = &act.outcome;
    let mut pieces = Vec::new();
    let mut piece = |words: &str, count: u64, always: bool| {
        if always || count > 0 {
            pieces.push(format!("{words} {}", numbers::count(count)));
        }
    };
    let sent = act.kind == ActKind::Send;
    let did = match act.kind {
        ActKind::Send => "Sent again:",
        ActKind::Close => "Closed:",
        ActKind::Reopen => "Opened again:",
        ActKind::Edit => "Changed:",
        ActKind::TakeBack => "Taken back:",
    };
    piece(did, act.count, true);
    piece("delivered", came.delivered, sent);
    piece("refused again", came.failed_again(), sent);
    piece("under way", came.under_way, false);
    piece(if sent { "not sent" } else { "open" }, came.as_before, sent);
    piece("closed", came.closed, false);
    let mut lines = Vec::new();
    let mut say = |text: &str, ink| {
        lines.extend(canvas::wrap(text, room).into_iter().map(|line| (line.trim_start().to_owned(), ink)));
    };
    say(&pieces.join("   "), Ink::Strong);
    if let Some(note) = &act.note {
        say(&format!("Note: {note}"), Ink::Plain);
    }
    let operation = app.figures().map(|figures| figures.operation);
    let mut reasons = String::new();
    for (cause, count) in &came.failed {
        let reason = format!("{} {}", numbers::count(*count), words::cause_in_short(cause, operation));
        if !reasons.is_empty() && canvas::width(&reasons) + canvas::width(&reason) + 8 > room {
            say(&std::mem::take(&mut reasons), Ink::Plain);
        }
        if !reasons.is_empty() {
            reasons.push_str("        ");
        }
        reasons.push_str(&reason);
    }
    if !reasons.is_empty() {
        say(&reasons, Ink::Plain);
    }
    match came.failed_again() {
        0 => {}
        1 => say("It is open again, with the new reason.", Ink::Plain),
        many => {
            say(&format!("The {} are open again, with the new reason.", numbers::count(many)), Ink::Plain);
        }
    }
    if let Some(stopped) = outcome.stopped.as_ref().filter(|_| came.as_before > 0) {
        say(stopped, Ink::Warn);
    } else if sent && came.as_before > 0 {
        say(&format!("{} were not sent and are as before.", numbers::count(came.as_before)), Ink::Warn);
    }
    if sent && came.delivered == act.count {
        say("All of them were delivered.", Ink::Good);
    }
    lines
}

pub(super) fn draw(app: &App, outcome: &Outcome, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let room = layout::full_page(app.size).width.saturating_sub(4);
    let text = text(app, outcome, room);
    let rows = u16::try_from(text.len()).unwrap_or(u16::MAX).saturating_add(3);
    let mut page = canvas.part(layout::page(app.size, rows));
    page.clear();
    page.spot((0, 0), (u16::MAX, u16::MAX), Spot::Cover);
    page.frame(&title(app, &outcome.act), Ink::FocusFrame);
    page.foot("Esc closes; 3 Run keeps it, under What happened", Ink::FocusFrame);
    let mut inside = page.inside();
    let last = inside.height().saturating_sub(1);
    // the buttons are more important than the reasons: the rarest of those are cut where there is no room
    for (y, (line, ink)) in (0..last).zip(&text) {
        inside.write(1, y, line, *ink);
    }
    let mut x = 1;
    let mut stands = inside.place(1, last);
    for (number, (_, words)) in outcome.buttons().iter().enumerate() {
        let marked = outcome.at == number;
        let ink = if marked { Ink::Cursor } else { Ink::Plain };
        if marked {
            stands = inside.place(x, last);
        }
        let words = format!("{}( {words} )", if marked { "▸" } else { " " });
        let end = inside.write(x, last, &words, ink);
        inside.spot((x, last), (end.saturating_sub(x), 1), Spot::Row(number));
        x = end + 2;
    }
    stands
}
