//! Who did what with a failure.

use super::{Lines, moment};
use crate::journal::{ActKind, Hand};
use crate::tui::app::App;
use crate::tui::message::Detail;
use crate::tui::theme::Ink;

pub(super) fn tell(app: &App, detail: &Detail, lines: &mut Lines) {
    if detail.hands.is_empty() {
        return lines.say("Nobody has done anything with it yet.", Ink::Dim);
    }
    let last = detail.hands.len() - 1;
    for (number, hand) in detail.hands.iter().enumerate() {
        let what = what(hand, detail.row.edited && number == last);
        lines.say(&format!("{}  {}: {what}", moment(app, hand.at), hand.by), Ink::Plain);
        if let Some(note) = &hand.note {
            lines.say(&format!("    {note}"), Ink::Dim);
        }
    }
}

/// What was done, in a few words.
pub(super) fn what(hand: &Hand, unsent: bool) -> &'static str {
    match hand.kind {
        ActKind::Send => "sent it again",
        ActKind::Close => "closed it",
        ActKind::Reopen => "opened it again",
        ActKind::Edit if unsent => "edited it, not sent yet",
        ActKind::Edit => "edited it",
        ActKind::TakeBack => "took the edit back",
    }
}
