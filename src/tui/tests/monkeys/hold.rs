//! What must hold after every input, whatever it was.

use std::ffi::OsString;
use std::fmt::{self, Write};
use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyModifiers};

use crate::engine::Command;
use crate::journal::Judgement;
use crate::model::{FailureId, RunId};
use crate::tui::app::{App, Carried, Leaving, Overlay, Proof, Question};
use crate::tui::changing::Task;
use crate::tui::failures::{MarkSet, Purpose};
use crate::tui::layout::{self, Class};
use crate::tui::message::{Answer, Effect, Found, Gesture, Look, Request, What};
use crate::tui::sheets::About;

/// What can be answered on the screen, in the words that stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    Nothing,
    Question(String),
    Form(String),
}

impl Screen {
    /// What is uppermost, and can be read.
    pub fn of(app: &App) -> Self {
        if layout::class(app.size) == Class::TooSmall {
            return Self::Nothing;
        }
        app.overlays.last().map_or(Self::Nothing, Self::this)
    }

    fn this(overlay: &Overlay) -> Self {
        match overlay {
            Overlay::Question(question) => Self::Question(
                question.words.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join("\n"),
            ),
            Overlay::Sheet(sheet) => Self::Form(sheet.form.title.clone()),
            _ => Self::Nothing,
        }
    }

    /// Whether it still lies there, under something else or not.
    pub fn lies(&self, app: &App) -> bool {
        app.overlays.iter().any(|overlay| Self::this(overlay) == *self)
    }
}

/// The first words of something that may be long.
pub fn begin_of(what: &What) -> String {
    struct Short(String);
    impl Write for Short {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.push_str(text);
            if self.0.len() > 160 { Err(fmt::Error) } else { Ok(()) }
        }
    }
    let mut short = Short(String::new());
    // it ends where there is enough of it
    let _ = write!(short, "{what:?}");
    short.0
}

/// Where an input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// A key or a click.
    Person,
    /// Ctrl-C.
    Interrupt,
    /// The process is to end, or its terminal is gone.
    Signal,
    /// The journal, the office, the files, the clock.
    World,
}

/// Which form has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Profile,
    Fault,
    Change,
    Name,
    Other,
    None,
}

/// How things stood before an input.
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own that a rule asks")]
pub struct Before {
    what: String,
    by: By,
    /// Whether the uppermost thing that can be answered has stood on the screen.
    was_read: bool,
    question: Option<Question>,
    asks_to_leave: bool,
    form: Form,
    number: Option<String>,
    /// An answer that may take marks away, or put the cursor elsewhere.
    marks_all: bool,
    moves: bool,
    marks: MarkSet,
    run: Option<RunId>,
    cursor: Option<FailureId>,
    edition: u64,
    profile: Option<String>,
    file: (PathBuf, Option<OsString>),
    leaving: Leaving,
    carries: bool,
    blind: bool,
    clock: bool,
}

impl Before {
    pub fn of(app: &App, what: &What, read: &[Screen]) -> Self {
        let by = match what {
            What::Key(key) if key.code == KeyCode::Char('c') && key.modifiers == KeyModifiers::CONTROL => {
                By::Interrupt
            }
            What::Key(_) | What::Mouse(Gesture::Press(..)) => By::Person,
            What::Terminate | What::Hangup => By::Signal,
            _ => By::World,
        };
        let now = Screen::of(app);
        let (question, form, number) = match app.overlays.last() {
            Some(Overlay::Question(question)) => (Some(question.clone()), Form::None, None),
            Some(Overlay::Sheet(sheet)) => {
                let form = match &sheet.about {
                    About::Profile(_) => Form::Profile,
                    About::Fault(_) => Form::Fault,
                    About::Change(_) => Form::Change,
                    About::Name(_) => Form::Name,
                    _ => Form::Other,
                };
                (None, form, sheet.form.field("number").map(|field| field.value().to_owned()))
            }
            _ => (None, Form::None, None),
        };
        let marks_all = matches!(
            what,
            What::Found(Found::Many(scope, _)) | What::FoundOf(_, Found::Many(scope, _)) if scope.purpose == Purpose::Mark
        );
        let typed = matches!(what, What::Key(_) | What::Mouse(_) | What::Paste(_));
        Self {
            what: begin_of(what),
            by,
            was_read: now != Screen::Nothing && read.contains(&now),
            question,
            asks_to_leave: app
                .overlays
                .iter()
                .any(|overlay| matches!(overlay, Overlay::Question(question) if question.is_leaving())),
            form,
            number,
            marks_all,
            moves: typed || app.failures.is_moving() || !app.failures.known,
            marks: app.failures.marks.set(),
            run: app.figures().map(|figures| figures.run),
            cursor: app.failures.cursor,
            edition: app.failures.edition,
            profile: app
                .credentials
                .cursor
                .clone()
                .filter(|_| !matches!(what, What::Answer(Answer::Saved(..)))),
            file: (app.datasets.folder.clone(), app.datasets.cursor.clone()),
            leaving: app.leaving,
            carries: app.carried().is_some(),
            blind: layout::class(app.size) == Class::TooSmall,
            clock: matches!(what, What::Clock),
        }
    }

