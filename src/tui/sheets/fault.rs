//! A fault, mended: exactly what is at fault, tried at the platform, and then the question whether to go on.

use super::{About, Sheet, Stays};
use crate::config::SecretSource;
use crate::model::{Fault, FaultKind, OperationKind, RunId};
use crate::tui::actions::Action;
use crate::tui::app::{Act, App, Busy, Carried, Question};
use crate::tui::form::{Button, Field, Form, Kind, Row};
use crate::tui::message::{Effect, Request};
use crate::tui::office::{Kept, ProfileDraft, ProfileRow, Tested};
use crate::tui::theme::Ink;
use crate::tui::{update, words};

/// What is at fault, and how far its mending is.
#[derive(Debug)]
pub(in crate::tui) struct FaultSheet {
    run: RunId,
    operation: OperationKind,
    /// The profile of the run, where it is known.
    profile: Option<ProfileRow>,
    way: Way,
    /// What is said of the fault.
    words: Vec<(String, Ink)>,
    stage: Stage,
    /// Grows with every change.
    edition: u64,
    refused: Option<String>,
}

/// How it can be mended from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// With a new secret.
    Secret,
    /// Outside; what is there is then read again.
    Outside,
    /// By others; the platform then allows more.
    Scope,
    /// By words only.
    Words,
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Nothing,
    Testing(u64),
    Keeping(Tested),
}

/// The form for the fault of the run on the board.
pub(in crate::tui) fn open(app: &App) -> Option<Sheet> {
    let fault = words::fault_of(app);
    let figures = app.figures()?;
    let profile = app.credentials.row_of(&figures.profile, figures.platform).cloned();
    let kind = fault.as_ref().map(|fault| fault.kind);
    let way = match (kind, profile.as_ref().map(|row| &row.secret)) {
        (Some(FaultKind::ClientRefused), Some(SecretSource::Keyring | SecretSource::File(_))) => Way::Secret,
        (Some(FaultKind::ClientRefused), Some(_)) => Way::Outside,
        (Some(FaultKind::MissingScope), Some(_)) => Way::Scope,
        _ => Way::Words,
    };
    let about = FaultSheet {
        run: figures.run,
        operation: figures.operation,
        words: said(app, fault.as_ref(), way, profile.as_ref()),
        profile,
        way,
        stage: Stage::Nothing,
        edition: 0,
        refused: None,
    };
    let form = Form::new(format!("Fault of run {}", figures.run.short()), about.rows(), app.frame);
    Some(Sheet { form, about: About::Fault(about) })
}

/// What is wrong, and what to do.
fn said(app: &App, fault: Option<&Fault>, way: Way, profile: Option<&ProfileRow>) -> Vec<(String, Ink)> {
    let Some(fault) = fault else {
        return vec![(
            "What stopped it is being read. Esc, then f, looks again; p tries again.".to_owned(),
            Ink::Plain,
        )];
    };
    let book = crate::plain::fault(fault.kind);
    let mut lines = vec![(book.means.clone(), Ink::Bad), (words::what_came(app, fault), Ink::Dim)];
    lines.push((String::new(), Ink::Plain));
    let Some(row) = profile.filter(|_| way != Way::Words) else {
        lines.push((book.todo.clone(), Ink::Strong));
        if fault.kind == FaultKind::ClientRefused {
            let name = app.figures().map_or("", |figures| &figures.profile);
            lines.push((format!("The profile {name} is not among those of pane 1."), Ink::Plain));
        }
        if let Some(at) = fault.resumes_at {
            let at = crate::tui::numbers::time_of_day(at, &app.zone);
            lines.push((format!("It goes on by itself at {at}."), Ink::Plain));
        }
        return lines;
    };
    let kept = words::home(&row.name, &row.secret);
    let client = words::client(&row.client_id);
    match (way, &row.secret) {
        (Way::Scope, _) => lines.push((book.todo.clone(), Ink::Strong)),
        (Way::Outside, SecretSource::Env(name)) => {
            lines.push((format!("The secret of client {client} is in the {kept}."), Ink::Plain));
            lines.push((
                format!(
                    "A program can't be given another environment once it has begun: set {name} anew, leave with q, \
                     and start trunkline again; p goes on with the run then. Where the platform took the old one back, \
                     read it again."
                ),
                Ink::Strong,
            ));
        }
        (Way::Outside, _) => {
            lines.push((format!("The secret of client {client} is told by: {kept}."), Ink::Plain));
            lines.push(("Put the new one where that finds it, then read it again.".to_owned(), Ink::Strong));
        }
        _ => {
            lines.push((format!("Get the new secret of client {client} from who keeps it."), Ink::Strong));
            lines.push((format!("It is kept in: {kept}"), Ink::Plain));
        }
    }
    lines
}

