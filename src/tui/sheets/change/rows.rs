//! What stands in the form for a change in many.

use super::{Change, Under};
use crate::model::OperationKind;
use crate::tui::actions;
use crate::tui::app::App;
use crate::tui::canvas::{self, pad};
use crate::tui::changing::{MOST_VALUES, Old, Outlook};
use crate::tui::form::{Button, Choice, Field, Form, Note, Row, Touched};
use crate::tui::layout;
use crate::tui::sheets::edit;
use crate::tui::theme::Ink;
use crate::tui::value::{self, Spelling};
use crate::tui::{mending, numbers, words};

/// The field that is chosen, and the values of it.
pub(super) const FIELD: &str = "field";
const VALUE: &str = "value:";
/// Buttons.
pub(super) const KEEP: &str = "keep";
pub(super) const SEND: &str = "send";

/// The widths of the count of a value, of the signs around a field, and of what stands beside it.
const COUNTS: u16 = 9;
const SIGNS: u16 = 8;
const BESIDE: u16 = 3;

/// The least and the most columns of a new value.
const LEAST: u16 = 18;
const MOST: u16 = 40;

/// How the room of a row is shared out.
struct Columns {
    /// The value that stands there.
    values: u16,
    /// The new one.
    new: u16,
}

/// The place in the list of values that a field is about.
pub(super) fn place(id: &str) -> Option<usize> {
    id.strip_prefix(VALUE)?.parse().ok()
}

impl Change {
    pub(super) fn arrange(&self, form: &mut Form, app: &App) {
        form.arrange(self.rows(app));
        self.frame(form, app);
    }

    pub(super) fn arrange_anew(&self, form: &mut Form, app: &App) {
        form.rows = self.rows(app);
        let here = form.stops().contains(&form.focus.as_str());
        if !here || (form.touched == Touched::No && form.focus != FIELD) {
            form.focus = form.stops().first().map(|stop| (*stop).to_owned()).unwrap_or_default();
        }
        self.frame(form, app);
    }

    /// As much of the values as there is room for, and the rest for the new ones.
    fn columns(&self, app: &App) -> Columns {
        let room = layout::full_page(app.size).width.saturating_sub(2 + COUNTS + SIGNS + BESIDE);
        let shown = self.counted.values.iter().map(|(old, _)| canvas::width(&self.shown(old)));
        let values = shown.max().map_or(0, |widest| widest + 1).clamp(12, room.saturating_sub(LEAST).max(12));
        Columns { values, new: room.saturating_sub(values).clamp(LEAST, MOST) }
    }

    fn frame(&self, form: &mut Form, app: &App) {
        form.labels = self.columns(app).values + COUNTS;
        form.foot = match &self.under {
            Under::Fields | Under::Values => "it is being read".to_owned(),
            Under::Trying(_) => "it is being checked".to_owned(),
            Under::Keeping(_) => "it is being kept".to_owned(),
            Under::Nothing => String::new(),
        };
    }

    fn rows(&self, app: &App) -> Vec<Row> {
        let mut rows = Vec::new();
        match &self.target {
            None if self.under == Under::Fields => rows.push(Row::words("The records are being read…", Ink::Dim)),
            None => rows.push(Row::Text(
                "None of these has a record that can be changed: rows of a delivered import, or records that the \
                 journal does not hold."
                    .to_owned(),
                Ink::Warn,
            )),
            Some(target) => {
                rows.push(Row::Field(self.fields(&target.pointer)));
                rows.push(Row::gap());
                self.values(app, &mut rows);
            }
        }
        rows.push(Row::gap());
        self.buttons(app, &mut rows);
        rows
    }

    fn fields(&self, taken: &str) -> Field {
        let options = self.fields.fields.iter().map(|(pointer, named)| {
            let name = mending::name_of(pointer, 1);
            let words = if *named > 0 { format!("{name} (refused)") } else { name };
            (pointer.clone(), words, Ok(()))
        });
        let field = Field::choice(FIELD, "Field", Choice::among(options, taken)).wide(MOST);
        match self.only_category() {
            Some(category) => field.says(format!("under {category}")),
            None => field.says(""),
        }
    }

    /// The category of all of them, where it is one.
    fn only_category(&self) -> Option<String> {
        self.target.as_ref()?.beside.as_ref()?;
        let first = self.counted.values.first()?.0.beside.clone();
        let same = self.counted.values.iter().all(|(old, _)| old.beside == first);
        same.then(|| value::shown(first.as_deref(), 24))
    }

    fn values(&self, app: &App, rows: &mut Vec<Row>) {
        if self.under == Under::Values {
            rows.push(Row::words("The values are being counted…", Ink::Dim));
            return;
        }
        if self.counted.values.is_empty() {
            rows.push(Row::words("There is no such value in any of them.", Ink::Dim));
            return;
        }
        let noun = match app.figures().map(|figures| figures.operation) {
            Some(OperationKind::Outcomes) => "contacts",
            _ => "records",
        };
        let Columns { values, new } = self.columns(app);
        let head = format!("{}{}    becomes", pad("in the file", values), right(noun, COUNTS));
        rows.push(Row::words(head, Ink::Dim));
        for (place, (old, count)) in self.counted.values.iter().enumerate() {
            let spelled = value::spell(old.value.as_deref());
            let label =
                format!("{}{}", pad(&self.shown(old), values), right(&numbers::count(*count), COUNTS));
            if spelled.as_ == Spelling::Whole {
                rows.push(Row::words(format!("{label}    (can be changed one by one only)"), Ink::Dim));
                continue;
            }
            rows.push(Row::Field(self.value(place, &spelled, label).wide(new)));
        }
        if self.counted.more > 0 {
            let most = MOST_VALUES;
            let text = format!(
                " … and {} different ones more; these are the {most} most frequent",
                self.counted.more
            );
            rows.push(Row::words(text, Ink::Dim));
        }
        rows.push(Row::gap());
        self.outlook(rows);
    }

