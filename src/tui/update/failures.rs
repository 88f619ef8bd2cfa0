//! Keys in *6 Failures* and in a failure that was opened, and what the journal answers to them.

mod listing;
mod many;
mod results;

use std::collections::HashSet;

use bytes::Bytes;

use crate::journal::{FailureRow, Judgement};
use crate::model::{FailureId, FailureState};
use crate::tui::actions::Action;
use crate::tui::app::{Afterwards, App, Content, OpenFailure, Overlay, Page, Starting};
use crate::tui::failures::{Purpose, Sender};
use crate::tui::message::{Detail, Effect, Look};
use crate::tui::{overlays, sheets, words};

pub(super) use listing::{
    back, call_found, causes, click_cause, copy_call, marks, page, paste, read_again, settle, sort, types,
    view,
};
pub(super) use many::{ask_about, many, resend_many, send_one as resend_one, undo};
pub(super) use results::{act_found, happened, in_outcome, press_in_outcome, run_ended, written};

pub(super) fn perform(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    match action {
        Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Home | Action::End => {
            listing::go(app, action, out);
        }
        Action::Open if app.failures.shows_causes() => listing::open_cause(app, out),
        Action::Open => open(app, out),
        Action::ResendOne => many::resend_one(app, out),
        Action::EditOne => many::edit_one(app, out),
        Action::CloseOne => many::close_one(app),
        Action::UndoOne => many::undo_one(app, out),
        Action::ResendMany => many::count(app, Purpose::Resend, out),
        Action::EditMany => many::count(app, Purpose::Change, out),
        Action::CloseMany => many::count(app, Purpose::Close, out),
        Action::UndoMany => many::count(app, Purpose::Undo, out),
        Action::MarkAll => many::count(app, Purpose::Mark, out),
        Action::Mark => listing::mark(app, out),
        Action::ByCause => listing::turn_causes(app, out),
        Action::Filter => listing::begin_filter(app),
        Action::View => listing::open_views(app),
        Action::Sort => listing::open_sorts(app),
        Action::CopyMenu => listing::open_copies(app),
        Action::ToFile => sheets::to_file::open(app, app.failures.query_shown()),
        Action::OpenItFirst => {
            app.warns("Not now: open it first (Enter), or take the capital letter for all of the cause.");
        }
        _ => {}
    }
}

/// Keys in an opened failure.
pub(super) fn in_one(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    match action {
        Action::Back => drop(app.overlays.pop()),
        Action::ResendOne => many::resend_one(app, out),
        Action::EditOne => many::edit_one(app, out),
        Action::CloseOne => many::close_one(app),
        Action::UndoOne => many::undo_one(app, out),
        Action::CopyMenu => listing::open_copies(app),
        Action::NextFailure => neighbour(app, 1, out),
        Action::PreviousFailure => neighbour(app, -1, out),
        Action::NextPage => turn(app, 1),
        Action::PreviousPage => turn(app, -1),
        _ => scroll(app, action),
    }
}

fn scroll(app: &mut App, action: Action) {
    let page = overlays::rows_of_failure_shown(app);
    let Some(Overlay::Failure(open)) = app.overlays.last() else { return };
    let most = overlays::rows_of_failure(app, open).len().saturating_sub(page);
    if let Some(Overlay::Failure(OpenFailure { scroll, .. })) = app.overlays.last_mut() {
        *scroll = super::lists::scrolled(*scroll, action, page, most);
    }
}

fn turn(app: &mut App, by: isize) {
    if let Some(Overlay::Failure(open)) = app.overlays.last_mut() {
        let at = Page::ALL.iter().position(|page| *page == open.page).unwrap_or(0);
        let next = (at + Page::ALL.len()).saturating_add_signed(by) % Page::ALL.len();
        open.page = Page::ALL.get(next).copied().unwrap_or(open.page);
        open.scroll = 0;
    }
}

/// Turns an opened failure to a page.
pub(super) fn to_page(app: &mut App, number: usize) {
    if let (Some(Overlay::Failure(open)), Some(page)) = (app.overlays.last_mut(), Page::ALL.get(number)) {
        open.page = *page;
        open.scroll = 0;
    }
}

