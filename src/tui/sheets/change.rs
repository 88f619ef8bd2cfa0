//! Changing one value in all failures of a cause, or in the marked ones: each value that stands there gets a new one.
//!
//! What would come of it is found out before anything is kept, by a walk over all of them: how many change and pass, how
//! many stay, five of them before and after. What is kept are exactly those that were counted, a thousand in one write;
//! a walk, and the keeping, can be stopped, and what was kept by then is kept.

mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::{About, Sheet, Stays};
use crate::journal::Query;
use crate::model::FailureId;
use crate::tui::actions::{self, Action};
use crate::tui::app::{Afterwards, App, Busy};
use crate::tui::changing::{Counted, Errand, Fields, NewForOld, News, Outlook, Target, Task};
use crate::tui::form::{Form, Touched};
use crate::tui::message::{Effect, Look};
use crate::tui::update::{mend, sheet as forms};
use crate::tui::value::{self, Spelling};
use crate::tui::{numbers, words};

/// A value that is changed in many.
#[derive(Debug)]
pub(in crate::tui) struct Change {
    scope: Query,
    /// How many there were when it was asked for.
    count: u64,
    /// The number of the last errand; only its news count.
    errand: u64,
    under: Under,
    fields: Fields,
    /// The field that is changed; none while the fields are being read.
    target: Option<Target>,
    counted: Counted,
    /// What was typed or chosen, by the value's place in the list.
    typed: BTreeMap<usize, String>,
    /// What would come of it, with what was asked.
    outlook: Option<(NewForOld, Outlook)>,
}

/// What is under way.
#[derive(Debug, Clone, PartialEq)]
enum Under {
    Nothing,
    /// The fields are being read.
    Fields,
    /// The values are being counted.
    Values,
    /// It is being found out what would come of these.
    Trying(NewForOld),
    /// The records are being made and kept.
    Keeping(Box<Keeping>),
}

/// How far keeping is.
#[derive(Debug, Clone, PartialEq)]
struct Keeping {
    ids: Arc<Vec<FailureId>>,
    to: NewForOld,
    /// How many of them have been gone through.
    done: usize,
    /// How many of them the group that is being written reaches.
    reaches: usize,
    /// Those that were kept.
    kept: Vec<FailureId>,
    /// How many of them are of the last group.
    last: usize,
    then: Afterwards,
    stop: Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    No,
    /// As soon as the group that is being written is written.
    Asked,
}

/// Opens the form for the open failures that the query means.
pub(in crate::tui) fn open(app: &mut App, scope: Query, count: u64, out: &mut Vec<Effect>) {
    if let Err(why) = actions::mendable(app) {
        return app.warns(format!("Not now: {why}."));
    }
    let title = match (&scope.cause, count) {
        (Some(_), 2..) => format!("Change in all {} of the cause", numbers::count(count)),
        _ => format!("Change in {}", words::some(count, "failure")),
    };
    app.errand += 1;
    let mut change = Change {
        scope,
        count,
        errand: app.errand,
        under: Under::Nothing,
        fields: Fields::default(),
        target: None,
        counted: Counted::default(),
        typed: BTreeMap::new(),
        outlook: None,
    };
    let mut form = Form { main: Some(rows::SEND), ..Form::new(title, Vec::new(), app.frame) };
    let task = Task::Fields(change.scope.clone());
    change.begin(app, Under::Fields, task, out);
    change.arrange(&mut form, app);
    forms::open(app, Sheet { form, about: About::Change(Box::new(change)) });
}

/// News of a walk.
pub(in crate::tui) fn news(app: &mut App, errand: u64, news: News, out: &mut Vec<Effect>) {
    with(app, |app, change, form| {
        if change.errand != errand {
            return Stays::Open;
        }
        change.take(app, form, news, out)
    });
}