    /// Whether a person has answered what could be read.
    fn is_answer(&self) -> bool {
        let answerable = self.question.is_some() || self.form != Form::None;
        self.by == By::Person && self.was_read && answerable && !self.blind
    }
}

/// What was allowed earlier and comes later.
#[derive(Default)]
pub struct Hold {
    saves: u32,
    secrets: u32,
    changes: bool,
}

impl Hold {
    pub fn check(&mut self, before: &Before, app: &App, effects: &[Effect]) {
        self.grave(before, app, effects);
        Self::marks(before, app, effects);
        Self::selection(before, app, effects);
        Self::leaving(before, app);
        let questions = app.overlays.iter().filter(|overlay| matches!(overlay, Overlay::Question(_))).count();
        assert!(questions <= 1, "{questions} questions lie over one another after {}", before.what);
        if before.clock {
            let due = app.next_change();
            assert!(due.is_none_or(|due| due > app.now.instant), "the clock would ring for ever: {due:?}");
        }
    }

    /// Nothing is sent to or changed in many, and nothing is ended, that nobody has answered for.
    fn grave(&mut self, before: &Before, app: &App, effects: &[Effect]) {
        for effect in effects {
            let allowed = match effect {
                Effect::Look(Look::Change(errand)) => {
                    if matches!(errand.task, Task::Make(..)) {
                        assert!(self.changes || before.is_answer(), "{} changes many", before.what);
                        self.changes = true;
                    } else {
                        self.changes = false;
                    }
                    continue;
                }
                Effect::Ask(Request::TestDraft(..)) if before.is_answer() => {
                    match before.form {
                        Form::Profile => self.saves += 1,
                        Form::Fault => self.secrets += 1,
                        _ => {}
                    }
                    continue;
                }
                Effect::Command(Command::Drain) => {
                    before.by == By::Signal
                        || (before.by == By::Interrupt && before.asks_to_leave)
                        || matches!(before.leaving, Leaving::Draining { .. })
                        || before.is_answer()
                }
                Effect::Command(Command::LeaveAtOnce) => {
                    matches!(before.by, By::Signal | By::Interrupt)
                        && matches!(before.leaving, Leaving::Draining { .. })
                }
                Effect::Command(Command::Retry { items, .. }) | Effect::Ask(Request::Retry(items))
                    if items.len() > 1 =>
                {
                    Self::proven(before, app, effect);
                    before.is_answer()
                }
                Effect::Command(Command::Judge { failures, judgement, .. })
                | Effect::Ask(Request::Judge(failures, judgement))
                    if failures.len() > 1 =>
                {
                    if matches!(judgement, Judgement::Dismiss(_)) {
                        Self::proven(before, app, effect);
                    }
                    before.is_answer()
                }
                Effect::Command(Command::Edit { records, .. }) | Effect::Ask(Request::Edit(records))
                    if records.len() > 1 =>
                {
                    self.changes || before.is_answer()
                }
                Effect::Command(Command::Cancel { .. }) | Effect::Ask(Request::Cancel) => before.is_answer(),
                Effect::Ask(Request::Begin(_)) => {
                    assert_ne!(
                        before.number.as_deref(),
                        Some(""),
                        "{} begins without its number",
                        before.what
                    );
                    before.is_answer()
                }
                Effect::Ask(Request::Resume(_) | Request::Remove(_) | Request::Practise(_)) => {
                    before.is_answer()
                }
                Effect::Ask(Request::ReplaceSecret(..)) => {
                    let tested = self.secrets > 0;
                    self.secrets = self.secrets.saturating_sub(1);
                    tested
                }
                Effect::Ask(Request::Save(..)) => {
                    let tested = self.saves > 0;
                    self.saves = self.saves.saturating_sub(1);
                    tested || before.is_answer()
                }
                _ => continue,
            };
            let said = format!("{effect:?}").chars().take(300).collect::<String>();
            assert!(allowed, "nobody has answered for {said}; it came with {}", before.what);
        }
        // what is told to the run that is carried here is about the one on the board
        for effect in effects {
            if let Effect::Command(
                Command::Retry { .. } | Command::Judge { .. } | Command::Edit { .. } | Command::Cancel { .. },
            ) = effect
            {
                let live = app.live.as_ref().map(|live| live.figures.run);
                assert_eq!(app.figures().map(|figures| figures.run), live, "it would reach another run");
            }
            if let Effect::Ask(Request::Retry(_)) = effect {
                let elsewhere =
                    app.run.as_ref().is_some_and(|run| matches!(run.carried, Carried::Elsewhere(_)));
                assert!(!elsewhere, "another process carries it");
            }
        }
    }

