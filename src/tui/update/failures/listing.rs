//! What *6 Failures* lists: causes or rows, narrowed, ordered and marked.

use crate::journal::{Query, Sort, View};
use crate::model::FailureId;
use crate::text::one_line;
use crate::tui::actions::{Action, Key};
use crate::tui::app::{App, Content, Overlay, Pane};
use crate::tui::failures::{Anchor, Causes, FilterLine, Page, Shows, Typed};
use crate::tui::layout;
use crate::tui::message::{Effect, Look};
use crate::tui::overlays::menu::{Copied, Menu, MenuAct, MenuRow};
use crate::tui::panes;
use crate::tui::update::lists;
use crate::tui::words;

/// Asks for a page around an anchor, where there is one.
pub(super) fn read(app: &App, anchor: Option<Anchor>, out: &mut Vec<Effect>) {
    out.extend(anchor.map(|anchor| Effect::Look(Look::Page(app.failures.wanted(anchor)))));
}

fn read_causes(app: &mut App, out: &mut Vec<Effect>) {
    if app.failures.causes.ask() {
        out.push(Effect::Look(Look::Causes(app.failures.edition, app.failures.query_of_causes())));
    }
}

/// What is listed is read again, as it is by now.
pub(in crate::tui::update) fn read_again(app: &mut App, out: &mut Vec<Effect>) {
    if app.failures.shows_causes() {
        read_causes(app, out);
    } else {
        let ask = app.failures.ask_again();
        read(app, ask, out);
    }
}

/// A page of rows.
pub(in crate::tui::update) fn page(app: &mut App, page: Page, out: &mut Vec<Effect>) {
    let is_first = !app.failures.known;
    let next = app.failures.take(page);
    // one that was sent again and is not as it was has come to its end
    let waits = app.failures.singles.waiting();
    if waits.iter().any(|id| !app.failures.was_asked(*id)) {
        super::look_at_singles(app, out);
    }
    // what a person looks at does not turn into something else under the hands
    let is_used = !is_first && (app.focus == Pane::Failures || !app.overlays.is_empty());
    if !is_used && app.failures.show_by_number() {
        read_causes(app, out);
    }
    read(app, next, out);
}

/// The causes.
pub(in crate::tui::update) fn causes(app: &mut App, causes: Causes, out: &mut Vec<Effect>) {
    if causes.edition != app.failures.edition {
        return;
    }
    app.failures.open = causes.open;
    app.failures.all = causes.all;
    app.failures.known = true;
    if app.failures.causes.take(causes.list) {
        let look = Look::Causes(app.failures.edition, app.failures.query_of_causes());
        out.push(Effect::Look(look));
    }
}

/// How many marks are out of view.
pub(in crate::tui::update) fn marks(app: &mut App, edition: u64, count: u64) {
    if edition == app.failures.edition {
        app.failures.marks.counted(count);
    }
}

/// After each message: the cursor is in sight, and what has to be counted is.
pub(in crate::tui::update) fn settle(app: &mut App, out: &mut Vec<Effect>) {
    app.failures.settle(layout::failure_rows(app));
    let (lines, wide) = layout::cause_lines(app);
    let operation = app.figures().map(|figures| figures.operation);
    app.failures.causes.settle(lines, |cause| panes::lines_of_cause(cause, operation, wide));
    if let Some(marks) = app.failures.marks.count_out_of_view() {
        let query = app.failures.query_shown();
        out.push(Effect::Look(Look::Marks(app.failures.edition, query, marks)));
    }
}

/// Looks at other failures, and lists them.
pub(super) fn look_at(app: &mut App, query: Query, out: &mut Vec<Effect>) {
    let ask = app.failures.look_at(query);
    if app.failures.shows_causes() {
        // the rows come when they are listed
        app.failures.rows_later();
        read_causes(app, out);
    } else {
        read(app, ask, out);
    }
}

/// Lists rows of a query: of a cause, or of an act.
pub(super) fn list_rows(app: &mut App, query: Query, out: &mut Vec<Effect>) {
    app.failures.show(Shows::Rows);
    look_at(app, query, out);
}

/// Moves the cursor.
pub(super) fn go(app: &mut App, action: Action, out: &mut Vec<Effect>) {
    if app.failures.shows_causes() {
        let page = 4;
        let causes = &mut app.failures.causes;
        let at = causes.place().unwrap_or(0);
        causes.put_cursor(match action {
            Action::Up => at.saturating_sub(1),
            Action::Down => at + 1,
            Action::PageUp => at.saturating_sub(page),
            Action::PageDown => at + page,
            Action::Home => 0,
            _ => usize::MAX,
        });
        return;
    }
    let page = isize::try_from(layout::failure_rows(app)).unwrap_or(1).max(1);
    let ask = match action {
        Action::Up => app.failures.step(-1),
        Action::Down => app.failures.step(1),
        Action::PageUp => app.failures.step(-page),
        Action::PageDown => app.failures.step(page),
        Action::Home => app.failures.jump(Anchor::Start),
        _ => app.failures.jump(Anchor::End),
    };
    read(app, ask, out);
}