/// A group of records was written, or why not.
pub(in crate::tui) fn kept(app: &mut App, result: &Result<(), String>, out: &mut Vec<Effect>) -> bool {
    let mut mine = false;
    with(app, |app, change, form| {
        mine = matches!(change.under, Under::Keeping(_));
        match result {
            _ if !mine => Stays::Open,
            Ok(()) => change.group_kept(app, form, out),
            Err(why) => {
                app.warns(format!("Stopped: {why}"));
                change.stop_keeping(app, form, out);
                Stays::Open
            }
        }
    });
    mine
}

/// The run was too busy for a group.
pub(in crate::tui) fn not_taken(app: &mut App, out: &mut Vec<Effect>) {
    with(app, |app, change, form| {
        if let Under::Keeping(keeping) = &mut change.under {
            let kept = u64::try_from(keeping.kept.len().saturating_sub(keeping.last)).unwrap_or(u64::MAX);
            app.warns(format!("The run was busy: {} changed and kept so far; Keep goes on.", changed(kept)));
            change.stop_keeping(app, form, out);
        }
        Stays::Open
    });
}

/// Esc while something is under way: that ends, and the form stays. Says whether there was something.
pub(in crate::tui) fn stop(app: &mut App, out: &mut Vec<Effect>) -> bool {
    let mut stopped = false;
    with(app, |app, change, form| {
        stopped = match &mut change.under {
            Under::Keeping(keeping) => {
                keeping.stop = Stop::Asked;
                app.says("It stops after the thousand that are being written.");
                true
            }
            Under::Trying(_) => {
                change.under = Under::Nothing;
                app.busy = None;
                app.says("Stopped. Nothing was changed.");
                out.push(change.errand(app, Task::Stop));
                true
            }
            // without them there is nothing to be done here
            Under::Nothing | Under::Fields | Under::Values => false,
        };
        change.arrange(form, app);
        Stays::Open
    });
    stopped
}

/// The form is being left: what is under way ends.
pub(in crate::tui) fn left(app: &mut App, change: &mut Change, out: &mut Vec<Effect>) {
    if change.under != Under::Nothing {
        app.busy = None;
        out.push(change.errand(app, Task::Stop));
    }
}

fn with(app: &mut App, act: impl FnOnce(&mut App, &mut Change, &mut Form) -> Stays) {
    forms::with_about(
        app,
        |about| matches!(about, About::Change(_)),
        |app, sheet| match &mut sheet.about {
            About::Change(change) => act(app, change, &mut sheet.form),
            _ => Stays::Open,
        },
    );
}

impl Change {
    fn errand(&mut self, app: &mut App, task: Task) -> Effect {
        app.errand += 1;
        self.errand = app.errand;
        Effect::Look(Look::Change(Box::new(Errand { number: self.errand, task })))
    }

    /// Begins something that takes its time.
    fn begin(&mut self, app: &mut App, under: Under, task: Task, out: &mut Vec<Effect>) {
        let what = match &under {
            Under::Fields | Under::Nothing => "Reading the fields",
            Under::Values => "Counting the values",
            Under::Trying(_) => "Checking what would change",
            Under::Keeping(_) => "Keeping the new values",
        };
        app.busy = Some(Busy { what: what.to_owned(), since: app.now.instant, far: None });
        self.under = under;
        out.push(self.errand(app, task));
    }

    fn take(&mut self, app: &mut App, form: &mut Form, news: News, out: &mut Vec<Effect>) -> Stays {
        match news {
            News::Far(done) => {
                if let Some(busy) = &mut app.busy {
                    busy.far = Some((done.min(self.count), self.count));
                }
                return Stays::Open;
            }
            News::Failed(why) => {
                app.busy = None;
                self.under = Under::Nothing;
                app.warns(format!("This can't be done now: {why}"));
            }
            News::Fields(fields) => {
                self.fields = fields;
                app.busy = None;
                self.under = Under::Nothing;
                if let Some(first) = self.fields.fields.first().map(|(pointer, _)| pointer.clone()) {
                    self.choose_field(app, &first, out);
                }
                self.arrange_anew(form, app);
                return Stays::Open;
            }
            News::Values(counted) => {
                app.busy = None;
                self.under = Under::Nothing;
                self.counted = counted;
                self.arrange_anew(form, app);
                return Stays::Open;
            }
            News::Tried(outlook) => {
                app.busy = None;
                if let Under::Trying(to) = std::mem::replace(&mut self.under, Under::Nothing) {
                    self.outlook = Some((to, outlook));
                }
            }
            News::Made(records, reaches) => return self.made(app, form, records, reaches, out),
        }
        self.arrange(form, app);
        Stays::Open
    }