fn open(app: &mut App, out: &mut Vec<Effect>) {
    let Some((id, key)) = app.failures.current().map(|row| (row.id, row.key.clone())) else { return };
    app.overlays.push(Overlay::Failure(OpenFailure {
        id,
        key,
        content: Content::Coming,
        page: Page::Reason,
        scroll: 0,
    }));
    out.push(Effect::Look(Look::Failure(id)));
}

/// The next failure, or the one before, without closing the page. Where the opened one has left the list, the cursor
/// stands on the next one already.
fn neighbour(app: &mut App, by: isize, out: &mut Vec<Effect>) {
    let opened = app.overlays.last().and_then(|overlay| match overlay {
        Overlay::Failure(open) => Some(open.id),
        _ => None,
    });
    if by < 0 || app.failures.cursor == opened {
        let ask = app.failures.step(by);
        listing::read(app, ask, out);
    }
    let Some((id, key)) = app.failures.current().map(|row| (row.id, row.key.clone())) else { return };
    if let Some(Overlay::Failure(open)) = app.overlays.last_mut()
        && open.id != id
    {
        *open = OpenFailure { id, key, content: Content::Coming, page: open.page, scroll: 0 };
        out.push(Effect::Look(Look::Failure(id)));
    }
}

/// A failure as it is now, with its record; none where it was delivered. What is on the page of one that was delivered
/// stays there, and is told as such.
pub(super) fn detail(app: &mut App, id: FailureId, detail: Option<Box<Detail>>) {
    came_of(app, id, detail.as_ref().map(|detail| &detail.row));
    let opened = app.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Failure(open) if open.id == id => Some(open),
        _ => None,
    });
    let Some(open) = opened else { return };
    open.content = match (detail, std::mem::replace(&mut open.content, Content::Coming)) {
        (Some(detail), _) => Content::Here(detail),
        (None, Content::Here(mut known)) => {
            known.row.state = FailureState::Delivered;
            known.row.edited = false;
            Content::Here(known)
        }
        (None, Content::Coming | Content::Gone) => Content::Gone,
    };
}

/// What became of a failure that was sent again by itself, where that is known now.
fn came_of(app: &mut App, id: FailureId, row: Option<&FailureRow>) {
    let operation = app.figures().map(|figures| figures.operation);
    let sender =
        if app.carried().is_some() || app.starting == Starting::Yes { Sender::Goes } else { Sender::Gone };
    app.failures.forget_ended(id, row, sender);
    if app.failures.singles.found(id, row, operation, sender) {
        // the lowest line tells it from now on
        app.notice = None;
        app.failures_changed();
    }
}

/// Asks what became of those that were sent again one by one.
pub(super) fn look_at_singles(app: &App, out: &mut Vec<Effect>) {
    out.extend(app.failures.singles.waiting().into_iter().map(|id| Effect::Look(Look::Failure(id))));
}

/// Failures are closed or reopened: the person was asked.
pub(in crate::tui) fn judge(app: &mut App, ids: Vec<FailureId>, judgement: Judgement, out: &mut Vec<Effect>) {
    sheets::note::done(app);
    let done: HashSet<FailureId> = ids.iter().copied().collect();
    app.failures.marks.done(|id| done.contains(&id));
    let failures = words::some(u64::try_from(ids.len()).unwrap_or(u64::MAX), "failure");
    let view = app.keymap.key(Action::View);
    app.says(match judgement {
        Judgement::Dismiss(_) => {
            format!("Closed {failures}. {view} shows what is closed, to be opened again.")
        }
        Judgement::Reopen => format!("Opened {failures} again."),
    });
    super::mend::judge(app, ids, judgement, out);
}

/// Edited records are kept.
pub(super) fn edit(
    app: &mut App,
    records: Vec<(FailureId, Option<Bytes>)>,
    then: Afterwards,
    out: &mut Vec<Effect>,
) {
    super::mend::edit(app, records, then, out);
}

/// Shows what became of an act.
pub(super) fn open_act(app: &mut App, act: i64, out: &mut Vec<Effect>) {
    results::open(app, act, out);
}