/// A click on a cause: the second one opens it.
pub(in crate::tui::update) fn click_cause(app: &mut App, place: usize, out: &mut Vec<Effect>) {
    super::super::board::to_pane(app, Pane::Failures);
    if app.failures.causes.place() == Some(place) {
        open_cause(app, out);
    } else {
        app.failures.causes.put_cursor(place);
    }
}

/// The failures of the cause under the cursor.
pub(super) fn open_cause(app: &mut App, out: &mut Vec<Effect>) {
    let Some(cause) = app.failures.causes.current().map(crate::journal::Cause::id) else { return };
    let query = Query { cause: Some(cause), act: None, ..app.failures.query.clone() };
    list_rows(app, query, out);
}

/// `g`: from rows to causes, and from causes to all rows.
pub(super) fn turn_causes(app: &mut App, out: &mut Vec<Effect>) {
    let shows = if app.failures.shows_causes() { Shows::Rows } else { Shows::Causes };
    app.failures.show(shows);
    let query = Query { cause: None, act: None, ..app.failures.query.clone() };
    look_at(app, query, out);
}

/// One step back within the pane: the filter, then the cause or the act. Says whether there was one.
pub(in crate::tui::update) fn back(app: &mut App, out: &mut Vec<Effect>) -> bool {
    let list = &mut app.failures;
    if !list.filter.is_empty() {
        list.filter.clear();
        let query = Query { filter: crate::journal::Filter::default(), ..list.query.clone() };
        look_at(app, query, out);
        return true;
    }
    if list.shows_causes() || (list.query.cause.is_none() && list.query.act.is_none()) {
        return false;
    }
    turn_causes(app, out);
    true
}

/// Marks the failure under the cursor, or unmarks it, and goes on to the next one.
pub(super) fn mark(app: &mut App, out: &mut Vec<Effect>) {
    let Some(id) = app.failures.current().map(|row| row.id) else { return };
    app.failures.marks.turn(id);
    let ask = app.failures.step(1);
    read(app, ask, out);
}

/// Opens the line for a filter.
pub(super) fn begin_filter(app: &mut App) {
    let line = FilterLine::new(&app.failures.filter);
    app.failures.line = Some(line);
}

/// Whether the line for a filter takes the key.
pub(in crate::tui::update) fn types(app: &mut App, key: Key, out: &mut Vec<Effect>) -> bool {
    let now = app.now.wall.to_zoned(app.zone.clone());
    let Some(line) = &mut app.failures.line else { return false };
    let typed = line.press(key, &now);
    if typed == Typed::NotMine {
        // a control key of the board lives; anything else would act while a text is being typed
        return !matches!(key.code, crossterm::event::KeyCode::Up | crossterm::event::KeyCode::Down);
    }
    app.notice = None;
    let (filter, text) = match typed {
        Typed::Wrong(why) => {
            app.warns(why);
            return true;
        }
        Typed::Apply(filter, text) => (*filter, text),
        Typed::Clear => Default::default(),
        Typed::Kept | Typed::NotMine => return true,
    };
    app.failures.line = None;
    app.failures.filter = text;
    let query = Query { filter, ..app.failures.query.clone() };
    look_at(app, query, out);
    true
}

/// Whether that line takes what was pasted.
pub(in crate::tui::update) fn paste(app: &mut App, text: &str) -> bool {
    let line = app.failures.line.as_mut();
    line.map(|line| line.paste(text)).is_some()
}

const VIEWS: [(char, View, &str); 3] = [
    ('o', View::Open, "open: they wait for somebody"),
    ('c', View::Closed, "closed by a person"),
    ('a', View::All, "all of this run, but those that were delivered since"),
];

const SORTS: [(char, Sort, &str); 5] = [
    ('p', Sort::Place, "by place in the file"),
    ('k', Sort::Key, "by key"),
    ('l', Sort::Latest, "the latest first"),
    ('a', Sort::Answer, "by the platform's answer"),
    ('t', Sort::Tries, "the most tries first"),
];