    fn choose_field(&mut self, app: &mut App, pointer: &str, out: &mut Vec<Effect>) {
        let category = "/category".to_owned();
        let beside =
            pointer == "/subcategory" && self.fields.fields.iter().any(|(known, _)| *known == category);
        let target = Target { pointer: pointer.to_owned(), beside: beside.then_some(category) };
        self.target = Some(target.clone());
        self.counted = Counted::default();
        self.typed.clear();
        self.outlook = None;
        let task = Task::Values(self.scope.clone(), target);
        self.begin(app, Under::Values, task, out);
    }

    /// A field of the form has another value.
    pub fn changed(&mut self, app: &mut App, form: &mut Form, id: &str, out: &mut Vec<Effect>) {
        if matches!(self.under, Under::Keeping(_)) {
            return;
        }
        if id == rows::FIELD {
            let pointer = form.value(id).to_owned();
            self.choose_field(app, &pointer, out);
            form.touched = Touched::No;
            return self.arrange_anew(form, app);
        }
        if let Some(place) = rows::place(id) {
            self.typed.insert(place, form.value(id).to_owned());
            self.try_out(app, out);
        }
        self.arrange(form, app);
    }

    /// Finds out what would come of what stands in the form now.
    fn try_out(&mut self, app: &mut App, out: &mut Vec<Effect>) {
        let asked = match (&self.under, &self.outlook) {
            (Under::Trying(to), _) | (_, Some((to, _))) => Some(to),
            _ => None,
        };
        let (Some(target), Ok(to)) = (self.target.clone(), self.new_for_old()) else { return };
        if asked == Some(&to) {
            return;
        }
        self.outlook = None;
        if to.is_empty() {
            if self.under != Under::Nothing {
                app.busy = None;
                self.under = Under::Nothing;
                out.push(self.errand(app, Task::Stop));
            }
            return;
        }
        let task = Task::Try(self.scope.clone(), target, Arc::clone(&to));
        self.begin(app, Under::Trying(to), task, out);
    }

    /// The new values; or the place of one that can't be taken, and why.
    fn new_for_old(&self) -> Result<NewForOld, (usize, String)> {
        let mut to = BTreeMap::new();
        for (place, typed) in &self.typed {
            let Some((old, _)) = self.counted.values.get(*place) else { continue };
            let spelled = value::spell(old.value.as_deref());
            if *typed == spelled.text {
                continue;
            }
            // what the platform lists are names
            let is_name = self.offers(*place).is_some() && spelled.as_ != Spelling::Whole;
            let new = if is_name {
                value::quoted(typed)
            } else {
                value::read(spelled.as_, typed).map_err(|why| (*place, why))?
            };
            if Some(&new) != old.value.as_ref() {
                to.insert(old.clone(), new);
            }
        }
        Ok(Arc::new(to))
    }

    /// What the platform lists for a value, where it does.
    fn offers(&self, place: usize) -> Option<Vec<String>> {
        let target = self.target.as_ref()?;
        if self.fields.categories.is_empty() {
            return None;
        }
        match target.pointer.as_str() {
            "/category" => Some(self.fields.categories.iter().map(|(name, _)| name.clone()).collect()),
            "/subcategory" => {
                let (old, _) = self.counted.values.get(place)?;
                let category = value::spell(old.beside.as_deref()).text;
                let under = self.fields.categories.iter().filter(|(name, _)| *name == category);
                Some(under.flat_map(|(_, under)| under.iter().cloned()).collect())
            }
            _ => None,
        }
    }