    /// On production, many take their number.
    fn proven(before: &Before, app: &App, effect: &Effect) {
        let production = app.figures().is_some_and(|figures| figures.production);
        if let (true, Some(question)) = (production, &before.question) {
            let number = matches!(&question.proof, Proof::Number { .. }) && question.proof.is_given();
            assert!(number, "no number was typed for {effect:?}");
        } else if production {
            assert_eq!(before.form, Form::Name, "nothing asked about {effect:?}");
        }
    }

    /// A mark goes by the person's hand, or with an act on its failure.
    fn marks(before: &Before, app: &App, effects: &[Effect]) {
        let now = app.failures.marks.set();
        let lost: Vec<FailureId> = before.marks.iter().filter(|id| !now.contains(id)).copied().collect();
        let other = app.figures().map(|figures| figures.run) != before.run
            || effects.iter().any(|effect| matches!(effect, Effect::Show(_)));
        if lost.is_empty() || other || before.marks_all {
            return;
        }
        let by_hand = before.by == By::Person && lost.len() == 1 && before.cursor == lost.first().copied();
        let done = |id: &FailureId| {
            effects.iter().any(|effect| match effect {
                Effect::Command(Command::Retry { items, .. }) | Effect::Ask(Request::Retry(items)) => {
                    id.is_item() && items.contains(&id.item)
                }
                Effect::Command(Command::Judge { failures, .. })
                | Effect::Ask(Request::Judge(failures, _)) => failures.contains(id),
                Effect::Command(Command::Edit { records, .. }) | Effect::Ask(Request::Edit(records)) => {
                    records.iter().any(|(edited, _)| edited == id)
                }
                _ => false,
            })
        };
        assert!(by_hand || lost.iter().all(done), "the marks of {lost:?} were lost by {}", before.what);
    }

    /// What is selected stays so while it is there, unless the person moves.
    fn selection(before: &Before, app: &App, effects: &[Effect]) {
        let other = app.figures().map(|figures| figures.run) != before.run
            || effects.iter().any(|effect| matches!(effect, Effect::Show(_)));
        if before.moves || other {
            return;
        }
        let failures = &app.failures;
        if let Some(cursor) = before.cursor
            && failures.edition == before.edition
            && failures.rows.iter().any(|row| row.id == cursor)
        {
            assert_eq!(failures.cursor, Some(cursor), "the cursor moved by {}", before.what);
        }
        if let Some(profile) = &before.profile
            && app.credentials.row(profile).is_some()
        {
            assert_eq!(
                app.credentials.cursor.as_ref(),
                Some(profile),
                "the profile changed by {}",
                before.what
            );
        }
        if let (folder, Some(name)) = &before.file
            && *folder == app.datasets.folder
            && app.datasets.visible(10_000).any(|row| row.name == *name)
        {
            assert_eq!(app.datasets.cursor.as_ref(), Some(name), "the file changed by {}", before.what);
        }
    }

    /// A run that is carried here is left only when it was asked for.
    fn leaving(before: &Before, app: &App) {
        if app.left.is_some() {
            let drained = matches!(before.leaving, Leaving::Draining { .. });
            assert!(!before.carries || drained, "{} left a run that goes on", before.what);
        }
        if before.leaving == Leaving::No && app.leaving != Leaving::No {
            let asked = match before.by {
                By::Signal => true,
                By::Interrupt => before.asks_to_leave,
                By::Person => before.is_answer() && before.asks_to_leave,
                By::World => false,
            };
            assert!(asked, "{} leaves a run that goes on", before.what);
        }
    }
}
