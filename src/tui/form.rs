//! Forms: rows of words, fields and buttons that a person fills in.
//!
//! A form knows nothing of what it is for. It takes keys and says what became of them; whoever opened it reads its
//! fields by their names, puts words beside them, and decides what a button does. There are no letter keys in a form:
//! every character that can be printed types.

mod draw;
mod field;

use crossterm::event::KeyCode;

use super::actions::{Control, Key};
use super::app::Seen;
use super::theme::Ink;

pub(super) use draw::{draw, rows};
pub(super) use field::{Choice, Field, Kind, Note, Taken, put, type_into};

/// How far `PgUp` and `PgDn` go, in rows.
const SCREEN: isize = 6;

/// The widest column of labels, where a form says nothing else.
const LABELS: u16 = 16;

/// A row of a form.
#[derive(Debug, Clone)]
pub(super) enum Row {
    /// Words, in one or more pieces.
    Words(Vec<(String, Ink)>),
    /// A long text that is broken into lines where it does not fit.
    Text(String, Ink),
    /// A field.
    Field(Field),
    /// Buttons, beside one another.
    Buttons(Vec<Button>),
}

impl Row {
    /// An empty row.
    pub fn gap() -> Self {
        Self::Words(Vec::new())
    }

    /// Words of one ink.
    pub fn words(text: impl Into<String>, ink: Ink) -> Self {
        Self::Words(vec![(text.into(), ink)])
    }
}

/// A button. One that can't be pressed yet is dim, and says why when it is pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Button {
    pub id: &'static str,
    pub words: String,
    pub may: Result<(), String>,
}

impl Button {
    pub fn new(id: &'static str, words: impl Into<String>) -> Self {
        Self { id, words: words.into(), may: Ok(()) }
    }

    pub fn may(self, may: Result<(), String>) -> Self {
        Self { may, ..self }
    }
}

/// A form.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub title: String,
    pub rows: Vec<Row>,
    /// The name of the field or button that has the keys.
    pub focus: String,
    /// Whether the person has changed anything.
    pub touched: Touched,
    /// What stands in the lower line of its frame.
    pub foot: String,
    /// The button that it is for, which a key presses from anywhere in it.
    pub main: Option<&'static str>,
    /// The widest column of labels.
    pub labels: u16,
    /// Rows by which a person has scrolled it away from the field that has the keys.
    pub shift: isize,
    /// The frame in which it was first to be seen: no button of it is pressed by a key that came before.
    pub frame: u64,
    pub seen: Seen,
}

/// Whether something was typed or chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touched {
    No,
    Yes,
}

/// What became of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing that matters to anybody else.
    Nothing,
    /// The field of this name has another value now.
    Changed(String),
    /// The button of this name was pressed.
    Pressed(&'static str),
    /// The person wants to leave.
    Leave,
    /// Why that did not go.
    Refused(String),
}

impl Form {
    /// A form whose first field has the keys.
    pub fn new(title: impl Into<String>, rows: Vec<Row>, frame: u64) -> Self {
        let mut form = Self {
            title: title.into(),
            rows,
            focus: String::new(),
            touched: Touched::No,
            foot: String::new(),
            main: None,
            labels: LABELS,
            shift: 0,
            frame,
            seen: Seen::NotYet,
        };
        form.focus = form.stops().first().map(|stop| (*stop).to_owned()).unwrap_or_default();
        form
    }

