//! A profile that is added or changed: checked while it is typed, and tried at the platform before it is saved.

mod draft;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use super::{About, Sheet, Stays};
use crate::model::PlatformKind;
use crate::tui::app::{App, Busy, Test};
use crate::tui::form::{Form, Kind};
use crate::tui::message::{Effect, Request};
use crate::tui::office::{Home, ProfileDraft, ProfileRow, Profiles, Tested};

/// What is known of a profile while it is typed.
#[derive(Debug)]
pub(in crate::tui) struct ProfileSheet {
    /// The profile that is changed; none where one is added.
    was: Option<ProfileRow>,
    /// Where it goes from here.
    then: AfterSaving,
    stage: Stage,
    /// Grows with every change: what a test showed holds for what was tested.
    edition: u64,
    /// What the last test showed, and of which edition.
    shown: Option<(u64, Result<Tested, String>)>,
    /// Why it was not saved, and which edition.
    unsaved: Option<(u64, String)>,
    /// What stands in the fields, also in those that are not shown now. No secret is among it.
    kept: BTreeMap<String, String>,
    /// Whether something was typed where the secret goes.
    secret: Typed,
    /// Fields that the person has changed: only these are told to be empty.
    touched: BTreeSet<String>,
    homes: Vec<(Home, Result<(), String>)>,
    regions: Vec<&'static str>,
    /// Names of other profiles.
    taken: Vec<String>,
}

/// What follows when a profile was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum AfterSaving {
    /// The board as it was.
    Nothing,
    /// The files: the next step of setting up.
    Datasets,
}

/// Whether something stands in a field that is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Typed {
    No,
    Yes,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Nothing,
    Testing { edition: u64, then: Next },
    Saving,
}

/// What follows a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Look,
    Save,
}

/// The form for a new profile.
pub(in crate::tui) fn add(app: &App, then: AfterSaving) -> Option<Sheet> {
    Some(open(app, None, app.credentials.known.as_ref()?, then))
}

/// The form for a profile that is there.
pub(in crate::tui) fn edit(app: &App, row: &ProfileRow) -> Option<Sheet> {
    Some(open(app, Some(row.clone()), app.credentials.known.as_ref()?, AfterSaving::Nothing))
}

fn open(app: &App, was: Option<ProfileRow>, known: &Profiles, then: AfterSaving) -> Sheet {
    let taken = known.all.iter().filter(|row| row.configured).map(|row| row.name.clone());
    let taken = taken.filter(|name| was.as_ref().is_none_or(|was| was.name != *name)).collect();
    let title =
        was.as_ref().map_or_else(|| "Add a profile".to_owned(), |was| format!("Profile {}", was.name));
    let about = ProfileSheet {
        kept: draft::values(was.as_ref(), known),
        was,
        then,
        stage: Stage::Nothing,
        edition: 0,
        shown: None,
        unsaved: None,
        secret: Typed::No,
        touched: BTreeSet::new(),
        homes: known.homes.clone(),
        regions: known.regions.clone(),
        taken,
    };
    let mut form = Form { main: Some("save"), ..Form::new(title, about.rows(), app.frame) };
    about.settle(&mut form);
    "name".clone_into(&mut form.focus);
    Sheet { form, about: About::Profile(about) }
}

impl ProfileSheet {
    fn value(&self, id: &str) -> &str {
        self.kept.get(id).map_or("", |text| text.trim())
    }

    fn platform(&self) -> PlatformKind {
        self.value("platform").parse().unwrap_or(PlatformKind::Genesys)
    }

    /// The id of the profile under its new name.
    fn name(&self) -> String {
        self.value("name").to_owned()
    }

    /// A field has another value now.
    pub(super) fn changed(&mut self, form: &mut Form, id: &str) {
        self.edition += 1;
        self.touched.insert(id.to_owned());
        for field in form.fields() {
            match &field.kind {
                Kind::Secret(text) => self.secret = if text.len() > 0 { Typed::Yes } else { Typed::No },
                _ => drop(self.kept.insert(field.id.clone(), field.value().to_owned())),
            }
        }
        // a platform on this machine is a sandbox, unless the person says otherwise
        if !self.touched.contains("production") && self.was.is_none() {
            let is = if self.is_loopback() { "no" } else { "yes" };
            self.kept.insert("production".to_owned(), is.to_owned());
            if let Some(field) = form.field_mut("production") {
                field.set(is);
            }
        }
        self.settle(form);
    }

    /// Puts the rows and the words beside the fields in order.
    fn settle(&self, form: &mut Form) {
        form.arrange(self.rows());
        for (id, note) in self.notes() {
            form.note(id, note);
        }
        form.foot = self.foot();
    }