    /// A value that stands there, with its category where they have different ones.
    fn shown(&self, old: &Old) -> String {
        let shown = value::shown(old.value.as_deref(), 60);
        match (&old.beside, self.only_category()) {
            (Some(beside), None) => format!("{} / {shown}", value::shown(Some(beside), 30)),
            _ => shown,
        }
    }

    fn value(&self, place: usize, spelled: &value::Spelled, label: String) -> Field {
        let id = format!("{VALUE}{place}");
        let text = self.typed.get(&place).unwrap_or(&spelled.text).clone();
        let stays = text == spelled.text;
        let field = match (self.offers(place), spelled.as_) {
            (Some(options), _) => {
                let mut choice = edit::offered(options, &spelled.text, &text);
                if let Some((_, words, _)) =
                    choice.options.iter_mut().find(|(value, ..)| *value == spelled.text)
                {
                    "leave as it is".clone_into(words);
                }
                Field::choice(id, label, choice)
            }
            (None, Spelling::Truth) => Field::choice(id, label, Choice::of(["true", "false"], &text)),
            (None, _) => Field::text(id, label, text),
        };
        let wrong = self.new_for_old().err().filter(|(wrong, _)| *wrong == place);
        let note = match wrong {
            Some((_, why)) => Note::Wrong(why),
            None if stays => Note::Says(String::new()),
            None => Note::Good(String::new()),
        };
        Field { note, ..field }
    }

    fn outlook(&self, rows: &mut Vec<Row>) {
        let Some((_, outlook)) = &self.outlook else {
            let words = match (&self.under, self.typed.is_empty()) {
                (Under::Trying(_), _) => "What would change is being checked…",
                (_, true) => "Give a value a new one; what comes of it is shown before anything is kept.",
                (_, false) => "Nothing changes yet.",
            };
            rows.push(Row::Text(words.to_owned(), Ink::Dim));
            return;
        };
        if !outlook.examples.is_empty() {
            let number = numbers::count_of(outlook.examples.len());
            rows.push(Row::words(format!("{number} of them, before and after"), Ink::Dim));
            let keys = outlook.examples.iter().map(|(key, ..)| canvas::width(key)).max().unwrap_or(0).min(30);
            for (key, before, after) in &outlook.examples {
                rows.push(Row::Words(vec![
                    (pad(key, keys + 2), Ink::Plain),
                    (before.clone(), Ink::Dim),
                    ("  →  ".to_owned(), Ink::Dim),
                    (after.clone(), Ink::Strong),
                ]));
            }
            rows.push(Row::gap());
        }
        for (text, ink) in summary(outlook) {
            rows.push(Row::Text(text, ink));
        }
    }

    fn buttons(&self, app: &App, rows: &mut Vec<Row>) {
        let ready = || -> Result<u64, String> {
            match &self.under {
                Under::Fields | Under::Values => return Err("it is still being read".to_owned()),
                Under::Trying(_) => return Err("it is still being checked".to_owned()),
                Under::Keeping(_) => return Err("it is being kept already".to_owned()),
                Under::Nothing => {}
            }
            let to = self.new_for_old().map_err(|(_, why)| why)?;
            match self.outlook.as_ref().filter(|(asked, _)| *asked == to) {
                None => Err("no value has a new one yet".to_owned()),
                Some((_, outlook)) if outlook.passing.is_empty() => {
                    Err("none of them would pass the check".to_owned())
                }
                Some((_, outlook)) => Ok(u64::try_from(outlook.passing.len()).unwrap_or(u64::MAX)),
            }
        };
        let number = ready().map_or_else(|_| String::new(), |number| format!(" {}", numbers::count(number)));
        rows.push(Row::Buttons(vec![
            Button::new("leave", "Leave"),
            Button::new(KEEP, "Keep, send later").may(ready().map(drop)),
            Button::new(SEND, format!("Keep, and ask to send{number}"))
                .may(ready().and_then(|_| actions::resendable(app))),
        ]));
    }
}

/// What would come of it, in sentences.
fn summary(outlook: &Outlook) -> Vec<(String, Ink)> {
    let passing = u64::try_from(outlook.passing.len()).unwrap_or(u64::MAX);
    let change = if passing == 1 { "changes and passes" } else { "change and pass" };
    let stay = if outlook.stays == 1 { "stays" } else { "stay" };
    let mut told = vec![(
        format!(
            "{} {change} the check; {} {stay}. The file is not touched.",
            numbers::count(passing),
            numbers::count(outlook.stays)
        ),
        Ink::Plain,
    )];
    if outlook.refused > 0 {
        let why = outlook.why.as_ref().map_or_else(String::new, |(key, why)| format!(" {key}: {why}."));
        told.push((
            format!(
                "✗ {} would be refused all the same, and stay as they are.{why}",
                numbers::count(outlook.refused)
            ),
            Ink::Bad,
        ));
    }
    if outlook.so_far {
        told.push(("What the platform's own list holds is not known here.".to_owned(), Ink::Warn));
    }
    if outlook.doubtful > 0 {
        told.push((
            format!(
                "{} may have been carried out already; edited ones count as new, and may be done twice.",
                words::some(outlook.doubtful, "of them").trim_end_matches('s')
            ),
            Ink::Warn,
        ));
    }
    told
}

fn right(text: &str, columns: u16) -> String {
    let spare = usize::from(columns.saturating_sub(canvas::width(text)));
    format!("{}{text}", " ".repeat(spare))
}
