//! Where one record ends and the next begins, in a JSON array and in NDJSON; [`rows`](super::rows) does it for CSV.
//!
//! A splitter sees the text piece by piece and only speaks of places in the present piece. It holds no text.

use std::ops::Range;

use super::grammar::{Fault, Flaw, Layout, Value, is_blank, syntax, unexpected};
use super::rows::Rows;
use super::{Format, Limits};

/// What a splitter found in a piece of text.
#[derive(Debug)]
pub(super) enum Step {
    /// A record is whole. This part of it stands here (all of it, if it began here), and the search goes on at `resume`.
    Record { part: Range<usize>, resume: usize },
    /// The piece is used up. This part of it belongs to a record that may go on in the next piece.
    Rest { open: Option<Range<usize>> },
}

/// What a splitter says to the end of the text.
#[derive(Debug)]
pub(super) enum Finish {
    /// All is told.
    End,
    /// The record that was open is whole.
    Record,
}

/// Why the text must not end here.
#[derive(Debug)]
pub(super) enum Cut {
    /// It is cut off where it ends.
    Here(String),
    /// What is wrong began where the open record did.
    AtRecord(String),
}

/// The splitter of one format.
#[derive(Debug)]
pub(super) enum Splitter {
    Array(Array),
    Lines(Lines),
    Rows(Rows),
}

impl Splitter {
    pub(super) fn new(format: Format, limits: &Limits) -> Self {
        match format {
            Format::JsonArray => {
                Self::Array(Array { outer: Outer::Start, value: Value::new(limits.depth, Layout::Free) })
            }
            Format::Ndjson => Self::Lines(Lines {
                line: Line::Between,
                value: Value::new(limits.depth, Layout::OneLine),
                seen: Seen::Nothing,
            }),
            Format::Csv { delimiter } => Self::Rows(Rows::new(delimiter)),
        }
    }

    /// Goes on at a byte of this piece, which is 0 for each new piece.
    #[inline]
    pub(super) fn next(&mut self, text: &[u8], from: usize) -> Result<Step, Fault> {
        match self {
            Self::Array(array) => array.next(text, from),
            Self::Lines(lines) => lines.next(text, from),
            Self::Rows(rows) => rows.next(text, from),
        }
    }

    /// Whether no line ends within a record.
    pub(super) const fn is_of_lines(&self) -> bool {
        matches!(self, Self::Lines(_))
    }

    /// The text is over.
    pub(super) fn finish(&mut self) -> Result<Finish, Cut> {
        match self {
            Self::Array(array) => array.finish().map_err(Cut::Here),
            Self::Lines(lines) => lines.finish().map_err(Cut::Here),
            Self::Rows(rows) => rows.finish().map_err(Cut::AtRecord),
        }
    }
}

/// Splits one JSON array.
#[derive(Debug)]
pub(super) struct Array {
    outer: Outer,
    value: Value,
}

/// Where in the array, outside of its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outer {
    Start,
    First,
    Element,
    After,
    Next,
    Closed,
}

impl Array {
    fn next(&mut self, text: &[u8], from: usize) -> Result<Step, Fault> {
        let mut at = from;
        let mut begun = from;
        loop {
            if self.outer == Outer::Element {
                return Ok(match self.value.take(text, at)? {
                    Some(end) => {
                        self.outer = Outer::After;
                        Step::Record { part: begun..end, resume: end }
                    }
                    None => Step::Rest { open: Some(begun..text.len()) },
                });
            }
            let Some(&byte) = text.get(at) else { return Ok(Step::Rest { open: None }) };
            if is_blank(byte) {
                at += 1;
                continue;
            }
            self.outer = match (self.outer, byte) {
                (Outer::Start, b'[') => Outer::First,
                (Outer::Start, _) => return Err(unexpected("`[`", text, at)),
                (Outer::First | Outer::After, b']') => Outer::Closed,
                (Outer::After, b',') => Outer::Next,
                (Outer::After, _) => return Err(unexpected("`,` or `]` after a record", text, at)),
                (Outer::Next, b']') => return Err(syntax(at, "a comma stands before this `]`".to_owned())),
                (Outer::Closed, _) => return Err(unexpected("nothing after the array's end", text, at)),
                (Outer::First | Outer::Next | Outer::Element, _) => {
                    self.value.begin();
                    begun = at;
                    self.outer = Outer::Element;
                    continue;
                }
            };
            at += 1;
        }
    }

    fn finish(&self) -> Result<Finish, String> {
        match self.outer {
            Outer::Closed => Ok(Finish::End),
            // a number is never whole here: a comma or a bracket is missing after it
            Outer::Element => Err(self.value.finish().err().unwrap_or_else(|| CUT_ARRAY.to_owned())),
            _ => Err(CUT_ARRAY.to_owned()),
        }
    }
}

const CUT_ARRAY: &str = "the text ends before the array's closing `]`: it is cut off";

/// Splits NDJSON.
#[derive(Debug)]
pub(super) struct Lines {
    line: Line,
    value: Value,
    seen: Seen,
}

/// Where in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Between,
    Value,
    After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    Records,
}

impl Lines {
    fn next(&mut self, text: &[u8], from: usize) -> Result<Step, Fault> {
        let mut at = from;
        // the part of the open record that stands in this piece: where it began in an earlier one, it goes on here
        let mut part = from..from;
        loop {
            match self.line {
                Line::Between => {
                    let Some(&byte) = text.get(at) else { return Ok(Step::Rest { open: None }) };
                    if is_blank(byte) {
                        at += 1;
                    } else {
                        self.value.begin();
                        part = at..at;
                        self.line = Line::Value;
                    }
                }
                Line::Value => match self.value.take(text, at).map_err(|fault| self.explain(fault))? {
                    Some(end) => {
                        at = end;
                        part.end = end;
                        self.line = Line::After;
                    }
                    None => return Ok(Step::Rest { open: Some(part.start..text.len()) }),
                },
                // a record is told when its line is over: one with something behind it is none
                Line::After => match text.get(at) {
                    None => return Ok(Step::Rest { open: Some(part) }),
                    Some(b'\n') => {
                        self.line = Line::Between;
                        self.seen = Seen::Records;
                        return Ok(Step::Record { part, resume: at + 1 });
                    }
                    Some(b' ' | b'\t' | b'\r') => at += 1,
                    Some(_) => return Err(unexpected("the end of the line after its value", text, at)),
                },
            }
        }
    }

    fn explain(&self, fault: Fault) -> Fault {
        match (&fault.flaw, self.seen) {
            (Flaw::LineEnd, Seen::Nothing) => Fault { flaw: Flaw::ObjectInsteadOfArray, ..fault },
            (Flaw::LineEnd, Seen::Records) => syntax(
                fault.at,
                "the line ends in the middle of its value: NDJSON has one whole value a line".to_owned(),
            ),
            _ => fault,
        }
    }

    fn finish(&mut self) -> Result<Finish, String> {
        match std::mem::replace(&mut self.line, Line::Between) {
            Line::Between => return Ok(Finish::End),
            Line::Value => self.value.finish()?,
            Line::After => {}
        }
        self.seen = Seen::Records;
        Ok(Finish::Record)
    }
}