/// Which failures are listed.
pub(super) fn open_views(app: &mut App) {
    let now = app.failures.query.view;
    let rows: Vec<MenuRow> = VIEWS
        .into_iter()
        .map(|(key, view, words)| MenuRow::new(key, words, MenuAct::View(view)).note(is_now(view == now)))
        .collect();
    let at = VIEWS.iter().position(|(_, view, _)| *view == now).unwrap_or(0);
    lists::open_menu(app, Menu { at, ..Menu::new("Which failures?", rows) });
}

/// In which order.
pub(super) fn open_sorts(app: &mut App) {
    if app.failures.shows_causes() {
        let key = app.keymap.key(Action::ByCause);
        return app.warns(format!(
            "Not now: causes stand by their number, the most frequent first. {key} lists rows."
        ));
    }
    let now = app.failures.query.sort;
    let rows: Vec<MenuRow> = SORTS
        .into_iter()
        .map(|(key, sort, words)| MenuRow::new(key, words, MenuAct::Sort(sort)).note(is_now(sort == now)))
        .collect();
    let at = SORTS.iter().position(|(_, sort, _)| *sort == now).unwrap_or(0);
    lists::open_menu(app, Menu { at, ..Menu::new("In which order?", rows) });
}

const fn is_now(is: bool) -> &'static str {
    if is { "as it is now" } else { "" }
}

pub(in crate::tui::update) fn sort(app: &mut App, sort: Sort, out: &mut Vec<Effect>) {
    let query = Query { sort, ..app.failures.query.clone() };
    look_at(app, query, out);
}

pub(in crate::tui::update) fn view(app: &mut App, view: View, out: &mut Vec<Effect>) {
    let query = Query { view, ..app.failures.query.clone() };
    look_at(app, query, out);
}

/// The most characters of a key that are copied.
const LONGEST_KEY: usize = 1000;

/// What can be copied of the failure, or of the cause.
pub(super) fn open_copies(app: &mut App) {
    let Some(figures) = app.figures() else { return };
    let in_row = !app.failures.shows_causes() || !app.overlays.is_empty();
    let rows = if in_row {
        let Some(row) = row_meant(app) else { return };
        let text = |what: &str, text: String, holds: Option<String>| {
            MenuAct::Copy(Copied { what: what.to_owned(), text, holds })
        };
        let id = if row.id.is_item() {
            format!("{}/{}", figures.run, row.id.item)
        } else {
            format!("{}/{}/{}", figures.run, row.id.item, row.id.row)
        };
        let mut rows = vec![
            MenuRow::new('i', "its id", text("the id of the failure", id.clone(), None)).note(id),
            MenuRow::new(
                'k',
                "its key",
                text(
                    "the key",
                    one_line(&row.key, LONGEST_KEY),
                    Some("what tells one person's contact or record".to_owned()),
                ),
            )
            .note(one_line(&row.key, LONGEST_KEY)),
        ];
        if row.id.is_item() {
            rows.push(
                MenuRow::new('u', "the call, as a curl command", MenuAct::CopyCall(row.id))
                    .note("without the token"),
            );
        }
        let words = words::for_the_vendor(row, figures);
        rows.push(MenuRow::new('v', "words for the vendor", text("words for the vendor", words, None)));
        rows
    } else {
        let Some(cause) = app.failures.causes.current() else { return };
        let words = words::cause_for_the_vendor(cause, figures);
        let copied = Copied { what: "words for the vendor".to_owned(), text: words, holds: None };
        vec![MenuRow::new('v', "words for the vendor", MenuAct::Copy(copied))]
    };
    lists::open_menu(app, Menu::new("Copy", rows));
}

/// The failure that is opened, else the one under the cursor.
pub(super) fn row_meant(app: &App) -> Option<&crate::journal::FailureRow> {
    match app.overlays.last() {
        Some(Overlay::Failure(open)) => match &open.content {
            Content::Here(detail) => Some(&detail.row),
            Content::Coming | Content::Gone => app.failures.rows.iter().find(|row| row.id == open.id),
        },
        _ => app.failures.current(),
    }
}

/// The call of a failure is put together from its record.
pub(in crate::tui::update) fn copy_call(_app: &mut App, id: FailureId, out: &mut Vec<Effect>) {
    out.push(Effect::Look(Look::Call(id)));
}

pub(in crate::tui::update) fn call_found(
    app: &mut App,
    _id: FailureId,
    call: Result<String, String>,
    out: &mut Vec<Effect>,
) {
    match call {
        Ok(text) => {
            let holds = Some("the whole record".to_owned());
            lists::copy(app, Copied { what: "the call".to_owned(), text, holds }, out);
        }
        Err(why) => app.warns(format!("Not now: {why}.")),
    }
}