    /// Gives the keys to the field or button of this name.
    pub fn focused(mut self, name: &str) -> Self {
        name.clone_into(&mut self.focus);
        self
    }

    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.rows.iter().filter_map(|row| if let Row::Field(field) = row { Some(field) } else { None })
    }

    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields().find(|field| field.id == id)
    }

    pub fn field_mut(&mut self, id: &str) -> Option<&mut Field> {
        self.rows.iter_mut().find_map(|row| match row {
            Row::Field(field) if field.id == id => Some(field),
            _ => None,
        })
    }

    /// The value of a field; empty where there is no such field.
    pub fn value(&self, id: &str) -> &str {
        self.field(id).map_or("", Field::value)
    }

    /// Whether the field of this name is ticked.
    pub fn is_ticked(&self, id: &str) -> bool {
        self.field(id).is_some_and(|field| matches!(field.kind, Kind::Tick(true)))
    }

    /// Puts words beside a field.
    pub fn note(&mut self, id: &str, note: Note) {
        if let Some(field) = self.field_mut(id) {
            field.note = note;
        }
    }

    /// The fields that have something wrong with them.
    pub fn wrong(&self) -> Vec<&Field> {
        self.fields().filter(|field| matches!(field.note, Note::Wrong(_))).collect()
    }

    /// Puts new rows in the place of the old ones. Fields of the same name keep what was typed, and the keys stay.
    pub fn arrange(&mut self, rows: Vec<Row>) {
        let old = std::mem::replace(&mut self.rows, rows);
        for row in old {
            let Row::Field(was) = row else { continue };
            if let Some(field) = self.field_mut(&was.id) {
                field.keep(was);
            }
        }
        if !self.stops().contains(&self.focus.as_str()) {
            self.focus = self.stops().first().map(|stop| (*stop).to_owned()).unwrap_or_default();
        }
    }

    /// All that can have the keys, in order.
    pub fn stops(&self) -> Vec<&str> {
        self.rows
            .iter()
            .flat_map(|row| match row {
                Row::Field(field) => vec![field.id.as_str()],
                Row::Buttons(buttons) => buttons.iter().map(|button| button.id).collect(),
                Row::Words(_) | Row::Text(..) => Vec::new(),
            })
            .collect()
    }

    /// Moves the keys by so many stops; after the last comes the first.
    fn step(&mut self, by: isize) {
        let stops = self.stops();
        if stops.is_empty() {
            return;
        }
        let at = stops.iter().position(|stop| *stop == self.focus).unwrap_or(0);
        let next = (at + stops.len()).saturating_add_signed(by) % stops.len();
        self.focus = stops.get(next).map(|stop| (*stop).to_owned()).unwrap_or_default();
    }

    /// The most rows that it is worth to be scrolled by.
    fn far(&self) -> isize {
        isize::try_from(self.rows.len()).unwrap_or(isize::MAX)
    }

    fn button(&self) -> Option<&Button> {
        self.button_of(&self.focus)
    }

    fn button_of(&self, id: &str) -> Option<&Button> {
        self.rows
            .iter()
            .filter_map(|row| if let Row::Buttons(buttons) = row { Some(buttons) } else { None })
            .flatten()
            .find(|button| button.id == id)
    }

    /// The button that the form is for.
    pub fn main_button(&self) -> Option<&Button> {
        self.button_of(self.main?)
    }

    fn current(&mut self) -> Option<&mut Field> {
        let focus = self.focus.clone();
        self.field_mut(&focus)
    }

    /// Takes a key.
    pub fn press(&mut self, key: Key) -> Told {
        let shift = std::mem::take(&mut self.shift);
        if key.code == KeyCode::Char('s') && key.control == Control::Held {
            return self.main_button().map_or(Told::Nothing, |button| self.push(button));
        }
        if let Some(field) = self.current() {
            match field.press(key) {
                field::Taken::Changed => {
                    self.touched = Touched::Yes;
                    return Told::Changed(self.focus.clone());
                }
                field::Taken::Yes => return Told::Nothing,
                field::Taken::Refused(why) => return Told::Refused(why),
                field::Taken::No => {}
            }
        }
        match key.code {
            KeyCode::PageUp => self.shift = (shift - SCREEN).max(-self.far()),
            KeyCode::PageDown => self.shift = (shift + SCREEN).min(self.far()),
            KeyCode::Esc => return Told::Leave,
            KeyCode::Tab | KeyCode::Down => self.step(1),
            KeyCode::BackTab | KeyCode::Up => self.step(-1),
            KeyCode::Right if self.button().is_some() => self.step(1),
            KeyCode::Left if self.button().is_some() => self.step(-1),
            KeyCode::Enter => return self.enter(),
            KeyCode::Char(' ') if key.control == Control::Free && self.button().is_some() => {
                return self.enter();
            }
            _ => {}
        }
        Told::Nothing
    }

    fn enter(&mut self) -> Told {
        if let Some(button) = self.button() {
            return self.push(button);
        }
        self.step(1);
        Told::Nothing
    }

    fn push(&self, button: &Button) -> Told {
        match &button.may {
            // a key that was typed before the form could be read presses nothing
            _ if self.seen == Seen::NotYet => Told::Nothing,
            Ok(()) => Told::Pressed(button.id),
            Err(why) => Told::Refused(why.clone()),
        }
    }

    /// A click on a field or a button.
    pub fn click(&mut self, id: &str) -> Told {
        if !self.stops().contains(&id) {
            return Told::Nothing;
        }
        let was = std::mem::replace(&mut self.focus, id.to_owned());
        if let Some(field) = self.field_mut(&was)
            && was != id
        {
            field.close();
        }
        if self.button().is_some() {
            return self.enter();
        }
        match self.current().map(Field::click) {
            Some(field::Taken::Changed) => {
                self.touched = Touched::Yes;
                Told::Changed(id.to_owned())
            }
            _ => Told::Nothing,
        }
    }

    /// A click on an entry of the open list.
    pub fn choose(&mut self, value: &str) -> Told {
        match self.current().map(|field| field.choose(value)) {
            Some(field::Taken::Changed) => {
                self.touched = Touched::Yes;
                Told::Changed(self.focus.clone())
            }
            Some(field::Taken::Refused(why)) => Told::Refused(why),
            _ => Told::Nothing,
        }
    }

    /// A paste goes into the field that has the keys, and never presses anything. Says whether there was one.
    pub fn paste(&mut self, text: &str) -> Told {
        match self.current().map(|field| field.paste(text)) {
            Some(field::Taken::Changed) => {
                self.touched = Touched::Yes;
                Told::Changed(self.focus.clone())
            }
            _ => {
                Told::Refused("what was pasted is dropped: there is no field here to put it into".to_owned())
            }
        }
    }

    /// A frame stands on the screen now.
    pub fn drawn(&mut self, frame: u64) {
        if frame >= self.frame {
            self.seen = Seen::Yes;
        }
    }
}

#[cfg(test)]
mod tests;