impl FaultSheet {
    fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.words.iter().map(|(text, ink)| Row::Text(text.clone(), *ink)).collect();
        rows.push(Row::gap());
        if self.way == Way::Secret {
            let note = "empty: what is there is read again";
            rows.push(Row::Field(Field::secret("secret", "New secret").wide(28).says(note)));
            rows.push(Row::gap());
        }
        if let Some(why) = &self.refused {
            rows.push(Row::Text(format!("✗ {}", words::refusal(why)), Ink::Bad));
            rows.push(Row::gap());
        }
        let may = match self.stage {
            Stage::Nothing => Ok(()),
            Stage::Testing(_) => Err("it is being tested; Esc stops that".to_owned()),
            Stage::Keeping(_) => Err("it is being kept".to_owned()),
        };
        let mut buttons = Vec::new();
        match self.way {
            Way::Secret => buttons.push(Button::new("test", "Test it").may(may)),
            Way::Outside => buttons.push(Button::new("test", "Read it again").may(may)),
            Way::Scope => buttons.push(Button::new("test", "Look again").may(may)),
            Way::Words => {}
        }
        buttons.push(Button::new("again", "Try again"));
        buttons.push(Button::new("leave", "Leave"));
        rows.push(Row::Buttons(buttons));
        rows
    }

    fn settle(&self, form: &mut Form) {
        form.arrange(self.rows());
    }

    pub(super) fn changed(&mut self, form: &mut Form) {
        self.edition += 1;
        self.refused = None;
        self.settle(form);
    }

    pub(super) fn pressed(
        &mut self,
        app: &mut App,
        form: &mut Form,
        id: &str,
        out: &mut Vec<Effect>,
    ) -> Stays {
        match id {
            "test" => {
                self.test(app, form, out);
                self.settle(form);
                Stays::Open
            }
            "again" => {
                update::act(app, Action::PauseOrGoOn, out);
                Stays::Closed
            }
            _ => Stays::Closed,
        }
    }

    fn test(&mut self, app: &mut App, form: &Form, out: &mut Vec<Effect>) {
        let Some(row) = &self.profile else { return };
        self.stage = Stage::Testing(self.edition);
        self.refused = None;
        wait(app, format!("Testing {}", row.name));
        out.push(Effect::Ask(match typed(form) {
            Some(secret) => {
                let given = |url: &String| row.region.is_none().then(|| url.clone());
                let draft = ProfileDraft {
                    name: row.name.clone(),
                    platform: row.platform,
                    region: row.region.clone(),
                    api_url: given(&row.api_url),
                    auth_url: given(&row.auth_url),
                    client_id: row.client_id.clone(),
                    production: row.production,
                    read_only: row.read_only,
                    home: row.secret.clone(),
                    secret: Some(secret),
                };
                Request::TestDraft(Box::new(draft), Some(row.name.clone()))
            }
            None => Request::Test(row.name.clone(), row.platform),
        }));
    }

    /// The id of the profile whose test is waited for here.
    pub(in crate::tui) fn waits_for(&self) -> Option<String> {
        let row = self.profile.as_ref()?;
        matches!(self.stage, Stage::Testing(_)).then(|| row.id())
    }

    /// What the platform answered to the test.
    pub(in crate::tui) fn tested(
        &mut self,
        app: &mut App,
        form: &mut Form,
        result: Result<Tested, String>,
        out: &mut Vec<Effect>,
    ) -> Stays {
        let Stage::Testing(edition) = self.stage else { return Stays::Open };
        self.stage = Stage::Nothing;
        app.busy = None;
        let stays = match result {
            Err(why) => {
                app.warns("Refused; the form says why.");
                if self.way == Way::Secret {
                    "secret".clone_into(&mut form.focus);
                }
                self.refused = Some(why);
                Stays::Open
            }
            Ok(_) if edition != self.edition => {
                app.says("Something was changed while it was tested; test it once more.");
                Stays::Open
            }
            Ok(tested) if self.way == Way::Scope && !missing(&tested, self.operation).is_empty() => {
                let missing = missing(&tested, self.operation).join(" ");
                self.refused = Some(format!("the token still lacks {missing}"));
                Stays::Open
            }
            Ok(tested) => self.works(app, form, tested, out),
        };
        self.settle(form);
        stays
    }

    /// The secret works: a new one is put in the place of the old one first.
    fn works(&mut self, app: &mut App, form: &Form, tested: Tested, out: &mut Vec<Effect>) -> Stays {
        let (Some(secret), Some(row)) = (typed(form), &self.profile) else {
            self.ask(app, &tested, None);
            return Stays::Closed;
        };
        // it can't be stopped half-way: Esc has nothing to promise here
        app.says(format!("Keeping the new secret of {}…", row.name));
        out.push(Effect::Ask(Request::ReplaceSecret(row.name.clone(), secret)));
        self.stage = Stage::Keeping(tested);
        Stays::Open
    }

    /// The new secret was put in its place, or why not.
    pub(in crate::tui) fn replaced(
        &mut self,
        app: &mut App,
        form: &mut Form,
        result: Result<Kept, String>,
    ) -> Stays {
        let Stage::Keeping(tested) = std::mem::replace(&mut self.stage, Stage::Nothing) else {
            return Stays::Open;
        };
        match result {
            Ok(kept) => {
                self.ask(app, &tested, Some(kept));
                Stays::Closed
            }
            Err(why) => {
                self.refused = Some(format!("it works, and could not be kept: {why}"));
                self.settle(form);
                Stays::Open
            }
        }
    }

    /// The question whether to go on, where this window can.
    fn ask(&self, app: &mut App, tested: &Tested, kept: Option<Kept>) {
        let what = match kept {
            None => "It works".to_owned(),
            Some(Kept::ForGood) => "The new secret works, and is kept".to_owned(),
            Some(Kept::UntilReboot) => {
                "The new secret works, and is kept until this machine starts anew".to_owned()
            }
        };
        if let Some(row) = &self.profile {
            let test = crate::tui::app::Test::Passed { tested: tested.clone(), at: app.now.instant };
            app.credentials.tests.insert(row.id(), test);
        }
        let Some(shown) = app.run.as_ref().filter(|shown| shown.figures.run == self.run) else {
            return app.says(format!("{what}."));
        };
        if words::fault_of(app).is_none() {
            return app.says(format!("{what}. The run goes on already."));
        }
        if let Carried::Elsewhere(who) = &shown.carried {
            let text = format!("{what}. The run is carried by {who}: it goes on from there.");
            return app.says(text);
        }
        let figures = &shown.figures;
        let mut lines = vec![
            (
                format!("Go on with {}, on {}?", figures.run.short(), words::tenant(figures)),
                if figures.production { Ink::Bad } else { Ink::Strong },
            ),
            (String::new(), Ink::Plain),
            (format!("{what}: {}.", words::took(tested)), Ink::Good),
        ];
        let missing = missing(tested, self.operation);
        if !missing.is_empty() {
            lines.push((format!("But it lacks {}: the run would stop again.", missing.join(" ")), Ink::Warn));
        }
        lines.push((
            format!(
                "{} of {} are still to go. What was delivered is not sent again.",
                words::some(figures.records.pending, "record"),
                words::datasets(figures)
            ),
            Ink::Plain,
        ));
        update::question::ask(app, Question::new(lines, "Not yet", "Go on", Act::GoOn(self.run)));
    }

    /// The person does not wait any longer.
    pub(in crate::tui) fn stopped(&mut self, form: &mut Form) {
        if matches!(self.stage, Stage::Testing(_)) {
            self.stage = Stage::Nothing;
        }
        self.settle(form);
    }
}

fn typed(form: &Form) -> Option<crate::config::Secret> {
    form.fields().find(|field| matches!(field.kind, Kind::Secret(_))).and_then(Field::typed_secret)
}

fn missing(tested: &Tested, operation: OperationKind) -> Vec<String> {
    let of_it = tested.operations.iter().find(|(kind, _)| *kind == operation);
    of_it.map(|(_, missing)| missing.clone()).unwrap_or_default()
}

fn wait(app: &mut App, what: String) {
    app.busy = Some(Busy { what, since: app.now.instant, far: None });
}