    pub(super) fn pressed(
        &mut self,
        app: &mut App,
        form: &mut Form,
        id: &str,
        out: &mut Vec<Effect>,
    ) -> Stays {
        match id {
            "test" => self.test(app, form, Next::Look, out),
            "save" if self.passed().is_some() => self.save(app, form, out),
            "save" => self.test(app, form, Next::Save, out),
            "anyway" => self.save(app, form, out),
            _ => return Stays::Closed,
        }
        self.settle(form);
        Stays::Open
    }

    /// What the last test showed of what stands there now.
    fn passed(&self) -> Option<&Tested> {
        match &self.shown {
            Some((edition, Ok(tested))) if *edition == self.edition => Some(tested),
            _ => None,
        }
    }

    fn refused(&self) -> Option<&str> {
        match &self.shown {
            Some((edition, Err(why))) if *edition == self.edition => Some(why),
            _ => None,
        }
    }

    fn was_name(&self) -> Option<String> {
        self.was.as_ref().map(|was| was.name.clone())
    }

    fn test(&mut self, app: &mut App, form: &Form, then: Next, out: &mut Vec<Effect>) {
        self.stage = Stage::Testing { edition: self.edition, then };
        self.shown = None;
        wait(app, format!("Testing {}", self.name()));
        out.push(Effect::Ask(Request::TestDraft(Box::new(self.draft(form)), self.was_name())));
    }

    fn save(&mut self, app: &mut App, form: &Form, out: &mut Vec<Effect>) {
        self.stage = Stage::Saving;
        self.unsaved = None;
        // it can't be stopped half-way: Esc has nothing to promise here
        app.busy = None;
        app.says(format!("Saving {}…", self.name()));
        out.push(Effect::Ask(Request::Save(Box::new(self.draft(form)), self.was_name())));
    }

    fn draft(&self, form: &Form) -> ProfileDraft {
        let secret = form.field("secret").and_then(crate::tui::form::Field::typed_secret);
        draft::draft(self, secret)
    }

    /// Whether a draft's test is waited for here.
    pub(in crate::tui) const fn is_testing(&self) -> bool {
        matches!(self.stage, Stage::Testing { .. })
    }

    /// What the platform answered to the test.
    pub(in crate::tui) fn tested(
        &mut self,
        app: &mut App,
        form: &mut Form,
        result: Result<Tested, String>,
        out: &mut Vec<Effect>,
    ) {
        let Stage::Testing { edition, then } = self.stage else { return };
        self.stage = Stage::Nothing;
        app.busy = None;
        let passed = result.is_ok();
        self.shown = Some((edition, result));
        if edition != self.edition {
            app.says("Something was changed while it was tested; test it once more.");
        } else if passed && then == Next::Save {
            self.save(app, form, out);
        } else if !passed {
            app.warns("The test was refused; the form says why.");
        }
        self.settle(form);
    }

    /// It was saved, or why not.
    pub(in crate::tui) fn saved(
        &mut self,
        app: &mut App,
        form: &mut Form,
        name: String,
        saved: Result<Profiles, String>,
    ) -> Stays {
        self.stage = Stage::Nothing;
        let profiles = match saved {
            Ok(profiles) => profiles,
            Err(why) => {
                app.warns("It was not saved; the form says why.");
                self.unsaved = Some((self.edition, why));
                self.settle(form);
                return Stays::Open;
            }
        };
        let more = profiles.said.clone().map_or_else(String::new, |said| format!(" But {said}."));
        if let Some(was) = &self.was {
            app.credentials.tests.remove(&was.id());
            if app.credentials.chosen.as_deref() == Some(was.name.as_str()) {
                app.credentials.chosen = Some(name.clone());
            }
        }
        if let Some((_, Ok(tested))) = &self.shown {
            let test = Test::Passed { tested: tested.clone(), at: app.now.instant };
            app.credentials.tests.insert(name.clone(), test);
        }
        app.credentials.known = Some(profiles);
        app.credentials.trouble = None;
        app.says(match self.then {
            AfterSaving::Nothing => format!("Saved {name}.{more}"),
            AfterSaving::Datasets => {
                format!("Saved {name}.{more} Next: choose a file here; Enter opens a new run with it.")
            }
        });
        app.credentials.cursor = Some(name);
        Stays::Closed
    }

    /// What follows when it was saved.
    pub(in crate::tui) const fn then(&self) -> AfterSaving {
        self.then
    }

    /// The person does not wait any longer.
    pub(in crate::tui) fn stopped(&mut self, form: &mut Form) {
        if self.is_testing() {
            self.stage = Stage::Nothing;
        }
        self.settle(form);
    }
}

fn wait(app: &mut App, what: String) {
    app.busy = Some(Busy { what, since: app.now.instant, far: None });
}
