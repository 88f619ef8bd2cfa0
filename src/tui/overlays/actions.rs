//! What can be done, to be searched: here (`.`), or anywhere on the board (`:`). Read from the same table as the keys.

use crate::tui::actions::{self, Action, Context, Entry, TABLE};
use crate::tui::app::{App, Pane};
use crate::tui::canvas::Canvas;
use crate::tui::layout;
use crate::tui::narrow::Narrow;
use crate::tui::spots::Spot;
use crate::tui::theme::Ink;

/// What can be done, to be searched.
#[derive(Debug)]
pub(in crate::tui) struct ActionList {
    pub scope: Scope,
    pub narrow: Narrow,
    /// The row under the cursor, by its place in the table.
    pub at: Option<usize>,
}

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Scope {
    /// What the focused pane can do.
    Here,
    /// What any of them can.
    Everywhere,
}

/// Something that can be done.
#[derive(Debug)]
pub(in crate::tui) struct Item {
    /// Its place in the table.
    pub place: usize,
    pub entry: &'static Entry,
    /// The pane that has to have the keys for it.
    pub pane: Option<Pane>,
    /// Why it can't be done now, where it can't.
    pub may: Result<(), String>,
}

impl ActionList {
    pub fn new(scope: Scope) -> Self {
        Self { scope, narrow: Narrow::open(), at: None }
    }

    /// The number of the row under the cursor: the first one, where that is not to be seen any more.
    pub fn row(&self, items: &[Item]) -> usize {
        self.at.and_then(|at| items.iter().position(|item| item.place == at)).unwrap_or(0)
    }
}

/// The rows of the list, as narrowed.
pub(in crate::tui) fn items(app: &App, list: &ActionList) -> Vec<Item> {
    let mut items: Vec<(usize, Item)> = Vec::new();
    let contexts = match list.scope {
        Scope::Here => actions::contexts_under(app, None).to_vec(),
        Scope::Everywhere => vec![
            Context::Board,
            Context::Credentials,
            Context::Datasets,
            Context::Run,
            if app.failures.shows_causes() { Context::Causes } else { Context::Failures },
            Context::Everywhere,
        ],
    };
    for (place, entry) in TABLE.iter().enumerate() {
        let Some(rank) = contexts.iter().position(|context| *context == entry.context) else { continue };
        let keys = keys(app, entry);
        let sought = format!("{} {} {} {keys} {}", entry.words, entry.hint, entry.name, entry.context.name());
        if moves(entry.action) || !list.narrow.takes(&sought) {
            continue;
        }
        let pane = entry.context.pane();
        let may = actions::may_in(app, pane.unwrap_or(app.focus), entry.action);
        items.push((rank, Item { place, entry, pane, may }));
    }
    items.sort_by_key(|(rank, _)| *rank);
    items.into_iter().map(|(_, item)| item).collect()
}

/// What only moves, and what a form takes for itself, is no command.
const fn moves(action: Action) -> bool {
    matches!(
        action,
        Action::Up
            | Action::Down
            | Action::PageUp
            | Action::PageDown
            | Action::Home
            | Action::End
            | Action::Back
            | Action::OpenItFirst
            | Action::Here
            | Action::Commands
    )
}

fn keys(app: &App, entry: &Entry) -> String {
    app.keymap.of(entry).iter().map(|key| key.name()).collect::<Vec<_>>().join(" ")
}

pub(super) fn draw(app: &App, list: &ActionList, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let mut page = canvas.part(layout::full_page(app.size));
    page.clear();
    page.spot((0, 0), (u16::MAX, u16::MAX), Spot::Cover);
    let found = items(app, list);
    let title = match list.scope {
        Scope::Here => format!("What can be done here, {}", app.focus.name()),
        Scope::Everywhere => "All commands".to_owned(),
    };
    page.frame(&title, Ink::FocusFrame);
    let row = list.row(&found);
    if !found.is_empty() {
        page.foot(&format!("{} of {}", row + 1, found.len()), Ink::FocusFrame);
    }
    let mut inside = page.inside();
    let field = list.narrow.draw("find", 0, &mut inside);
    let bottom = inside.height().saturating_sub(1);
    if found.is_empty() {
        inside.write(1, 2, "Nothing is called that. Ctrl-U clears the line, Esc goes back.", Ink::Plain);
        return field;
    }
    let height = usize::from(bottom.saturating_sub(2)).max(1);
    let first = (row + 1).saturating_sub(height);
    let right = inside.width().saturating_sub(1);
    for (y, (number, item)) in (1..).zip(found.iter().enumerate().skip(first).take(height)) {
        let ink = if item.may.is_ok() { Ink::Plain } else { Ink::Dim };
        let of_key = if item.may.is_ok() { Ink::Key } else { Ink::Dim };
        inside.write_within(2, y, 10, &keys(app, item.entry), of_key);
        let end = inside.write_within(13, y, right.saturating_sub(13), item.entry.words, ink);
        let aside = match (&item.may, list.scope, item.pane) {
            (Err(_), ..) => "not now".to_owned(),
            (Ok(()), Scope::Everywhere, Some(of)) => of.name().to_owned(),
            _ => String::new(),
        };
        if end + crate::tui::canvas::width(&aside) + 2 <= right {
            inside.write_to(right, y, &aside, Ink::Dim);
        }
        inside.spot((0, y), (u16::MAX, 1), Spot::Row(number));
        if number == row {
            inside.write(0, y, "▸", Ink::Strong);
            inside.tint(y, Ink::Cursor);
        }
    }
    let why = found.get(row).and_then(|item| item.may.as_ref().err());
    match why {
        Some(why) => inside.write(1, bottom, &format!("Not now: {why}."), Ink::Warn),
        None => inside.write(1, bottom, "Type to narrow, Enter does it, Esc goes back.", Ink::Dim),
    };
    field
}