    /// A button was pressed.
    pub fn pressed(&mut self, app: &mut App, form: &mut Form, id: &str, out: &mut Vec<Effect>) -> Stays {
        let then = match id {
            rows::KEEP => Afterwards::Nothing,
            rows::SEND => Afterwards::AskToSend,
            _ => return Stays::Closed,
        };
        let (Some((to, outlook)), Some(target)) = (&self.outlook, self.target.clone()) else {
            return Stays::Open;
        };
        let keeping = Keeping {
            ids: Arc::new(outlook.passing.clone()),
            to: Arc::clone(to),
            done: 0,
            reaches: 0,
            kept: Vec::new(),
            last: 0,
            then,
            stop: Stop::No,
        };
        let task = Task::Make(Arc::clone(&keeping.ids), 0, target, Arc::clone(&keeping.to));
        self.begin(app, Under::Keeping(Box::new(keeping)), task, out);
        self.arrange(form, app);
        Stays::Open
    }

    /// The records of a group are there: they are written.
    fn made(
        &mut self,
        app: &mut App,
        form: &mut Form,
        records: Vec<(FailureId, Option<Bytes>)>,
        reaches: usize,
        out: &mut Vec<Effect>,
    ) -> Stays {
        let Under::Keeping(keeping) = &mut self.under else { return Stays::Open };
        keeping.reaches = reaches;
        if records.is_empty() || keeping.stop == Stop::Asked {
            return self.group_kept(app, form, out);
        }
        keeping.last = records.len();
        keeping.kept.extend(records.iter().map(|(id, _)| *id));
        if mend::write(app, records, out) == mend::Written::Handed {
            // a run that is too busy says so before the next group is there
            keeping.done = reaches;
            self.next_group(out, app);
        }
        Stays::Open
    }

    fn next_group(&mut self, out: &mut Vec<Effect>, app: &mut App) {
        let (Under::Keeping(keeping), Some(target)) = (&self.under, self.target.clone()) else { return };
        let far = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        if let Some(busy) = &mut app.busy {
            busy.far = Some((far(keeping.done), far(keeping.ids.len())));
        }
        let task = Task::Make(Arc::clone(&keeping.ids), keeping.done, target, Arc::clone(&keeping.to));
        out.push(self.errand(app, task));
    }

    fn group_kept(&mut self, app: &mut App, form: &mut Form, out: &mut Vec<Effect>) -> Stays {
        let Under::Keeping(keeping) = &mut self.under else { return Stays::Open };
        keeping.done = keeping.reaches;
        if keeping.done < keeping.ids.len() && keeping.stop == Stop::No {
            self.next_group(out, app);
            return Stays::Open;
        }
        let (kept, then, stopped) =
            (std::mem::take(&mut keeping.kept), keeping.then, keeping.stop == Stop::Asked);
        app.busy = None;
        let number = u64::try_from(kept.len()).unwrap_or(u64::MAX);
        if stopped {
            app.says(format!("Stopped: {} changed and kept, none of them sent.", changed(number)));
            self.stop_keeping(app, form, out);
            return Stays::Open;
        }
        let key = app.keymap.key(Action::UndoMany);
        app.says(format!("{} changed and kept, not sent yet. {key} takes that back.", changed(number)));
        if then == Afterwards::AskToSend {
            mend::ask_to_send(app, kept, out);
        }
        Stays::Closed
    }

    /// What is kept is kept; the rest can be looked at and tried again.
    fn stop_keeping(&mut self, app: &mut App, form: &mut Form, out: &mut Vec<Effect>) {
        app.busy = None;
        self.under = Under::Nothing;
        // what would come of it is another thing now
        self.outlook = None;
        self.try_out(app, out);
        self.arrange(form, app);
    }
}

fn changed(number: u64) -> String {
    format!("{} {}", words::some(number, "failure"), if number == 1 { "is" } else { "are" })
}
