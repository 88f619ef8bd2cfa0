//! What a click means: every part of the screen that can be pressed is noted down when it is drawn.
//!
//! Nothing is kept between frames. A click draws the board once more, into a buffer that nobody sees, and takes the
//! uppermost spot under it: so what is pressed is always what the state says stands there.

use std::ffi::OsString;

use ratatui::layout::Rect;

use super::actions::Action;
use super::app::Pane;
use crate::model::FailureId;

/// Something that can be pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spot {
    /// A pane.
    Pane(Pane),
    /// A failure in the list.
    Failure(FailureId),
    /// A profile in the list, by its id.
    Profile(String),
    /// A file or a folder, by its name.
    File(OsString),
    /// A row of a list, by its place in it.
    Row(usize),
    /// A field or a button of a form, or an answer of a question, by its name.
    Field(String),
    /// An entry of an open list.
    Option(String),
    /// A hint.
    Hint(Action),
    /// A page of an opened failure.
    Page(usize),
    /// What lies over the board, where nothing else of it is.
    Cover,
}

/// The spots of a frame, in the order in which they were drawn.
#[derive(Debug, Default)]
pub(super) struct Spots(Vec<(Rect, Spot)>);

impl Spots {
    pub fn add(&mut self, area: Rect, spot: Spot) {
        if !area.is_empty() {
            self.0.push((area, spot));
        }
    }

    /// What was drawn last at this place.
    pub fn at(&self, x: u16, y: u16) -> Option<&Spot> {
        self.0.iter().rev().find(|(area, _)| area.contains((x, y).into())).map(|(_, spot)| spot)
    }
}
